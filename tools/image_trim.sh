#!/bin/sh
# Usage: image_trim.sh LIB    Removes from installed packages what no program reads at run time.
#
# Tests, what tests are made of, and headers; pydeck's extension for notebooks; Arrow's clients for servers of its own kind
# and for S3, which nothing links to and which are loaded only by who imports them.
set -eu
lib="$1"
packages="$(echo "$lib"/python3*/site-packages)"
[ -d "$packages" ] || { echo "image_trim.sh: there is no $packages." >&2; exit 1; }
cd "$packages"
for owner in numpy pandas pyarrow; do
  find "$owner" -type d -name tests -prune -exec rm -rf {} +
done
rm -rf pyarrow/include pyarrow/src pydeck/nbextension sqlalchemy/testing
rm -f pyarrow/libarrow_flight.so.* pyarrow/_flight.*.so pyarrow/libarrow_s3.so.* pyarrow/_s3fs.*.so
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.map' \) -exec rm {} +
