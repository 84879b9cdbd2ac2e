#!/usr/bin/env bash
# Makes the buckets of Labeler and sets what keeps boxes and pictures safe; docs/bucket.md says why.
# Safe to run again: a bucket that is there is only set anew, and nothing in it is touched.
set -euo pipefail
# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

KEEP_EXPORTS_DAYS=90
KEEP_VERSIONS_DAYS=90
SOFT_DELETE=30d

usage() {
  cat <<'EOF'
usage: deploy/bucket.sh BUCKET[/PREFIX] LOCATION [options]

  BUCKET                  holds annotations/, exports/, labels.json and, without
                          --uploads-bucket, uploads/
  LOCATION                a region, like europe-west1: the one that the service runs in
  --uploads-bucket NAME   a bucket of its own for originals
  --kms-key KEY           projects/P/locations/L/keyRings/R/cryptoKeys/K
  --dry-run               print the commands, run none of them

Needs the gcloud command and a project: gcloud config set project PROJECT
EOF
}

# --- arguments ----------------------------------------------------------------------------

place="" location="" uploads="" kms_key="" dry_run=""
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --dry-run) dry_run=yes ;;
    --uploads-bucket | --kms-key)
      [ $# -ge 2 ] || wrong "$1 needs a value."
      if [ "$1" = --kms-key ]; then kms_key="$2"; else uploads="${2#gs://}"; fi
      shift
      ;;
    -*) wrong "There is no option $1." ;;
    *)
      if [ -z "$place" ]; then
        place="${1#gs://}"
      elif [ -z "$location" ]; then
        location="$1"
      else
        wrong "$1 is one argument too many."
      fi
      ;;
  esac
  shift
done
[ -n "$location" ] || wrong "BUCKET and LOCATION are needed."

bucket="${place%%/*}"
prefix="${place#"$bucket"}"
prefix="${prefix#/}"
prefix="${prefix%/}"
name='^[a-z0-9][a-z0-9._-]*[a-z0-9]$'
[[ "$bucket" =~ $name ]] || wrong "'$bucket' can't be the name of a bucket."
[[ -z "$uploads" || "$uploads" =~ $name ]] || wrong "'$uploads' can't be the name of a bucket."
[ "$uploads" != "$bucket" ] || wrong "The bucket of originals must be another one."
key='^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$'
[[ -z "$kms_key" || "$kms_key" =~ $key ]] || wrong "'$kms_key' is not the full name of a key."
need_gcloud

# --- what is done -------------------------------------------------------------------------

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# Live documents, labels and originals meet no rule. What a save replaced and an old export do.
write_lifecycle() {
  cat >lifecycle.json <<EOF
{"rule": [
  {"action": {"type": "Delete"},
   "condition": {"age": $KEEP_EXPORTS_DAYS, "matchesPrefix": ["${prefix:+$prefix/}exports/"]}},
  {"action": {"type": "Delete"},
   "condition": {"daysSinceNoncurrentTime": $KEEP_VERSIONS_DAYS, "isLive": false}}
]}
EOF
  if [ -n "$dry_run" ]; then
    printf "cat >lifecycle.json <<'EOF'\n%s\nEOF\n" "$(cat lifecycle.json)"
  fi
}

# make_bucket NAME: unless it is there already.
make_bucket() {
  local there=""
  if [ -z "$dry_run" ]; then
    there="$(gcloud storage buckets describe "gs://$1" --format='value(location)' 2>/dev/null || true)"
  fi
  if [ -z "$there" ]; then
    run gcloud storage buckets create "gs://$1" "--location=$location" \
      --uniform-bucket-level-access --public-access-prevention
  elif [ "$(lower "$there")" != "$(lower "$location")" ]; then
    fail "gs://$1 is there already, in $there: a bucket can't be moved to $location."
  fi
}

lower() {
  printf '%s' "$1" | tr '[:upper:]' '[:lower:]'
}

# set_bucket NAME FLAG...: what every bucket gets, and the flags.
set_bucket() {
  local target="gs://$1"
  shift
  set -- "$@" --uniform-bucket-level-access --public-access-prevention \
    "--soft-delete-duration=$SOFT_DELETE"
  if [ -n "$kms_key" ]; then
    set -- "$@" "--default-encryption-key=$kms_key"
  fi
  run gcloud storage buckets update "$target" "$@"
}

if [ -n "$kms_key" ]; then
  run gcloud storage service-agent "--authorize-cmek=$kms_key"
fi
write_lifecycle
make_bucket "$bucket"
set_bucket "$bucket" --versioning --lifecycle-file=lifecycle.json
if [ -n "$uploads" ]; then
  make_bucket "$uploads"
  set_bucket "$uploads"
fi

{
  printf '\nThe service needs these settings:\n'
  printf '  LABELER_STORAGE=gs://%s\n' "$bucket${prefix:+/$prefix}"
  [ -z "$uploads" ] || printf '  LABELER_UPLOADS=gs://%s\n' "$uploads"
  [ -z "$kms_key" ] || printf '  LABELER_KMS_KEY=%s\n' "$kms_key"
  printf 'and its account the role roles/storage.objectUser. Then: python -m labeler doctor\n'
} >&2
