#!/bin/bash
# SPDX-License-Identifier: MIT
# Build a Debian package from a tarball of `make dist`: packaging/deb.sh TARBALL DIRECTORY
# Works in DIRECTORY, which is emptied, and prints the name of the package. DEBFULLNAME and DEBEMAIL say whose it is.
set -euo pipefail
export LC_ALL=C.UTF-8

tarball=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
rm -rf "${work:?}"/*
version=$(basename "$tarball" .tar.gz)
version=${version#ucp-}
arch=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-ucp developers} <${DEBEMAIL:-maintainers@ucp.invalid}>"

tar -C "$work" -xzf "$tarball"
cd "$work/ucp-$version"
root=$work/root doc=$work/root/usr/share/doc/ucp
# The time of everything in it: that of the tarball
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(stat -c %Y Makefile)

flags() {
	DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get "$1"
}
make -s -j"$(nproc)" install DESTDIR="$root" PREFIX=/usr ZSH_COMPLETIONS=/usr/share/zsh/vendor-completions \
	CFLAGS="$(flags CFLAGS)" CPPFLAGS="$(flags CPPFLAGS)" LDFLAGS="$(flags LDFLAGS)" >build.log 2>&1 ||
	{ cat build.log >&2 && exit 1; }
strip --remove-section=.comment --remove-section=.note "$root/usr/bin/ucp"

install -d "$doc" "$root/DEBIAN"
install -m 644 README.md packaging/copyright "$doc"
{
	printf 'ucp (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n' "$version"
	printf ' -- %s  %s\n' "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
} >"$doc/changelog"
install -m 644 docs/CHANGELOG.md "$doc/CHANGELOG.md"
gzip -9n "$doc/changelog" "$doc/CHANGELOG.md" "$root/usr/share/man/man1/ucp.1"
rm "$root/usr/share/man/man1/umv.1"
ln -s ucp.1.gz "$root/usr/share/man/man1/umv.1.gz"

# dpkg-shlibdeps wants to see a source package
mkdir debian
printf 'Source: ucp\n\nPackage: ucp\nArchitecture: any\n' >debian/control
depends=$(dpkg-shlibdeps -O "$root/usr/bin/ucp" 2>/dev/null)
cat >"$root/DEBIAN/control" <<-END
	Package: ucp
	Version: $version
	Architecture: $arch
	Maintainer: $maintainer
	Installed-Size: $(du -k -s --apparent-size "$root/usr" | cut -f1)
	Depends: ${depends#shlibs:Depends=}
	Section: utils
	Priority: optional
	Description: copy files and directory trees in parallel
	 ucp copies files and directory trees by the rules and with all options of cp
	 of GNU coreutils. It uses several threads, each of which keeps many reads and
	 writes in flight through its own io_uring.
	 .
	 It also shows progress, resumes interrupted copies, verifies copies by
	 reading them back, writes lists of checksums, limits its rate, and excludes
	 files by patterns or by what git would ignore.
END
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
find "$root" -type d -exec chmod 755 {} +
package=$work/ucp_${version}_$arch.deb
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
echo "$package"
