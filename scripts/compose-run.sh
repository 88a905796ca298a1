#!/usr/bin/env bash
# Start docker-compose.test.yml with podman or docker and wait until everything that the specs need is ready.
# PODMAN_COMPOSE or DOCKER_COMPOSE may name other programs. To stop: the same program with `down`.
# Ends with 0 if all is ready, and with 4 and what is missing if not.
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
file=docker-compose.test.yml

read -r -a podman <<<"${PODMAN_COMPOSE:-podman-compose}"
read -r -a docker <<<"${DOCKER_COMPOSE:-docker compose}"
if command -v podman >/dev/null && command -v "${podman[0]}" >/dev/null; then
  engine=podman compose=("${podman[@]}")
elif command -v "${docker[0]}" >/dev/null && "${docker[@]}" version >/dev/null 2>&1; then
  engine=docker compose=("${docker[@]}")
else
  echo "not started: neither podman with podman-compose nor docker with its compose plugin is installed." >&2
  echo "    Without containers: perfspec serve all, or perfspec run specs/search.yaml (starts its service itself)." >&2
  exit 4
fi

# Images that are neither here nor in a registry that can be reached are better named before anything starts.
missing=()
while read -r image; do
  case "$image" in perfspec-reference-*:local) continue ;; esac # built below
  "$engine" image inspect "$image" >/dev/null 2>&1 || "$engine" pull --quiet "$image" >/dev/null 2>&1 ||
    missing+=("$image")
done < <("${compose[@]}" -f "$file" config 2>/dev/null | sed -n 's/^ *image: *//p' | sort -u)
if [ "${#missing[@]}" -gt 0 ]; then
  echo "not started: $engine has no such image, and no registry that it can reach gives it:" >&2
  printf '    %s\n' "${missing[@]}" >&2
  echo "    Name images that are here (POSTGRES_IMAGE=..., see $file), or load them: $engine load --input FILE" >&2
  exit 4
fi

if ! "${compose[@]}" -f "$file" build; then
  echo "not started: the images of the services could not be built; what is printed above says why." >&2
  echo "    Name others: GATEWAY_IMAGE=... ASSESSMENT_IMAGE=... SEARCH_IMAGE=..." >&2
  exit 4
fi
"${compose[@]}" -f "$file" up -d
for _ in $(seq "${COMPOSE_TRIES:-60}"); do
  if perfspec ready specs/*.yaml --env compose; then
    echo "all is ready; to stop: ${compose[*]} -f $file down"
    exit 0
  fi
  sleep "${COMPOSE_PAUSE:-5}"
done
"${compose[@]}" -f "$file" ps
echo "not ready within $((${COMPOSE_TRIES:-60} * ${COMPOSE_PAUSE:-5})) s; to stop: ${compose[*]} -f $file down" >&2
exit 4
