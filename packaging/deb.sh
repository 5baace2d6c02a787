#!/bin/bash
# SPDX-License-Identifier: MIT
# Build a Debian package, and its source package, from a tarball of `make dist`: packaging/deb.sh TARBALL DIRECTORY
# Works in DIRECTORY, which is emptied, and prints the name of the package. DEBFULLNAME and DEBEMAIL say whose it is.
set -euo pipefail
export LC_ALL=C.UTF-8

tarball=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
rm -rf "${work:?}"/*
version=$(basename "$tarball" .tar.gz)
version=${version#ucp-}

cp "$tarball" "$work/ucp_$version.orig.tar.gz"
tar -C "$work" -xzf "$tarball"
cd "$work/ucp-$version"
cp -r packaging/debian debian
# An entry for each version; the date of the newest is the time of everything in the package
sed -n 's/^## \([0-9.]*\), \([0-9-]*\)$/\1 \2/p' docs/CHANGELOG.md | while read -r each date; do
	printf 'ucp (%s-1) unstable; urgency=medium\n\n  * See /usr/share/doc/ucp/changelog.gz.\n\n' "$each"
	printf ' -- %s <%s>  %s\n\n' "${DEBFULLNAME:-ucp developers}" "${DEBEMAIL:-maintainers@ucp.invalid}" \
		"$(date -u -R -d "$date")"
done >debian/changelog
unset SOURCE_DATE_EPOCH # dpkg takes it from there
dpkg-buildpackage -us -uc -j"$(nproc)" >../build.log 2>&1 || { cat ../build.log >&2 && exit 1; }
ls "$work"/*.deb
