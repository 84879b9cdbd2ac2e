#!/usr/bin/env bash
# Makes the log-based metrics and the alerts of this folder in a project, or sets them anew.
# Safe to run again: what is there already is updated, and its notification channels stay.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: deploy/metrics/apply.sh [options]

  --project PROJECT   the project that the service runs in (else gcloud's own)
  --channel CHANNEL   projects/P/notificationChannels/N: whom new alerts tell
                      (gcloud beta monitoring channels list)
  --dry-run           print the commands, run none of them; it shows them as if
                      nothing were there yet
TEXT
}

fail() {
  printf 'apply.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

wrong() {
  usage >&2
  fail "$1" 2
}

project="" channel="" dry_run=""
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --dry-run) dry_run=yes ;;
    --project | --channel)
      [ $# -ge 2 ] || wrong "$1 needs a value."
      if [ "$1" = --project ]; then project="$2"; else channel="$2"; fi
      shift
      ;;
    *) wrong "There is no option $1." ;;
  esac
  shift
done
[ -n "$dry_run" ] || command -v gcloud >/dev/null || fail "The command gcloud is not installed."
[ -z "$project" ] || export CLOUDSDK_CORE_PROJECT="$project"
cd "$(dirname "${BASH_SOURCE[0]}")"

# A dry run is the script to run; otherwise the commands are only told.
if [ -n "$dry_run" ]; then shown=1; else shown=2; fi

run() {
  printf '%q ' "$@" | sed 's/ $/\n/' >&"$shown"
  [ -n "$dry_run" ] || "$@" >/dev/null
}

# The command is no longer an alpha version since the end of 2025.
policies=(gcloud monitoring policies)
metrics="" known=""
if [ -z "$dry_run" ]; then
  "${policies[@]}" --help >/dev/null 2>&1 || policies=(gcloud alpha monitoring policies)
  metrics="$(gcloud logging metrics list --format='value(name)')"
  known="$("${policies[@]}" list --format='value(userLabels.labeler_alert,name,notificationChannels.list())')"
fi

for file in *.yaml; do
  name="$(sed -n 's/^name: //p' "$file")"
  does=create
  if grep -qx "$name" <<<"$metrics"; then does=update; fi
  run gcloud logging metrics "$does" "$name" "--config-from-file=$file"
done

# The alerts find a new metric only after a while.
if [ -z "$dry_run" ] && [ -z "$known" ]; then sleep "${LABELER_METRICS_WAIT_S:-30}"; fi

for file in alerts/*.yaml; do
  label="$(sed -n 's/^  labeler_alert: //p' "$file")"
  read -r policy channels <<<"$(awk -v label="$label" '$1 == label { print $2, $3 }' <<<"$known")"
  if [ -n "$policy" ]; then
    # The file replaces the policy; the channels may have been chosen in the console.
    run "${policies[@]}" update "$policy" "--policy-from-file=$file" \
      ${channels:+"--set-notification-channels=$channels"}
  else
    run "${policies[@]}" create "--policy-from-file=$file" \
      ${channel:+"--notification-channels=$channel"}
  fi
done
