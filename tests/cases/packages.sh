# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status is set by run
# What `make` builds, and `make dist` and `make deb` of what is committed.

# The repository, if this is one: what is built there goes elsewhere.
committed() {
	need cmd git make gcc
	git -c safe.directory="$ROOT" -C "$ROOT" rev-parse -q --verify HEAD >/dev/null || skip "needs a git repository"
	git -c safe.directory='*' clone -q "$ROOT" copy || fail "git clone"
}

# hardened FILE: the program is built such that a mistake in it is hard to make use of.
hardened() {
	need cmd readelf objdump
	readelf -hldW --dyn-syms "$1" >elf || fail "readelf"
	grep -q '^ *Type: *DYN' elf || fail "not position independent"
	grep -q 'FLAGS_1.*PIE' elf || fail "not marked as position independent"
	grep -q 'BIND_NOW' elf || fail "symbols are bound late"
	grep -q 'GNU_RELRO' elf || fail "relocations stay writable"
	grep 'GNU_STACK' elf | grep -qw RW || fail "the stack is executable"
	grep -q '__stack_chk_fail' elf || fail "no stack protector"
	grep -q '__snprintf_chk' elf || fail "no _FORTIFY_SOURCE"
	objdump -d --no-show-raw-insn "$1" >code || fail "objdump"
	case $(uname -m) in
	x86_64) grep -q 'endbr64' code || fail "no -fcf-protection" ;;
	aarch64) grep -qE 'paciasp|bti' code || fail "no -mbranch-protection" ;;
	esac
	# The program is marked so only where the C library's own parts are.
	echo 'int main(void) { return 0; }' | gcc -fcf-protection -x c -o marked - 2>/dev/null
	if readelf -nW marked 2>/dev/null | grep -q 'IBT, SHSTK'; then
		readelf -nW "$1" | grep -q 'IBT, SHSTK' || fail "not marked for IBT and SHSTK"
	fi
}

# only: release
once_program_is_hardened() {
	local flags
	need cmd make
	flags=$(make -s -C "$ROOT" PROFILE=release show-flags) || fail "make show-flags"
	# An own program, or one that the makers of a distribution have built with their flags.
	[[ $flags == *-fstack-protector-strong* ]] || skip "built with HARDENING="
	hardened "$UCP"
}

# compiles_with VARIABLE…: what make would compile with, given these, says nothing about a harmless source.
compiles_with() {
	local flags
	# shellcheck disable=SC2034 # used by eval
	flags=$(make -s -C "$ROOT" PROFILE=release show-flags "$@") || fail "make show-flags $*"
	printf '#include <stdio.h>\nint main(void) { puts(""); return 0; }\n' >harmless.c
	(cd "$ROOT" && eval "$compiler $flags -Werror -c -o /dev/null '$OLDPWD/harmless.c'") || fail "$compiler $flags"
	printf '%s\n' "$flags"
}

# In a tarball there is no git: the tree is what it is. A repository around it is not asked.
# only: release
once_dist_of_a_tarball_is_the_same_files() {
	committed
	run make -s -C copy dist
	expect_status 0
	local tarball tree
	tarball=copy/$(tail -n 1 "$OUT")
	tree=$(basename "$tarball" .tar.gz)
	git init -q .
	tar -xzf "$tarball"
	mkdir -p "$tree/build/release" "$tree/tests/tools/__pycache__"
	touch "$tree/build/release/ucp" "$tree/tests/tools/__pycache__/x"
	ln -s build/release/ucp "$tree/ucp"
	run make -s -C "$tree" dist
	expect_status 0
	expect_no_err
	expect_out "build/dist/$tree.tar.gz"
	cp "$tree/build/dist/$tree.tar.gz" second
	run make -s -C "$tree" dist
	check cmp second "$tree/build/dist/$tree.tar.gz"
	mkdir first again
	tar -C first -xzf "$tarball"
	tar -C again -xzf second
	check diff -r first again
	diff <(cd first && find . -type f -printf '%m %P\n' | sort) <(cd again && find . -type f -printf '%m %P\n' | sort) ||
		fail "other modes"
	# Nor does a repository pass for a tarball, or an empty file for one
	mkdir -p "$tree/.git"
	run make -s -C "$tree" dist
	[[ $status != 0 && -s $ERR ]] || fail "status $status: $(_show "$ERR")"
}

