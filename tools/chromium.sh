#!/bin/sh
# Prints the Chromium or Chrome that the browser tests drive. $CHROMIUM wins.
#
# Where there is none, and apt-get can be used without asking for a password, Debian's chromium
# is installed. Else it says what to install and fails: browser tests are never left out quietly.
set -eu

works() { [ -n "$1" ] && "$1" --version >/dev/null 2>&1; }

find_browser() {
    for name in chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        path="$(command -v "$name" 2>/dev/null)" && works "$path" && echo "$path" && return 0
    done
    return 1
}

if [ -n "${CHROMIUM:-}" ]; then
    works "$CHROMIUM" && echo "$CHROMIUM" && exit 0
    echo "CHROMIUM=$CHROMIUM does not start." >&2
    exit 1
fi
find_browser && exit 0

if command -v apt-get >/dev/null; then
    if [ "$(id -u)" -eq 0 ]; then
        root=""
    elif sudo -n true 2>/dev/null; then
        root="sudo"
    else
        root="none"
    fi
    if [ "$root" != none ]; then
        echo "Installing chromium for the browser tests" >&2
        # libatomic1: Playwright's driver needs it, and a small Debian comes without.
        log="$(mktemp)"
        if $root apt-get update >"$log" 2>&1 &&
            $root env DEBIAN_FRONTEND=noninteractive \
                apt-get install --yes --no-install-recommends libatomic1 chromium >>"$log" 2>&1; then
            rm -f "$log"
            find_browser && exit 0
        else
            tail -n 20 "$log" >&2
            rm -f "$log"
        fi
    fi
fi
echo "The browser tests need Chromium or Chrome: install one (Debian: apt-get install chromium)," \
    "or set CHROMIUM to its path. To leave them out: .venv/bin/python -m pytest -m 'not e2e'" >&2
exit 1
