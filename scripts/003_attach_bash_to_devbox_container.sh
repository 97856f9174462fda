#!/usr/bin/env bash
# A shell in the dev box, where the sources are mounted and the tools installed: scripts/test, scripts/check.
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/docker.sh
attach devbox
