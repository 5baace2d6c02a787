#!/bin/bash
# SPDX-License-Identifier: MIT
# Copy /usr/include and a big generated file with the given ucp, compare, and say how fast it was.
set -euo pipefail
export LC_ALL=C

ucp=$(realpath "${1:-build/release/ucp}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/ucp-demo.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
from=$dir/from to=$dir/to
mkdir "$from" "$to"

# 1 GiB for the big file, or less: twice its size must fit the disk, and the memory too where /tmp lives there.
mib=1024
disk=$(($(df -Pk "$dir" | awk 'END { print $4 }') / 1024))
memory=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
while ((mib > 16 && (mib * 3 > disk || mib * 3 > memory))); do
	mib=$((mib / 2))
done

echo "generating a file of $mib MiB"
head -c "${mib}M" /dev/urandom >"$from/big"

echo "ucp -r --progress=always /usr/include $from/big $to"
start=${EPOCHREALTIME/./}
"$ucp" -r --progress=always /usr/include "$from/big" "$to"
took=$((${EPOCHREALTIME/./} - start))

echo "comparing"
diff -r --no-dereference /usr/include "$to/include"
cmp "$from/big" "$to/big"

find "$to" -type f -printf '%s\n' | awk -v us="$took" '
	{ bytes += $1 }
	END {
		printf "same: %d files, %.0f bytes in %.2f s, %.0f MiB/s\n", NR, bytes, us / 1e6, bytes / 1048576 / (us / 1e6)
	}'
