#!/usr/bin/env bash
# Start docker-compose.test.yml with podman or docker and wait until everything that the specs need is ready.
# PODMAN_COMPOSE or DOCKER_COMPOSE may name other programs. To stop: the same program with `down`.
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

read -r -a podman <<<"${PODMAN_COMPOSE:-podman-compose}"
read -r -a docker <<<"${DOCKER_COMPOSE:-docker compose}"
if command -v podman >/dev/null && command -v "${podman[0]}" >/dev/null; then
  compose=("${podman[@]}")
elif command -v "${docker[0]}" >/dev/null && "${docker[@]}" version >/dev/null 2>&1; then
  compose=("${docker[@]}")
else
  echo "not checked here: neither podman with podman-compose nor docker with its compose plugin is installed"
  exit 0
fi

"${compose[@]}" -f docker-compose.test.yml up -d --build
for _ in $(seq 60); do
  if perfspec ready specs/*.yaml --env compose; then exit 0; fi
  sleep 5
done
"${compose[@]}" -f docker-compose.test.yml ps
exit 4
