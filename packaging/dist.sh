#!/bin/bash
# SPDX-License-Identifier: MIT
# Make a tarball of what is committed, or where there is no git repository, as in a tarball that was unpacked, of what is
# here: packaging/dist.sh NAME. Prints its name, which is build/dist/NAME.tar.gz. It is the same each time.
set -euo pipefail
export LC_ALL=C

name=$1 tarball=build/dist/$1.tar.gz
mkdir -p build/dist
# A repository that this directory only lies in is not ours
if [[ -e .git ]]; then
	command -v git >/dev/null || { echo "make dist: needs git, as this is a git repository" >&2 && exit 1; }
	git=(git -c safe.directory="$PWD")
	"${git[@]}" diff --quiet HEAD || echo "make dist: what is not committed is not in it" >&2
	"${git[@]}" -c tar.umask=0022 archive --prefix="$name/" HEAD >"$tarball.tmp"
else
	find . -mindepth 1 \( -path ./build -o -path ./ucp -o -name __pycache__ \) -prune -o \( -type f -o -type l \) -printf '%P\0' |
		sort -z | tar --null --no-recursion -T - --owner=root:0 --group=root:0 --mode=u=rwX,go=rX --format=gnu \
		--mtime="@${SOURCE_DATE_EPOCH:-$(stat -c %Y Makefile)}" --transform="flags=r;s|^|$name/|" -cf "$tarball.tmp"
fi
gzip -9n <"$tarball.tmp" >"$tarball"
rm "$tarball.tmp"
echo "$tarball"
