#!/bin/bash
# SPDX-License-Identifier: MIT
# Build an RPM package from a tarball of `make dist`: packaging/rpm.sh TARBALL DIRECTORY
# Works in DIRECTORY, which is emptied, and prints the name of the package.
set -euo pipefail
export LC_ALL=C.UTF-8

tarball=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
rm -rf "${work:?}"/*
mkdir "$work/SOURCES"
cp "$tarball" "$work/SOURCES"
tar -xzf "$tarball" -C "$work" --strip-components=2 --wildcards '*/packaging/ucp.spec' '*/docs/CHANGELOG.md'
# The date of the newest version is the time of everything in it
SOURCE_DATE_EPOCH=$(date -u +%s -d "$(sed -n 's/^## .*, \(.*\)/\1/p' "$work/CHANGELOG.md" | head -n 1)")
export SOURCE_DATE_EPOCH
# On Debian the packages that it asks for have other names, and rpm knows of none
nodeps=()
[[ ! -e /etc/debian_version ]] || nodeps=(--nodeps)
rpmbuild "${nodeps[@]}" -ba --define "_topdir $work" --define "_smp_mflags -j$(nproc)" --define '_buildhost localhost' \
	--define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' \
	"$work/ucp.spec" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2 && exit 1; }
ls "$work"/RPMS/*/*.rpm
