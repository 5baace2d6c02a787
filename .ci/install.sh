#!/bin/bash
# SPDX-License-Identifier: MIT
# Install the Debian packages that are missing for: build | check | vm | demo | lint | bench | deb | rpm | fuzz (several may be given).
# Says what it installs, and nothing when all is there.
set -euo pipefail

# PROBE:PACKAGE. A probe is a header (*.h), a path or a command, so that what was installed by other means counts too.
build=(gcc:gcc make:make stdio.h:libc6-dev liburing.h:liburing-dev jansson.h:libjansson-dev xxhash.h:libxxhash-dev)
demo=(diff:diffutils)
check=(python3:python3 diff:diffutils mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs mkfs.btrfs:btrfs-progs
	setfacl:acl setfattr:attr setcap:libcap2-bin strace:strace xxhsum:xxhash groff:groff-base
	pkg-config:pkg-config fuse3/fuse.h:libfuse3-dev fusermount3:fuse3
	rsync:rsync git:git fincore:util-linux-extra zsh:zsh fish:fish parallel:parallel
	dpkg-shlibdeps:dpkg-dev lintian:lintian
	/usr/share/bash-completion/bash_completion:bash-completion)
bench=(python3:python3 diff:diffutils mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs mkfs.btrfs:btrfs-progs
	pkg-config:pkg-config fuse3/fuse.h:libfuse3-dev fusermount3:fuse3 rsync:rsync gnuplot:gnuplot-nox)
vm=(qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio modprobe:kmod xz:xz-utils dpkg-deb:dpkg
	mkfs.vfat:dosfstools mkfs.exfat:exfatprogs mkfs.f2fs:f2fs-tools mkntfs:ntfs-3g
	rpc.mountd:nfs-kernel-server mount.nfs:nfs-common smbd:samba mount.cifs:cifs-utils)
deb=(dpkg-buildpackage:dpkg-dev dh:debhelper git:git)
rpm=(rpmbuild:rpm git:git)
lint=(python3:python3 shellcheck:shellcheck cppcheck:cppcheck clang:clang clang-tidy:clang-tidy clang-format:clang-format groff:groff-base)

fuzz=(clang:clang /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a:libclang-rt-14-dev)

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

have() {
	local dir
	if [[ $1 == /* ]]; then
		[[ -e $1 ]]
		return
	elif [[ $1 != *.h ]]; then
		command -v "$1" >/dev/null
		return
	fi
	for dir in /usr/include /usr/include/*-linux-gnu* /usr/local/include; do
		[[ -e $dir/$1 ]] && return
	done
	return 1
}

# The packages that PROBE:PACKAGE... ask for and whose probes fail, in $missing.
find_missing() {
	local pair
	missing=()
	for pair; do
		have "${pair%:*}" || missing+=("${pair#*:}")
	done
}

apt() {
	local sudo=()
	((EUID == 0)) || sudo=(sudo)
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@"
}

install_all() {
	apt install --no-install-recommends "$@" ||
		{ apt update && apt install --no-install-recommends "$@"; }
}

wanted=("${build[@]}")
for what; do
	case $what in
	build) ;;
	demo) wanted+=("${demo[@]}") ;;
	check) wanted+=("${check[@]}") ;;
	vm) wanted+=("${vm[@]}") ;;
	lint) wanted+=("${lint[@]}") ;;
	deb) wanted+=("${deb[@]}") ;;
	rpm) wanted+=("${rpm[@]}") ;;
	bench) wanted+=("${bench[@]}") ;;
	fuzz) wanted+=("${fuzz[@]}") ;;
	*)
		echo "usage: $0 build|check|vm|demo|lint|bench|deb|rpm|fuzz..." >&2
		exit 1
		;;
	esac
done

find_missing "${wanted[@]}"
((${#missing[@]})) || exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! command -v apt-get >/dev/null; then
	echo "there is no apt-get here to install: ${missing[*]}" >&2
elif ((EUID != 0)) && ! command -v sudo >/dev/null; then
	echo "neither root nor sudo to install: ${missing[*]}" >&2
else
	echo "installing: ${missing[*]}"
	install_all "${missing[@]}" >"$log" 2>&1 || tail -n 20 "$log" >&2
fi

# Without a compiler nothing goes; without the rest some tests are skipped and some lints are not run.
find_missing "${wanted[@]}"
((${#missing[@]})) && echo "still missing: ${missing[*]}" >&2
find_missing "${build[@]}"
((${#missing[@]} == 0))