# limit: 180
# only: release
once_hardening_yields_to_flags_of_the_user() {
	local compiler
	for compiler in gcc clang; do
		command -v $compiler >/dev/null && command -v make >/dev/null || continue
		compiles_with CC=$compiler >flags
		check grep -q -e '-D_FORTIFY_SOURCE=[23]' flags
		check grep -q -e '-fstack-protector-strong .*-fPIE .*-O2' flags
		compiles_with CC=$compiler CPPFLAGS='-D_FORTIFY_SOURCE=1' >flags
		check_not grep -q -e '-D_FORTIFY_SOURCE=[23]' flags
		compiles_with CC=$compiler CFLAGS='-O2 -U_FORTIFY_SOURCE -Wp,-D_FORTIFY_SOURCE=2' >flags
		check_not grep -q -e ' -D_FORTIFY_SOURCE' flags
		compiles_with CC=$compiler CFLAGS='-O0 -fno-pie -fcf-protection=none' >flags
		check_not grep -q -e '-fPIE' flags
		compiles_with CC=$compiler CFLAGS='-O1 -fsanitize=address' >flags
		check_not grep -q -e '_FORTIFY_SOURCE' flags
		compiles_with CC=$compiler HARDENING= >flags
		check_not grep -q -e '-fstack-protector\|-fPIE\|_FORTIFY_SOURCE' flags
	done
}

# only: release
once_dist_is_the_same_again() {
	committed
	run make -s -C copy dist
	expect_status 0
	expect_no_err
	local tarball
	tarball=$(tail -n 1 "$OUT")
	mv "copy/$tarball" first
	touch copy/src/*/*.c
	run make -s -C copy dist
	expect_status 0
	check cmp first "copy/$tarball"
	# All that git has, below one name, with modes that depend on nobody's umask.
	tar -tzf first | grep -v '/$' | sed "s|^${tarball:11:-7}/||" | sort >"$CASE/packed"
	git -C copy ls-files | sort | cmp - "$CASE/packed" || fail "another list of files"
	! tar -tvzf first | grep -vE '^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--) root/root ' || fail "modes or owners"
	# The version stands in the Makefile.
	[[ ${tarball##*/} == "ucp-$(sed -n 's/^VERSION := //p' copy/Makefile).tar.gz" ]] || fail "it is $tarball"
}

# files_below ROOT: what a package installs, each by one name: packages compress manual pages, put the licence and the
# completion of zsh into folders of their own, and have files about themselves.
files_below() {
	(cd "$1" && find . -mindepth 1 ! -type d -printf '%P\n') | sed -E -e '/^(\.[A-Z]*|var\/.*|usr\/lib\/\.build-id\/.*)$/d' \
		-e 's,^(usr/share/man/.*)\.gz$,\1,' -e 's,zsh/vendor-completions,zsh/site-functions,' -e '/changelog.Debian.gz$/d' \
		-e 's,^usr/share/(licenses/ucp/LICENSE|doc/ucp/copyright)$,usr/share/doc/ucp/LICENSE,' \
		-e 's,/changelog.gz$,/CHANGELOG.md,' | sort
}

# In copy, `make install` without compiling: the program is the one under test. Its files are in "installed".
prepare_install() {
	committed
	need tool run-refused # of a profile that make knows
	mkdir -p copy/build/release bin
	cp "$UCP" copy/build/release/ucp
	# As a program, so that debian/rules and the others run it
	printf '#!/bin/sh\nexec %q -o build/release/ucp "$@"\n' "$(command -v make)" >bin/make
	chmod +x bin/make
	PATH=$PWD/bin:$PATH
	make -s -C copy install DESTDIR="$PWD/plain" PREFIX=/usr >make.log 2>&1 || fail "make install: $(tail make.log)"
	files_below plain >installed
	[[ -L plain/usr/bin/umv && $(grep -c . installed) -ge 15 ]] || fail "installed: $(<installed)"
}

# installs_all WHAT ROOT
installs_all() {
	files_below "$2" | diff installed - || fail "$1 installs other files"
}

# only: release
once_package_files_install_all() {
	local file entry
	prepare_install
	mkdir arch alpine
	ln -s "$PWD/copy" "$(sed -n 's/^VERSION := /ucp-/p' copy/Makefile)"
	pkgdir=$PWD/arch bash -euc '. copy/packaging/PKGBUILD; package' >arch.log 2>&1 || fail "PKGBUILD: $(tail arch.log)"
	installs_all PKGBUILD arch
	(cd copy && pkgdir=../alpine sh -euc '. packaging/APKBUILD; package') >alpine.log 2>&1 || fail "APKBUILD: $(tail alpine.log)"
	installs_all APKBUILD alpine
	if command -v dh >/dev/null; then
		cp -r copy/packaging/debian copy/debian
		printf 'ucp (1-1) unstable; urgency=low\n\n  * .\n\n -- a <a@b.c>  Thu, 01 Jan 1970 00:00:00 +0000\n' >copy/debian/changelog
		(cd copy && debian/rules override_dh_auto_install) >debian.log 2>&1 || fail "debian/rules: $(tail debian.log)"
		cp copy/debian/copyright copy/debian/ucp/usr/share/doc/ucp # as dh_installdocs does
		installs_all debian/rules copy/debian/ucp
	fi
	# The spec lists what is to be there: take that away, and nothing is left
	if command -v rpmspec >/dev/null; then
		rpmspec -P copy/packaging/ucp.spec | sed -n '/^%files/,/^%changelog/s,.* \?/usr,usr,p' >listed
		mkdir -p plain/usr/share/licenses/ucp
		mv plain/usr/share/doc/ucp/LICENSE plain/usr/share/licenses/ucp
		while IFS= read -r entry; do
			(cd plain && compgen -G "$entry" >found && xargs rm -r <found) || fail "ucp.spec lists $entry"
		done <listed
		rm -f plain/found
		[[ -z $(files_below plain) ]] || fail "ucp.spec does not list: $(files_below plain)"
	fi
}

