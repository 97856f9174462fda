#!/usr/bin/env bash
# A shell in InfluxDB's container, where `influx` is set up for its organisation and token.
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/docker.sh
attach influxdb
