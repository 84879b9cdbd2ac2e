#!/bin/sh
# Prints the newest Python that Labeler can run on, or says what to install and fails.
#
# A name on the PATH proves little: a pyenv shim may have no Python behind it, and Debian's
# python3 comes without venv. So every candidate is asked.
set -eu

names="${PYTHON:-python3.13 python3.12 python3.11 python3}"
without_venv=""
for name in $names; do
    answer="$("$name" -c '
import sys, importlib.util
has_venv = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
print("old" if sys.version_info < (3, 11) else "good" if has_venv else "without venv")
' 2>/dev/null)" || continue
    case "$answer" in
        good)
            echo "$name"
            exit 0
            ;;
        "without venv") without_venv="${without_venv:-$name}" ;;
    esac
done

if [ -n "$without_venv" ]; then
    version="$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    echo "$without_venv can't make virtual environments. On Debian and Ubuntu install" \
        "python$version-venv: sudo apt-get install python$version-venv" >&2
else
    echo "No Python 3.11 or newer was found (looked for: $names)." \
        "Install one, or name it: make PYTHON=/path/to/python3" >&2
fi
exit 1
