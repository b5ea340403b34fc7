#!/usr/bin/env bash
# Starts the service for a person, exactly as the pipeline starts it; Ctrl-C stops it.
#   scripts/start_app.sh [--port 7860]
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh" nox -s serve -- "$@"
