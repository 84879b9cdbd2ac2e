#!/usr/bin/env bash
# Builds the image and runs it as Cloud Run would, without a container engine: about two minutes.
# `image_test.sh suite ARGUMENTS` builds deploy/test.Dockerfile upon it and runs pytest in that, as
# cloudbuild.yaml does.
#
# Needs root, on Debian or Ubuntu; buildah and mmdebstrap are installed where they are missing. The
# base is Debian with its own Python, which stands in for python:3.12-slim and is made once. Where
# there is a registry, BASE=python:3.12-slim takes the real one. PYTHON runs the checks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

SUITE="${SUITE:-bookworm}"
BASE="${BASE:-localhost/labeler-base-$SUITE}"
IMAGE=localhost/labeler
PYTHON="${PYTHON:-python3}"
export BUILDAH_ISOLATION=chroot

fail() {
  printf 'image_test.sh: %s\n' "$1" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "A build in a chroot needs root: sudo make image-test"
missing=""
for tool in buildah mmdebstrap; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || fail "Install$missing, or run it on Debian or Ubuntu."
  apt-get update -qq
  # shellcheck disable=SC2086 # one word a package
  apt-get install -qq --yes --no-install-recommends $missing
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

make_base() {
  local container root
  mmdebstrap --quiet --mode=root --variant=minbase \
    --include=python3,python3-venv,python3-pip,ca-certificates "$SUITE" "$work/base.tar"
  container="$(buildah from scratch)"
  buildah add --quiet "$container" "$work/base.tar" / >/dev/null
  root="$(buildah mount "$container")"
  ln -s python3 "$root/usr/bin/python"
  rm -rf "${root:?}"/var/lib/apt/lists/* "${root:?}"/var/cache/apt/*
  buildah umount "$container" >/dev/null
  buildah commit --quiet --rm "$container" "$BASE" >/dev/null
}

if [[ "$BASE" == localhost/* ]] && ! buildah inspect --type image "$BASE" >/dev/null 2>&1; then
  echo "Making the base from Debian $SUITE"
  make_base
fi

# Where packages come from is this machine's business, and stays out of the image.
volumes=()
for path in /etc/pip.conf "$HOME/.config/pip" /etc/ssl/certs; do
  [ ! -e "$path" ] || volumes+=(--volume "$path:$path:ro")
done

# build NAME ARGUMENT...
build() {
  echo "Building $1"
  buildah bud --quiet --layers --format docker "${volumes[@]}" --tag "$1" "${@:2}" . \
    >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "The build failed."; }
}

build "$IMAGE" --build-arg "BASE=$BASE"
if [ "${1:-}" != suite ]; then
  exec "$PYTHON" tools/image_check.py "$IMAGE" "$BASE"
fi
build "$IMAGE-test" --file deploy/test.Dockerfile --build-arg "IMAGE=$IMAGE"
container="$(buildah from --pull=never "$IMAGE-test")"
trap 'rm -rf "$work"; buildah rm "$container" >/dev/null' EXIT
entry="$(buildah inspect --type image --format '{{range .OCIv1.Config.Entrypoint}}{{.}} {{end}}' "$IMAGE-test")"
# shellcheck disable=SC2086 # the words of the entry point
buildah run "$container" -- $entry "${@:2}"
