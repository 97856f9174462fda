#!/usr/bin/env bash
# Stop and remove the containers. What they have stored stays, unless --volumes removes that and the tokens, too.
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/docker.sh
case "${1:-}" in
  "") volumes=() ;;
  --volumes) volumes=(--volumes) ;;
  *) fail "usage: scripts/004_stop_and_remove_containers.sh [--volumes]" ;;
esac
need_docker
# Compose wants every variable, and to remove what it has made takes none of them.
INFLUXDB_PASSWORD="${INFLUXDB_PASSWORD:-none}" INFLUXDB_TOKEN="${INFLUXDB_TOKEN:-none}" GRAFANA_PASSWORD="${GRAFANA_PASSWORD:-none}" \
  METRICS_TOKEN="${METRICS_TOKEN:-none}" compose --profile monitoring down --remove-orphans ${volumes[@]+"${volumes[@]}"}
if [ ${#volumes[@]} -gt 0 ]; then
  rm -f "$secrets"
  echo "Removed the containers and all that they had stored."
else
  echo "Removed the containers. What they have stored is kept; --volumes removes it."
fi
