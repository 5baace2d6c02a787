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

# limit: 180
# only: release
once_deb_installs_runs_and_goes() {
	need root
	need cmd dpkg-deb dpkg-shlibdeps dpkg
	committed
	# From a tarball, as whoever packs it has one
	run make -s -C copy dist
	expect_status 0
	local package tarball
	tarball=copy/$(tail -n 1 "$OUT")
	tar -xzf "$tarball"
	run make -s -C "$(basename "$tarball" .tar.gz)" deb
	expect_status 0
	package=$(basename "$tarball" .tar.gz)/$(tail -n 1 "$OUT")
	if command -v lintian >/dev/null; then
		run lintian --allow-root --fail-on error "$package"
		expect_status 0
		expect_no_out
	fi

	local files=(--root="$PWD/root" --force-depends --force-not-root --force-script-chrootless)
	mkdir -p root/var/lib/dpkg/{info,updates,triggers}
	: >root/var/lib/dpkg/status
	run dpkg "${files[@]}" --no-triggers -i "$package"
	expect_status 0
	[[ $(root/usr/bin/ucp --version | head -n 1) == "ucp $(dpkg-deb -f "$package" Version)" ]] || fail "another version"
	echo content >a
	run root/usr/bin/ucp -a a b
	expect_status 0
	check cmp a b
	hardened root/usr/bin/ucp
	(cd root && md5sum --quiet -c var/lib/dpkg/info/ucp.md5sums) || fail "md5sums"
	check zcat root/usr/share/man/man1/ucp.1.gz >/dev/null
	run dpkg "${files[@]}" --no-triggers -P ucp
	expect_status 0
	[[ -z $(find root -path root/var -prune -o -type f -print) ]] || fail "left: $(find root -type f)"
}