# What the files of packages say of themselves, as far as there are programs that check them.
# only: release
once_package_files_are_well_formed() {
	local version file packaging=$ROOT/packaging
	version=$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")
	for file in "packaging/ucp.spec:^Version: *" 'packaging/PKGBUILD:^pkgver=' 'packaging/APKBUILD:^pkgver=' \
		'packaging/default.nix:^  version = "' 'man/ucp.1:^\.TH UCP 1 .* "ucp ' 'docs/CHANGELOG.md:^## '; do
		[[ $(sed -n "s/${file#*:}\([0-9.]*\).*/\1/p" "$ROOT/${file%%:*}" | head -n 1) == "$version" ]] ||
			fail "${file%%:*} has another version than $version"
	done
	grep -q "^\* .* - $version-1\$" "$packaging/ucp.spec" || fail "ucp.spec has no changelog of $version"
	if command -v shellcheck >/dev/null; then
		# Who reads them uses the variables and sets $pkgdir
		check shellcheck -s bash -e SC2034,SC2154 "$packaging/PKGBUILD"
		check shellcheck -s sh -e SC2034,SC2154 "$packaging/APKBUILD"
	fi
	if command -v nix-instantiate >/dev/null; then
		check nix-instantiate --parse "$packaging/default.nix" >/dev/null
	fi
	if command -v systemd-analyze >/dev/null; then
		sed "s|/usr/bin/ucp|$UCP|" "$packaging/systemd/ucp-mirror.service" >ucp-mirror.service
		cp "$packaging/systemd/ucp-mirror.timer" .
		run systemd-analyze verify --man=no "$PWD/ucp-mirror.timer" "$PWD/ucp-mirror.service"
		expect_status 0
		check_not grep ucp-mirror "$ERR"
	fi
}

# The command of the example does what it is there for, twice.
# only: release
once_example_of_a_mirror_works() {
	local words
	read -r -a words <<<"$(sed -n 's/^ExecStart=//p' "$ROOT/packaging/systemd/ucp-mirror.service")"
	[[ ${words[*]:0:1} == /usr/bin/ucp && ${words[*]: -2} == "/home /mnt/backup/home" ]] || fail "it is ${words[*]}"
	make_tree --seed=1 home
	mkdir disk
	run "$UCP" "${words[@]:1:${#words[@]}-3}" home disk/home
	expect_status 0
	expect_no_err
	same_tree home disk/home
	rm -r home/"$(find home -mindepth 1 -maxdepth 1 -printf '%P\n' -quit)"
	run "$UCP" "${words[@]:1:${#words[@]}-3}" home disk/home
	expect_status 0
	same_tree home disk/home
}

# unpacked_dist: a tarball as whoever packs it has one, unpacked in $tree.
unpacked_dist() {
	local tarball
	committed
	run make -s -C copy dist
	expect_status 0
	tarball=copy/$(tail -n 1 "$OUT")
	tree=$(basename "$tarball" .tar.gz)
	tar -xzf "$tarball"
}

