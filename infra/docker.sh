# What the numbered scripts share: `source infra/docker.sh` from the repository's root.
# shellcheck shell=bash

compose_file=infra/compose.yaml
secrets=infra/.env

fail() {
  printf '%s\n' "$@" >&2
  exit 2
}

# Docker, its daemon and Compose are there; otherwise say what is missing and how to get it.
need_docker() {
  command -v docker >/dev/null ||
    fail "Docker is not installed." \
      "  Debian, Ubuntu: sudo apt install docker.io docker-compose-v2    others: https://docs.docker.com/get-docker/"
  local answer
  answer=$(docker info 2>&1 >/dev/null) || case $answer in
    *"permission denied"*)
      fail "Docker's daemon does not let you in." \
        "  Join its group and log in again: sudo usermod -aG docker $(id -un)" ;;
    *)
      fail "Docker's daemon does not run." \
        "  Start it: sudo systemctl start docker    (with Docker Desktop: open it)" "  It said: $answer" ;;
  esac
  docker compose version >/dev/null 2>&1 ||
    fail "Docker's Compose plug-in is not installed." \
      "  Debian, Ubuntu: sudo apt install docker-compose-v2    others: https://docs.docker.com/compose/install/"
}

compose() {
  docker compose --file "$compose_file" "$@"
}

# Whether a service of ours is running.
runs() {
  [ -n "$(compose ps --quiet --status running "$1" 2>/dev/null)" ]
}

# A shell in the container of a service that has to be running.
attach() {
  need_docker
  if [ ! -f "$secrets" ] || ! runs "$1"; then
    fail "The container of $1 does not run." "  Start it: scripts/002_create_and_start_containers.sh"
  fi
  exec docker compose --file "$compose_file" exec "$1" bash
}
