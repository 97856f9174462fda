#!/usr/bin/env bash
# Build the images of the hub and of the dev box. Needs Bash and Docker only.
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/docker.sh
need_docker
docker build --file infra/Dockerfile --target hub --tag pxl-hub:local .
docker build --file infra/Dockerfile --target dev --tag pxl-hub-dev:local .
echo "Built pxl-hub:local and pxl-hub-dev:local. Next: scripts/002_create_and_start_containers.sh"