# limit: 1800
# only: release
long_deb_installs_runs_and_goes() {
	need root
	need cmd dpkg-buildpackage dh dpkg
	local package tree
	unpacked_dist
	run make -s -C "$tree" deb
	expect_status 0
	package=$tree/$(tail -n 1 "$OUT")
	if command -v lintian >/dev/null; then
		run lintian --allow-root "$tree"/build/deb/*.changes
		expect_status 0
		expect_no_out
	fi

	local files=(--root="$PWD/root" --force-depends --force-not-root --force-script-chrootless)
	mkdir -p root/var/lib/dpkg/{info,updates,triggers}
	: >root/var/lib/dpkg/status
	run dpkg "${files[@]}" --no-triggers -i "$package"
	expect_status 0
	# debian/tests is what autopkgtest runs
	run env -C "$tree" PATH="$PWD/root/usr/bin:$PATH" packaging/debian/tests/installed
	expect_status 0
	expect_out_has " 0 failed, "
	hardened root/usr/bin/ucp
	(cd root && md5sum --quiet -c var/lib/dpkg/info/ucp.md5sums) || fail "md5sums"
	run make -s -C "$tree" install DESTDIR="$PWD/plain" PREFIX=/usr
	files_below plain >installed
	installs_all "the package" root
	run dpkg "${files[@]}" --no-triggers -P ucp
	expect_status 0
	[[ -z $(find root -path root/var -prune -o -type f -print) ]] || fail "left: $(find root -type f)"
}

# limit: 1800
# only: release
long_rpm_is_well_formed() {
	need cmd rpmbuild rpm2cpio cpio
	local package tree
	unpacked_dist
	run make -s -C "$tree" rpm
	expect_status 0
	package=$tree/$(tail -n 1 "$OUT")
	if command -v rpmlint >/dev/null; then
		run rpmlint -r "$tree/packaging/ucp.rpmlintrc" "$tree/packaging/ucp.spec" "$package"
		expect_status 0
		expect_out_has "0 errors, 0 warnings"
	fi
	mkdir root
	rpm2cpio "$package" | (cd root && cpio -id --quiet) || fail "rpm2cpio"
	echo content >a
	run root/usr/bin/umv a b
	expect_status 0
	[[ $(<b) == content && ! -e a ]] || fail "not moved"
	run make -s -C "$tree" install DESTDIR="$PWD/plain" PREFIX=/usr
	files_below plain >installed
	installs_all "the package" root
}

# limit: 1800
# only: release
long_arch_package_is_built() {
	need user
	need cmd makepkg fakeroot bsdtar zstd
	local package tree
	unpacked_dist
	mkdir root makepkg
	cp copy/build/dist/*.tar.gz copy/packaging/PKGBUILD makepkg
	printf "CARCH=%s CHOST=%s-pc-linux-gnu PKGEXT=.pkg.tar.zst SRCEXT=.src.tar.gz OPTIONS=(strip zipman)\n" "$(uname -m)" \
		"$(uname -m)" >makepkg/conf
	[[ $EUID != 0 ]] || chown -R "$USER_ID" makepkg
	run as_user env -C "$PWD/makepkg" HOME="$PWD/makepkg" makepkg --nodeps --config "$PWD/makepkg/conf"
	expect_status 0
	package=$(echo makepkg/*.pkg.tar.zst)
	zstd -dc "$package" | tar -C root -x || fail "no package"
	check root/usr/bin/ucp --version
	run make -s -C "$tree" install DESTDIR="$PWD/plain" PREFIX=/usr
	files_below plain >installed
	installs_all "the package" root
}

# limit: 1800
# only: release
long_static_program_needs_no_library() {
	need cmd readelf
	committed
	run make -s -C copy static
	expect_status 0
	expect_no_err
	check_not grep -q NEEDED <(readelf -d copy/build/static/ucp)
	mkdir root
	cp copy/build/static/ucp root
	echo content >root/a
	if ((EUID == 0)); then
		mkdir root/etc
		echo 'somebody:x:123:456::/:' >root/etc/passwd
		echo 'some:x:457:' >root/etc/group
		run chroot root /ucp --chown=somebody:some a b
		expect_status 0
		[[ $(stat -c %u:%g root/b) == 123:457 ]] || fail "owned by $(stat -c %u:%g root/b)"
	fi
	run "$TESTS/run" --ucp="$PWD/copy/build/static/ucp" --modes=default basic:
	expect_status 0
}

# Where it is built, and when, is not to be seen.
# only: release
once_folder_is_not_in_what_is_compiled() {
	local folder
	need cmd make gcc
	for folder in one other/folder; do
		mkdir -p $folder/src/base
		cp "$ROOT/Makefile" $folder
		: >$folder/src/base/prelude.h
		printf '#include <assert.h>\nint f(int i) { assert(i); return i; }\n' >$folder/src/base/f.c
		make -s -C $folder CC=gcc SOURCE_DATE_EPOCH=1 show-flags >flags || fail "show-flags"
		(cd $folder && eval "gcc $(<"$OLDPWD/flags") -c -o f.o src/base/f.c") || fail "gcc"
	done
	check cmp one/f.o other/folder/f.o
}

# limit: 3000
# only: release
long_builds_are_the_same_in_other_folders() {
	need cmd dpkg-buildpackage dh
	local folder
	committed
	mkdir other
	mv copy other/folder
	committed
	for folder in copy other/folder; do
		run env SOURCE_DATE_EPOCH=1 make -s -C $folder all deb
		expect_status 0
	done
	check cmp copy/build/release/ucp other/folder/build/release/ucp
	(cd copy/build/dist && cmp -- *.deb ../../../other/folder/build/dist/*.deb) || fail "the packages differ"
	(cd copy/build/dist && cmp -- *.tar.gz ../../../other/folder/build/dist/*.tar.gz) || fail "the tarballs differ"
}
