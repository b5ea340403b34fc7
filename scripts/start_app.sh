#!/usr/bin/env bash
# Starts the service for a person, exactly as the pipeline starts it; Ctrl-C stops it.
#   scripts/start_app.sh --host 0.0.0.0 --port 7860 --gpu --headless
# What `nox -s serve` does not know itself goes to the service.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh" nox -s serve -- "$@"
