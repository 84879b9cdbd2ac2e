#!/bin/sh
# Installs complete locks with the given Python's pip: tools/install.sh PYTHON LOCK [LOCK ...]
#
# A lock names every package with its version and hashes, so pip has nothing to look for. An old pip
# that looks all the same, for an extra such as coverage[toml], meets releases that are newer than
# the lock and stops. So it is told not to; `pip check` then proves that nothing is missing.
set -eu

python="$1"
shift

# A person's settings of pip name their package index, and are kept. These would install elsewhere,
# or something else.
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_DRY_RUN PIP_CONSTRAINT PIP_REQUIREMENT
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1

log="$(mktemp)"
trap 'rm -f "$log"' EXIT

# One line for each package and each folder of an index that is not there tells nobody anything.
told() { sed '/^WARNING: Location .* is ignored/d;/^\[notice\]/d;/^$/d' "$log" >&2; }

for lock; do
    status=0
    "$python" -m pip install --quiet --no-deps --require-hashes --requirement "$lock" \
        >"$log" 2>&1 || status=$?
    told
    [ "$status" -eq 0 ] || exit "$status"
done
"$python" -m pip check >"$log" 2>&1 || {
    told
    echo "The locks don't fit together, or other packages are in the environment:" \
        "run \`make clean\`, then try again." >&2
    exit 1
}
