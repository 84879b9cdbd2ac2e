# shellcheck shell=bash
# What the scripts of this folder share. They set dry_run and define usage before they call it.
dry_run="${dry_run:-}"

fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit "${2:-1}"
}

wrong() {
  usage >&2
  fail "$1" 2
}

# A dry run prints the commands as a script; otherwise they are told while they run.
show() {
  if [ -n "$dry_run" ]; then printf '%s\n' "$1"; else printf '%s\n' "$1" >&2; fi
}

run() {
  show "$(printf '%q ' "$@" | sed 's/ $//')"
  [ -n "$dry_run" ] || "$@"
}

# there COMMAND...: whether what it describes is there; in a dry run nothing is, and nobody is asked.
there() {
  [ -z "$dry_run" ] && "$@" >/dev/null 2>&1
}

need_gcloud() {
  [ -n "$dry_run" ] || command -v gcloud >/dev/null || fail "The command gcloud is not installed."
}
