#!/bin/sh
# Dataflow starts a worker with options of its own (--id=..., --logging_endpoint=...); everything
# else is a sync of the index, or an export.
set -eu
case "${1:-}" in
    --*)
        # The job description is no place for a password: each worker reads it for itself.
        if [ -n "${INDEX_FROM:-}" ]; then
            LABELER_INDEX="$(python "${0%/*}/worker_secret.py" "$INDEX_FROM")"
            export LABELER_INDEX
        fi
        exec "${BEAM_BOOT:-/opt/apache/beam/boot}" "$@"
        ;;
    index | stats) exec python -m labeler "$@" ;;
    *) exec python -m labeler export "$@" ;;
esac
