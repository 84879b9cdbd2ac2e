#!/bin/sh
# Dataflow starts a worker with options of its own (--id=..., --logging_endpoint=...); everything
# else is an export.
set -eu
case "${1:-}" in
    --*) exec /opt/apache/beam/boot "$@" ;;
    *) exec python -m labeler export "$@" ;;
esac
