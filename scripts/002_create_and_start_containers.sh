#!/usr/bin/env bash
# Start InfluxDB, the hub and the dev box, wait until they are healthy, and print where they are. Needs Bash and Docker
# only. The first start makes passwords and tokens, in infra/.env. --monitoring starts Prometheus and Grafana too.
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/docker.sh
case "${1:-}" in
  "") profile=() ports="influxdb:INFLUXDB_PORT:8086 hub:HUB_PORT:8000" ;;
  --monitoring)
    profile=(--profile monitoring)
    ports="influxdb:INFLUXDB_PORT:8086 hub:HUB_PORT:8000 prometheus:PROMETHEUS_PORT:9090 grafana:GRAFANA_PORT:3000" ;;
  *) fail "usage: scripts/002_create_and_start_containers.sh [--monitoring]" ;;
esac
need_docker
for image in pxl-hub:local pxl-hub-dev:local; do
  docker image inspect "$image" >/dev/null 2>&1 ||
    fail "The image $image is not built." "  Build it: scripts/001_build_images.sh"
done

random() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

if [ ! -f "$secrets" ]; then
  docker volume inspect pxl-hub_influxdb-data >/dev/null 2>&1 &&
    fail "There is data of an earlier start, but its passwords are gone with $secrets." \
      "  Put that file back, or remove the data: scripts/004_stop_and_remove_containers.sh --volumes"
  (umask 077 && printf '%s\n' "INFLUXDB_PASSWORD=$(random)" "INFLUXDB_TOKEN=$(random)" "GRAFANA_PASSWORD=$(random)" > "$secrets")
fi

# A port as the environment says, as infra/.env says, or the usual one.
port() {
  local written
  written=$(sed -n "s/^$1=//p" "$secrets")
  printf '%s' "${!1:-${written:-$2}}"
}

for entry in $ports; do
  IFS=: read -r service name usual <<< "$entry"
  number=$(port "$name" "$usual")
  if ! runs "$service" && (: < "/dev/tcp/127.0.0.1/$number") 2>/dev/null; then
    fail "Port $number, for $service, is taken by another program." \
      "  See which: ss -ltnp 'sport = :$number' (macOS: lsof -i :$number)    or choose another: $name=… $0 $*"
  fi
done

# The hub listens on more than loopback in its container, so it needs tokens; only their hashes are kept by it.
if ! grep -q '^HUB_TOKEN=' "$secrets"; then
  new_token() {
    compose run --rm --no-deps --quiet-pull -T hub pxl-hub token add "$@" --tokens /var/lib/pxl-hub/tokens.toml
  }
  hub_token=$(new_token operator --write '*' --read '*' --admin --backfill)
  metrics_token=$(new_token prometheus --admin)
  printf '%s\n' "HUB_TOKEN=$hub_token" "METRICS_TOKEN=$metrics_token" >> "$secrets"
fi

compose ${profile[@]+"${profile[@]}"} up --detach --wait --wait-timeout 300 ||
  fail "A container is not healthy; its log says why: docker compose -f $compose_file logs"

for entry in $ports; do
  IFS=: read -r service name usual <<< "$entry"
  echo "$service: http://127.0.0.1:$(port "$name" "$usual")/"
done
echo "Tokens and passwords are in $secrets. A shell: scripts/003_attach_bash_to_devbox_container.sh"
