#!/usr/bin/env bash
# Run one stage of one service's spec, or of all of them:
#
#   scripts/run-load-tests.sh [smoke|load|stress] [SERVICE|all] [options of `perfspec run`, such as --env staging]
#
# The exit code is the worst of the runs; results/...-STAGE/junit.xml holds all of them.
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

stage=${1:-smoke} service=${2:-all}
shift $(($# > 2 ? 2 : $#))
if [ "$service" = all ]; then
  mapfile -t specs < <(grep -l '^service:' specs/*.yaml)
else
  specs=("specs/$service.yaml")
fi
out="results/$(date +%Y%m%d-%H%M%S)-$service-$stage"

code=0
perfspec run "${specs[@]}" --stage "$stage" --out "$out" "$@" || code=$?
mapfile -t results < <(find "$out" -name result.json 2>/dev/null | sort)
if [ "${#results[@]}" -gt 0 ]; then
  perfspec report "${results[@]}" --format junit --out "$out/junit.xml" || true
fi
exit "$code"
