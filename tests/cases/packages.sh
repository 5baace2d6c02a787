# shellcheck shell=bash disable=SC2154 # status is set by run
# What `make dist` and `make deb` build, of what is committed.

# The repository, if this is one: what is built there goes elsewhere.
committed() {
	need cmd git make gcc
	git -c safe.directory="$ROOT" -C "$ROOT" rev-parse -q --verify HEAD >/dev/null || skip "needs a git repository"
	git -c safe.directory='*' clone -q "$ROOT" copy || fail "git clone"
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
	touch copy/src/*.c
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
	run make -s -C copy deb
	expect_status 0
	local package
	package=copy/$(tail -n 1 "$OUT")
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
	(cd root && md5sum --quiet -c var/lib/dpkg/info/ucp.md5sums) || fail "md5sums"
	check zcat root/usr/share/man/man1/ucp.1.gz >/dev/null
	run dpkg "${files[@]}" --no-triggers -P ucp
	expect_status 0
	[[ -z $(find root -path root/var -prune -o -type f -print) ]] || fail "left: $(find root -type f)"
}
