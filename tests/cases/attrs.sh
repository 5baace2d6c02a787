# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# Timestamps, owners, extended attributes, ACLs and capabilities.
# modes: default sync tiny

# The file system of the tests has extended attributes of users / ACLs, and the tools are there.
need_xattr() {
	need cmd setfattr getfattr
	: >"$CASE/cwd/.probe"
	setfattr -n user.probe -v x .probe 2>/dev/null || skip "needs user xattrs here"
	rm .probe
}

need_acl() {
	need cmd setfacl getfacl
	: >.probe
	setfacl -m u:1:r .probe 2>/dev/null || skip "needs ACLs here"
	rm .probe
}

keeps_time() { # TIME OPTIONS…
	echo a >a
	touch -d "$1" a
	[[ $(stat -c %y a) == "$1"* ]] || skip "this file system cannot hold $1"
	check ucp "${@:2}" a b
	[[ $(stat -c %y b) == "$1"* ]] || fail "b has time $(stat -c %y b), not $1"
}

no_xattr() {
	! getfattr -n "$2" --only-values "$1" >/dev/null 2>&1 || fail "$1 has $2"
}

has_xattr() { # PATH NAME VALUE
	[[ $(getfattr -h -n "$2" --only-values --absolute-names "$1" 2>/dev/null) == "$3" ]] ||
		fail "$1 has not $2=$3"
}

# --- timestamps

case_time_with_p() {
	keeps_time '2001-02-03 04:05:06.123456789' -p
}

case_time_with_a() {
	keeps_time '2001-02-03 04:05:06.123456789' -a
}

case_time_alone() {
	keeps_time '2001-02-03 04:05:06.000000001' --preserve=timestamps
}

case_time_before_1970() {
	keeps_time '1950-01-01 00:00:00.123456789' -p
}

case_time_just_before_1970() {
	keeps_time '1969-12-31 23:59:59.999999999' -p
}

case_time_after_2038() {
	keeps_time '2100-06-07 08:09:10.987654321' -p
}

# modes: all
case_time_of_big_file() {
	head -c 6000000 /dev/urandom >a
	touch -d '2001-02-03 04:05:06.123456789' a
	check ucp -p a b
	same_tree a b
}

case_time_of_empty_file() {
	: >a
	touch -d '2001-02-03 04:05:06.123456789' a
	check ucp -p a b
	same_tree a b
}

case_time_of_existing_file() {
	echo a >a
	echo longer >b
	touch -d '2001-02-03 04:05:06.123456789' a
	check ucp -p a b
	same_tree a b
}

case_time_is_new_without_p() {
	echo a >a
	touch -d '2001-02-03' a
	check ucp a b
	[[ b -nt a ]] || fail "the time was kept"
}

case_no_preserve_timestamps() {
	mkdir s
	echo a >s/a
	touch -d '2001-02-03' s/a s
	check ucp -a --no-preserve=timestamps s d
	[[ d -nt s && d/a -nt s/a ]] || fail "a time was kept"
}

case_access_time_with_p() {
	echo a >a
	touch -a -d '1999-01-02 03:04:05.678901234' a
	touch -m -d '2001-02-03 04:05:06.123456789' a
	check ucp -p a b
	[[ $(stat -c %x b) == '1999-01-02 03:04:05.678901234'* ]] || fail "access time is $(stat -c %x b)"
}

# A directory gets its time when all of its content is there.
case_time_of_directories() {
	local i
	mkdir -p s/a/b s/c s/empty
	for i in {1..100}; do
		echo "$i" >"s/a/$i"
		echo "$i" >"s/a/b/$i"
	done
	head -c 3000000 /dev/urandom >s/c/big
	touch -d '2001-02-03 04:05:06.123456789' s/a/* s/c/* s/a/b s/a s/c s/empty s
	touch -d '1960-02-03 04:05:06.123456789' s/a/b
	check ucp -a s d
	same_tree s d
	check ucp -rp s e
	same_tree s e
}

case_time_of_merged_directory() {
	mkdir -p s/sub d/s/sub
	echo f >s/sub/f
	touch -d '2001-02-03 04:05:06.123456789' s/sub/f s/sub s
	check ucp -a s d
	same_tree s d/s
}

case_time_of_symlink() {
	ln -s nowhere link
	touch -h -d '2001-02-03 04:05:06.123456789' link
	check ucp -a link new
	same_tree link new
}

case_time_of_symlinks_target_is_untouched() {
	mkdir s d
	echo f >s/f
	ln -s f s/link
	touch -d '2005-05-05' s/f
	touch -h -d '2001-02-03 04:05:06.123456789' s/link s
	check ucp -aT s d
	same_tree s d
}

case_time_of_fifo() {
	mkdir s
	mkfifo s/p
	touch -d '2001-02-03 04:05:06.123456789' s/p s
	check ucp -a s d
	same_tree s d
}

# --- owners

case_owner_with_a() {
	need root
	mkdir -p s/sub
	echo f >s/sub/f
	ln -s f s/sub/link
	mkfifo s/sub/p
	chown -h 1000:1001 s/sub/f s/sub/link s/sub/p
	chown 4000000000:123456 s/sub
	check ucp -a s d
	same_tree s d
}

case_owner_not_with_r() {
	need root
	mkdir s
	echo f >s/f
	chown -R 1000:1001 s
	check ucp -r s d
	[[ $(stat -c %u:%g d) == 0:0 && $(stat -c %u:%g d/f) == 0:0 ]] || fail "the owner was kept"
}

case_owner_alone() {
	need root
	echo f >f
	chown 1000:1001 f
	chmod 777 f
	check ucp --preserve=ownership f g
	[[ $(stat -c %u:%g:%a g) == 1000:1001:755 ]] || fail "g is $(stat -c %u:%g:%a g)"
}

case_owner_of_existing_file() {
	need root
	echo f >f
	echo g >g
	chown 1000:1001 f
	chown 1:2 g
	check ucp -p f g
	same_tree f g
}

case_no_preserve_ownership() {
	need root
	mkdir s
	echo f >s/f
	chown -R 1000:1001 s
	check ucp -a --no-preserve=ownership s d
	same_tree s d --no-owner
	[[ $(stat -c %u:%g d/f) == 0:0 ]] || fail "the owner was kept"
}

case_set_id_bits_survive_the_owner() {
	need root
	mkdir s
	echo f >s/f
	echo g >s/g
	chown 1000:1001 s/f s/g s
	chmod 4755 s/f
	chmod 6711 s/g
	chmod 3775 s
	check ucp -a s d
	same_tree s d
}

case_user_keeps_what_is_allowed() {
	need root
	need user
	chmod 777 .
	mkdir s
	echo f >s/f
	chmod 4755 s/f
	touch -d '2001-02-03 04:05:06.123456789' s/f s
	run as_user ucp -rp s d
	expect_status 0
	expect_no_err
	[[ $(stat -c %u:%a d/f) == 65534:755 ]] || fail "d/f is $(stat -c %u:%a d/f)"
	same_tree s d --no-owner --no-mode
}

# Without -p set-id bits are never given; with it they go with the owner, silently.
case_user_drops_foreign_set_id_bits() {
	need root
	need user
	chmod 777 .
	echo f >f
	chmod 7755 f
	run as_user ucp -p f g
	expect_status 0
	expect_no_err
	[[ $(stat -c %u:%a g) == 65534:755 ]] || fail "g is $(stat -c %u:%a g)"
	run as_user ucp -a f h
	expect_status 0
	expect_no_err
	[[ $(stat -c %u:%a h) == 65534:755 ]] || fail "h is $(stat -c %u:%a h)"
}

case_user_keeps_a_group_of_his() {
	need root
	need user
	chmod 777 .
	echo f >f
	chown 65534:1234 f
	chmod 2755 f
	# shellcheck disable=SC2086 # the flags are words
	run setpriv --reuid=65534 --regid=65534 --groups=1234 "$UCP" $UCP_FLAGS -p f g
	expect_status 0
	expect_no_err
	same_tree f g
}

# --- extended attributes

case_xattrs_with_a() {
	need_xattr
	mkdir s
	echo f >s/f
	setfattr -n user.text -v 'a value' s/f
	setfattr -n user.empty s/f
	setfattr -n user.binary -v 0x00ff000a s/f
	setfattr -n user.dir -v x s
	check ucp -a s d
	same_tree s d
	has_xattr d/f user.text 'a value'
}

case_xattrs_alone() {
	need_xattr
	echo f >f
	setfattr -n user.text -v 'a value' f
	check ucp --preserve=xattr f g
	has_xattr g user.text 'a value'
}

case_xattrs_not_with_p() {
	need_xattr
	echo f >f
	setfattr -n user.text -v 'a value' f
	check ucp -p f g
	no_xattr g user.text
	check ucp -a --no-preserve=xattr f h
	no_xattr h user.text
	check ucp f i
	no_xattr i user.text
}

case_xattrs_of_existing_file() {
	need_xattr
	echo f >f
	echo g >g
	setfattr -n user.text -v new f
	setfattr -n user.text -v old g
	setfattr -n user.own -v kept g
	check ucp -a f g
	has_xattr g user.text new
	has_xattr g user.own kept
}

case_xattrs_of_read_only_file() {
	need user
	need_xattr
	mkdir place
	((EUID != 0)) || chown 65534:65534 place
	cd place || fail "cd"
	echo f >f
	setfattr -n user.text -v x f
	chmod 444 f
	((EUID != 0)) || chown 65534:65534 f
	run as_user ucp -a f g
	expect_status 0
	expect_no_err
	same_tree f g
	run as_user ucp --preserve=xattr f h
	expect_status 0
	expect_no_err
	has_xattr h user.text x
	[[ $(stat -c %a h) == 444 ]] || fail "h has mode $(stat -c %a h)"
}

# The kernel wants the owner's permission to write for setting an attribute, too.
case_xattrs_of_read_only_file_over_another() {
	local option
	need user
	need_xattr
	mkdir place
	cd place || fail "cd"
	mkdir s
	echo f >s/f
	setfattr -n user.text -v x s/f
	chmod 444 s/f
	touch -d 2001-01-01 s/f
	((EUID != 0)) || chown -R 65534:65534 . s
	for option in -a -aL -aH -au --preserve=all --preserve=mode,xattr "-a --attributes-only" "-a --atomic" "-a --resume"; do
		rm -rf d
		mkdir d
		echo longer >d/f
		touch -d 2000-01-01 d/f
		((EUID != 0)) || chown -R 65534:65534 d
		# shellcheck disable=SC2086 # an option is words
		run as_user ucp -rT $option s d
		expect_status 0
		expect_no_err
		has_xattr d/f user.text x
		[[ $(stat -c %a d/f) == 444 ]] || fail "$option: d/f has mode $(stat -c %a d/f)"
	done
}

case_xattrs_with_a_umask_against_the_owner() {
	local mask
	need user
	need_xattr
	mkdir place
	cd place || fail "cd"
	echo f >f
	setfattr -n user.text -v x f
	((EUID != 0)) || chown 65534:65534 . f
	for mask in 0200 0222 0777; do
		rm -f g h
		# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; the flags are words
		run as_user bash -c 'umask "$0"; "$@" -a f g && "$@" --preserve=xattr f h' $mask "$UCP" $UCP_FLAGS
		expect_status 0
		expect_no_err
		chmod u+r g h
		has_xattr g user.text x
		has_xattr h user.text x
		[[ $(stat -c %a g) == 644 ]] || fail "g has mode $(stat -c %a g)"
	done
}

# What gets attributes but no mode keeps its own.
case_xattrs_of_read_only_destination() {
	need user
	need_xattr
	mkdir place
	cd place || fail "cd"
	mkdir s d
	setfattr -n user.text -v x s
	chmod 555 d
	((EUID != 0)) || chown -R 65534:65534 .
	run as_user ucp -rT --preserve=xattr s d
	expect_status 0
	expect_no_err
	has_xattr d user.text x
	[[ $(stat -c %a d) == 555 ]] || fail "d has mode $(stat -c %a d)"
}

once_xattrs_without_the_right_to_override() {
	need root
	need user
	need_xattr
	echo f >f
	setfattr -n user.text -v x f
	chmod 400 f
	echo old >g
	# shellcheck disable=SC2086 # the flags are words
	run setpriv --bounding-set=-dac_override --inh-caps=-dac_override "$UCP" $UCP_FLAGS -a f g
	expect_status 0
	expect_no_err
	same_tree f g
}

# refused_xattrs STATUS ERROR… -- CALL OPTION…: what is said where a call of attributes fails, and as cp ends.
refused_xattrs() {
	local expected=$1 errors=() error
	shift
	for (( ; $# > 0; )); do
		error=$1
		shift
		[[ $error != -- ]] || break
		errors+=("$error")
	done
	for error in "${errors[@]}"; do
		rm -f g
		# shellcheck disable=SC2086 # the flags are words
		run "${UCP%/*}/tools/run-refused" "$1=$error" -- "$UCP" $UCP_FLAGS "${@:2}" f g
		[[ $status != 77 ]] || skip "needs seccomp"
		((status == expected)) || fail "$* with $error: $status, $(cat "$ERR")"
		[[ -e g ]] || fail "$* with $error: nothing was copied"
	done
}

once_refused_xattrs() {
	need tool run-refused
	need_xattr
	local odd=(EINVAL EIO E2BIG EPERM EACCES)
	echo f >f
	setfattr -n user.text -v x f
	for call in flistxattr fgetxattr fsetxattr; do
		refused_xattrs 0 "${odd[@]}" ENOSYS EOPNOTSUPP ENODATA -- $call -a
		expect_no_err
		refused_xattrs 0 "${odd[@]}" ENOSYS -- $call --preserve=all
		refused_xattrs 1 "${odd[@]}" -- $call --preserve=xattr
		refused_xattrs 1 "${odd[@]}" -- $call -a --preserve=xattr
		refused_xattrs 0 "${odd[@]}" -- $call -a --attributes-only
	done
	refused_xattrs 1 ENOSPC -- fsetxattr -a
	expect_err "ucp: setting attributes for 'g': No space left on device"
	refused_xattrs 1 EIO -- fsetxattr --preserve=xattr
	expect_err "ucp: setting attributes for 'g': Input/output error"
	refused_xattrs 1 EIO -- flistxattr --preserve=xattr
	expect_err "ucp: listing attributes of 'f': Input/output error"
	refused_xattrs 0 EIO -- flistxattr --preserve=all
	expect_err "ucp: listing attributes of 'f': Input/output error"
	# A kernel that knows no attributes has none to lose
	refused_xattrs 0 ENOSYS EOPNOTSUPP -- flistxattr --preserve=xattr
	expect_no_err
}

# More names than fit a list, as the owner of a file can have on XFS and btrfs.
once_more_xattrs_than_can_be_listed() {
	need_acl
	mount_image xfs 300M m
	echo f >m/f
	setfacl -m u::rw,g::---,o::---,u:1:rwx,m::rwx m/f
	python3 -c 'import os
for i in range(300):
	os.setxattr("m/f", "user.%0240d" % i, b"1")' || fail "setxattr"
	! getfattr m/f >/dev/null 2>&1 || skip "they can be listed"
	run_ucp -a m/f m/a
	expect_status 0
	expect_no_err
	run_ucp -p m/f m/p
	expect_status 0
	expect_no_err
	for name in a p; do
		[[ $(getfacl -cn m/$name) == "$(getfacl -cn m/f)" ]] || fail "m/$name has $(getfacl -cn m/$name)"
	done
	run_ucp --preserve=xattr m/f m/x
	expect_status 1
	expect_err "ucp: listing attributes of 'm/f': Argument list too long"
}

case_xattrs_of_read_only_directory() {
	need user
	need_xattr
	mkdir place
	((EUID != 0)) || chown 65534:65534 place
	cd place || fail "cd"
	mkdir s
	echo f >s/f
	setfattr -n user.text -v x s
	chmod 555 s
	((EUID != 0)) || chown -R 65534:65534 s
	run as_user ucp -a s d
	expect_status 0
	expect_no_err
	same_tree s d
	chmod u+w s d
}

case_trusted_xattrs() {
	need root
	need_xattr
	mkdir s
	echo f >s/f
	ln -s f s/link
	setfattr -n trusted.text -v 'a value' s/f || skip "needs trusted xattrs here"
	setfattr -h -n trusted.text -v 'of a link' s/link
	check ucp -a s d
	same_tree s d
	has_xattr d/link trusted.text 'of a link'
}

# ramfs has no extended attributes: -a says nothing, --preserve=xattr insists.
case_xattrs_unsupported() {
	need root
	need_xattr
	mkdir ram
	mount -t ramfs ramfs ram 2>/dev/null || skip "cannot mount a ramfs"
	! setfattr -n user.probe -v x ram 2>/dev/null || skip "this ramfs has xattrs"
	echo f >f
	setfattr -n user.text -v x f
	run_ucp -a f ram/g
	expect_status 0
	expect_no_err
	check cmp f ram/g
	run_ucp --preserve=xattr f ram/h
	expect_status 1
	expect_err "ucp: setting attributes for 'ram/h': Operation not supported"
}

# --- ACLs

case_acls_with_a() {
	need_acl
	mkdir s
	echo f >s/f
	setfacl -m u:1:rw,g:2:r,m::rwx s/f
	setfacl -m u:3:rwx s
	setfacl -d -m u:3:rx,g:4:rwx s
	check ucp -a s d
	same_tree s d
	getfacl -cn d/f | grep -q '^user:1:rw-' || fail "the ACL is lost: $(getfacl -cn d/f)"
	getfacl -cn d | grep -q '^default:user:3:r-x' || fail "the default ACL is lost"
}

case_acls_with_p() {
	need_acl
	mkdir s
	echo f >s/f
	setfacl -m u:1:rw s/f
	setfacl -d -m u:3:rx s
	check ucp -rp s d
	same_tree s d
}

case_acls_not_with_r() {
	need_acl
	mkdir s
	echo f >s/f
	chmod 640 s/f
	setfacl -m u:1:rw s/f
	setfacl -d -m u:3:rx s
	check ucp -r s d
	! getfacl -cn d d/f | grep -q '^user:[0-9]' || fail "an ACL was kept"
	! getfacl -cn d | grep -q ^default || fail "the default ACL was kept"
}

case_default_acl_of_destination_is_inherited() {
	need_acl
	mkdir -p s/sub d
	echo f >s/sub/f
	setfacl -d -m u:5:rwx d
	check ucp -r s d
	getfacl -cn d/s/sub/f | grep -q '^user:5:rwx' || fail "not inherited: $(getfacl -cn d/s/sub/f)"
	getfacl -cn d/s/sub | grep -q '^default:user:5:rwx' || fail "not inherited by the directory"
}

case_default_acl_of_destination_gives_way_to_p() {
	need_acl
	mkdir -p s/sub d
	echo f >s/sub/f
	chmod 600 s/sub/f
	setfacl -d -m u:5:rwx d
	check ucp -rp s d
	[[ $(stat -c %a d/s/sub/f) == 600 ]] || fail "d/s/sub/f has mode $(stat -c %a d/s/sub/f)"
	! getfacl -cn d/s/sub/f | grep -q '^user:5' || fail "the inherited ACL stayed on a file"
	! getfacl -cn d/s/sub | grep -q '^user:5' || fail "the inherited ACL stayed on a directory"
}

case_default_acl_inside_the_copied_tree() {
	need_acl
	mkdir -p s/sub
	echo f >s/f
	echo g >s/sub/g
	chmod 604 s/f s/sub/g
	setfacl -d -m u:5:rwx,o::- s s/sub
	check ucp -a s d
	same_tree s d
}

case_acl_of_existing_file_is_replaced() {
	need_acl
	echo f >f
	echo g >g
	chmod 640 f
	setfacl -m u:5:rwx g
	check ucp -p f g
	same_tree f g
}

# --- capabilities

case_capabilities_survive_chown() {
	need root
	need cmd setcap getcap
	mkdir s
	cp /bin/true s/f
	chown 1000:1000 s/f
	setcap cap_net_raw+ep s/f 2>/dev/null || skip "needs file capabilities here"
	check ucp -a s d
	same_tree s d
	[[ $(getcap d/f) == *cap_net_raw* ]] || fail "the capability is lost"
}

# From Linux 5.12 to 6.1 the ids in an ACL are those of an idmapped mount only with buffers of 4 bytes and a multiple of 8.
# only: release, debug
once_acls_are_read_into_whole_entries() {
	need_acl
	need cmd strace
	local i acl=u:1:r
	echo f >f
	for i in {2..200}; do
		acl+=,u:$i:r
	done
	setfacl -m "$acl" f
	strace -f -qq -o "$CASE/trace" -e trace=fgetxattr true 2>/dev/null || skip "strace does not work"
	# shellcheck disable=SC2086 # the flags are words
	run strace -f -qq -o "$CASE/trace" -e trace=fgetxattr "$UCP" $UCP_FLAGS -p f g
	expect_status 0
	[[ $(getfacl -cn g) == "$(getfacl -cn f)" ]] || fail "g has $(getfacl -cn g)"
	sed -n 's/.*"system.posix_acl_access", .*, \([0-9]*\)) = .*/\1/p' "$CASE/trace" >sizes
	(($(grep -vc '^0$' sizes) >= 2)) || fail "the ACL was not read: $(cat "$CASE/trace")"
	while read -r i; do
		((i == 0 || (i - 4) % 8 == 0)) || fail "read into $i bytes"
	done <sizes
}

# --- rules

# by_rules TEXT ARGS…: ucp, where /etc/xattr.conf has that text; with TEXT `none`, where it is not there.
by_rules() {
	need mounts
	# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; the flags are words
	run hiding /etc sh -c '[ "$0" = none ] || printf "$0" >/etc/xattr.conf; exec "$@"' "$1" "$UCP" $UCP_FLAGS "${@:2}"
	expect_status 0
}

# names_of PATH: the names of its attributes, in a line.
names_of() {
	getfattr -hm - --absolute-names "$1" | grep -v '^#' | sort | xargs
}

once_rules_skip_attributes() {
	local option
	need_xattr
	mkdir -p s/d
	echo f >s/f
	ln s/f s/g
	setfattr -n user.Beagle.x -v 1 s/f
	setfattr -n user.a -v 1 s/f
	setfattr -n user.a -v 1 s/d
	setfattr -n user.b -v 1 s/f
	for option in -a -rp\ --preserve=xattr "-a --atomic" "-a --reflink=never"; do
		rm -rf d
		# shellcheck disable=SC2086 # an option is words
		by_rules '# nothing\n\n user.Beagle.*\tskip # why\nuser.[a]  skip' $option s d
		expect_no_err
		[[ $(names_of d/f) == user.b && $(names_of d/d) == '' ]] || fail "$option: $(names_of d/f), $(names_of d/d)"
	done
	by_rules none -a s/f all
	expect_no_err
	[[ $(names_of all) == 'user.Beagle.x user.a user.b' ]] || fail "without rules: $(names_of all)"
}

once_chosen_attributes() {
	local option expected
	need_xattr
	mkdir -p s/d
	echo f >s/f
	for name in a b tmp.x; do
		setfattr -n user.$name -v 1 s/f
		setfattr -n user.$name -v 1 s/d
	done
	while IFS='|' read -r option expected; do
		rm -rf d
		# shellcheck disable=SC2086 # an option is words
		run_ucp -r $option s d
		expect_status 0
		expect_no_err
		[[ $(names_of d/f) == "$expected" && $(names_of d/d) == "$expected" ]] || fail "$option: $(names_of d/f)"
	done <<-'END'
		--xattrs=user.[ab]|user.a user.b
		-a --xattrs=-user.tmp.*|user.a user.b
		-p --xattrs=user.*,-user.b|user.a user.tmp.x
		-a --xattrs=-user.* --xattrs=user.b|user.b
		--xattrs=user.*,-user.*|
		-a --update=differ --xattrs=trusted.*|
	END
	# What is not chosen stays in an existing copy
	run_ucp -rT -a --update=differ --xattrs=user.a s d
	setfattr -n user.old -v 1 d/f
	run_ucp -rT -a --update=differ --xattrs=user.b s d
	expect_status 0
	[[ $(names_of d/f) == 'user.a user.b user.old' ]] || fail "$(names_of d/f)"
	# The user's choice comes after that of the administrator
	by_rules 'user.a skip\nuser.b permissions\n' -p --xattrs='user.*' s/f g
	[[ $(names_of g) == 'user.b user.tmp.x' ]] || fail "with rules: $(names_of g)"
	by_rules 'user.a skip\nuser.b forget\n' -p --xattrs='user.a' s/f h
	[[ $(names_of h) == user.a ]] || fail "with wrong rules: $(names_of h)"
	run_ucp -a --xattrs s e
	expect_err "ucp: option '--xattrs' takes PATTERNS behind '=', as in --xattrs='user.*'; -a preserves all" \
		"Try 'ucp --help' for more information."
	for option in --xattrs --xattrs= '--xattrs=user.a,' --xattrs=-; do
		run_ucp -a $option s e
		expect_status 1
		check_not test -e e
	done
}

# The later line counts. What says who gets in goes with the mode, and only with it.
once_rules_count_attributes_among_permissions() {
	local rules='user.a skip\nuser.?\tpermissions\nuser.b skip\n'
	need_xattr
	echo f >f
	mkdir dir
	setfattr -n user.a -v 1 f
	setfattr -n user.b -v 1 f
	setfattr -n user.cc -v 1 f
	setfattr -n user.a -v 1 dir
	by_rules "$rules" --preserve=xattr f g
	[[ $(names_of g) == user.cc ]] || fail "with xattr: $(names_of g)"
	by_rules "$rules" --preserve=mode f h
	[[ $(names_of h) == user.a ]] || fail "with mode: $(names_of h)"
	by_rules "$rules" -rp dir e
	[[ $(names_of e) == user.a ]] || fail "with mode: $(names_of e)"
	by_rules "$rules" -a f i
	[[ $(names_of i) == 'user.a user.cc' ]] || fail "with both: $(names_of i)"
	# Where the destination's file system has none of that kind the mode has to do
	mkdir ram
	mount -t ramfs ramfs ram 2>/dev/null || skip "cannot mount a ramfs"
	chmod 640 f
	by_rules "$rules" -p f ram
	expect_no_err
	[[ $(stat -c %a ram/f) == 640 ]] || fail "ram/f has mode $(stat -c %a ram/f)"
}

once_rules_that_make_no_sense() {
	local rules
	need_xattr
	echo f >f
	setfattr -n user.a -v 1 f
	for rules in 'user.a skip\nuser.b' 'user.a skip\nuser.b forget\n' 'user.a skip too\n'; do
		rm -f g
		by_rules "$rules" -a f g
		expect_err "ucp: warning: ignoring '/etc/xattr.conf': Invalid argument"
		[[ $(names_of g) == user.a ]] || fail "$rules: $(names_of g)"
	done
}

# Labels and hashes are attributes like others, with SELinux and without.
once_attributes_that_cp_copies() {
	local option
	need root
	need_xattr
	mkdir -p s/d
	echo f >s/f
	ln -s f s/l
	setfattr -n security.selinux -v system_u:object_r:etc_t:s0 s/f 2>/dev/null || skip "needs attributes of that kind here"
	setfattr -hn security.selinux -v system_u:object_r:etc_t:s0 s/l
	setfattr -n security.selinux -v system_u:object_r:etc_t:s0 s/d
	setfattr -n security.ima -v 0x0301aabb s/f 2>/dev/null || : "is not here"
	setfattr -n trusted.x -v 1 s/d
	for option in -a "-r --preserve=xattr" --preserve=all\ -r; do
		rm -rf d
		# shellcheck disable=SC2086 # an option is words
		run_ucp $option s d
		expect_status 0
		expect_no_err
		for name in f l d; do
			[[ $(names_of d/$name) == "$(names_of s/$name)" ]] || fail "$option: d/$name has $(names_of d/$name)"
		done
	done
}

once_attributes_of_btrfs() {
	mount_image btrfs 128M fs
	echo f >fs/f
	setfattr -n btrfs.compression -v zstd fs/f || skip "needs that attribute"
	run_ucp --preserve=xattr fs/f fs/g
	expect_status 0
	has_xattr fs/g btrfs.compression zstd
	# No other file system has it, which -a does not say
	run_ucp -a fs/f h
	expect_status 0
	expect_no_err
	run_ucp --preserve=xattr fs/f i
	expect_status 1
	expect_err "ucp: setting attributes for 'i': Operation not supported"
}

case_capabilities_not_with_p() {
	need root
	need cmd setcap getcap
	cp /bin/true f
	setcap cap_net_raw+ep f 2>/dev/null || skip "needs file capabilities here"
	check ucp -p f g
	[[ -z $(getcap g) ]] || fail "the capability was kept"
}

case_capabilities_of_existing_file_go_when_written() {
	need root
	need cmd setcap getcap
	echo f >f
	cp /bin/true g
	setcap cap_net_raw+ep g 2>/dev/null || skip "needs file capabilities here"
	check ucp f g
	[[ -z $(getcap g) ]] || fail "the capability is still there"
}

# --- --chown and --chmod

# What all the ways of copying make of a tree with everything in it.
once_chown_and_chmod() {
	need root
	local want way
	mkdir -p s/d
	echo a >s/f
	echo b >s/d/g
	ln -s f s/l
	mkfifo s/p
	chmod 4755 s/f
	want='d755 2:3|d/g640 2:3|f640 2:3|l777 2:3|p640 2:3|.755 2:3|'
	for way in -a -r '-a --atomic' '-r --resume' '-a --remove-destination' '-a --update=differ' '-r --attributes-only'; do
		# shellcheck disable=SC2086 # options
		run_ucp -T $way --chown=+2:3 --chmod=D700,Fu=rw,go=,D+rx --chmod=Fg+r s t
		expect_status 0
		[[ $(cd t && find . -printf '%P%m %U:%G\n' | sed 's/^\([0-9]\)/.\1/' | sort | tr '\n' '|') == \
			"$(tr '|' '\n' <<<"$want" | sed '/^$/d' | sort | tr '\n' '|')" ]] || fail "$way: $(find t -printf '%P%m %U:%G|')"
		# Next: what is there gets new attributes
		chmod -R u=rwx,go=rwx t
		chown -hR 7:8 t
		if [[ $way == *differ ]]; then
			rm t/l t/p
			chown 2:8 t/f t/d/g
		fi
	done
	# Without -p an existing mode is what is changed, and nothing else is
	chmod 640 t/f
	run_ucp -T -r --chmod=g+w s t
	expect_status 0
	[[ $(stat -c '%a %u:%g' t/f) == '660 7:8' ]] || fail "existing file: $(stat -c '%a %u:%g' t/f)"
	run_ucp -a --chown=:9 s/d/g t/f
	expect_status 0
	[[ $(stat -c '%a %u:%g' t/f) == '644 0:9' ]] || fail "group alone: $(stat -c '%a %u:%g' t/f)"
}

once_chmod_is_that_of_chmod() {
	local modes
	mkdir s
	echo a >s/f
	chmod 2711 s
	chmod 4741 s/f
	for modes in 0 7777 00755 2755 = a= g=u,o=g u=s,+t go-x+r -w +X u+x,go=X ug=rw-x,o=t g+s =6000; do
		rm -rf t u
		cp -a s u
		chmod "$modes" u/f u
		run_ucp -a --chmod="$modes" s t
		expect_status 0
		[[ $(stat -c %a t t/f) == "$(stat -c %a u u/f)" ]] || fail "$modes: $(stat -c %a t t/f u u/f)"
	done
	for modes in '' 8 10000 u u+q rwx '755,,' u=644 D F u=rwxug; do
		run_ucp --chmod="$modes" s/f v
		expect_status 1
		expect_err "ucp: invalid mode: '$modes'"
	done
	for modes in nosuch-user :nosuch-group : 4294967295 1x; do
		run_ucp --chown="$modes" s/f v
		expect_status 1
		expect_err_has "ucp: invalid "
	done
	run_ucp -l --chmod=u+x s/f v
	expect_status 1
	check_not test -e v
}

# Programs of others must not run as the new owner.
once_chown_takes_set_id_bits() {
	need root
	need cmd setcap getcap
	echo a >a
	echo b >b
	chmod 6755 a
	chmod 755 b
	setcap cap_net_raw+ep b 2>/dev/null || skip "needs file capabilities here"
	mkdir d
	run_ucp -a --chown=2 a b d
	expect_status 0
	[[ $(stat -c '%a %u' d/a) == '755 2' && ! $(getcap d/b) ]] || fail "$(stat -c '%a %u' d/a) $(getcap d/b)"
	run_ucp -a --chown=0 --chmod=u-w a b d
	expect_status 0
	[[ $(stat -c '%a %u' d/a) == '6555 0' && $(getcap d/b) ]] || fail "$(stat -c '%a %u' d/a) $(getcap d/b)"
	run_ucp -a --chown=2 --chmod=u+s a d
	expect_status 0
	[[ $(stat -c '%a %u' d/a) == '4755 2' ]] || fail "$(stat -c '%a %u' d/a)"
}

# Owners that cannot be given are errors, and nobody else is let in.
once_chown_that_is_refused() {
	need root
	echo a >a
	mkdir d
	chmod 777 . d
	for way in '-p --chown=0' '--chown=:0' '-r --chown=0:0 --chmod=4777' '--atomic --chown=0'; do
		rm -rf d/a
		# shellcheck disable=SC2086 # options
		run as_user "$UCP" $way a d
		expect_status 1
		expect_err "ucp: changing ownership of 'd/a': Operation not permitted"
		[[ $(stat -c %A d/a) == -???------ ]] || fail "$way: $(stat -c %A d/a)"
	done
}

# only: release, debug
once_chmod_opens_nothing_meanwhile() {
	need cmd strace
	need_acl
	local way calls=openat,open,mkdirat,mknodat,fchmod,fchmodat,chmod
	strace -f -qq -o "$CASE/trace" true 2>/dev/null || skip "strace does not work"
	mkdir -p s/d
	echo a >s/f
	mkfifo s/p
	setfacl -m u:1:rwx s/f
	chmod -R 777 s
	for way in -a -r '-a --atomic' '-r --atomic' '-r --resume'; do
		# shellcheck disable=SC2086 # options
		run strace -f -qq -o "$CASE/trace" -e trace=$calls "$UCP" $way -T --chmod=go= s t
		expect_status 0
		# Whatever is made, or gets another mode, is narrow at once
		! grep -E '(O_CREAT|O_TMPFILE|mkdirat|mknodat|chmod).*[, ](S_IF[A-Z]*.)?0?[0-7]?[0-7]([1-7][0-7]|0[1-7])(\)|,)' "$CASE/trace" ||
			fail "$way: too wide"
		# Next: over files that let in all
		chmod -R 777 t
	done
	# An ACL that is copied is as narrow as the mode, before that is set
	run_ucp -a --chmod=g=r,o= s/f u
	expect_status 0
	[[ $(getfacl -cpn u | tr -d '\t' | tr -s '\n' ' ') == 'user::rwx user:1:rwx#effective:r-- group::r-- mask::r-- other::--- ' ]] ||
		fail "$(getfacl -cp u)"
}

# --- --best-effort

# only: release
once_best_effort() {
	need root
	need tool run-refused
	local refused
	mkdir s
	echo a >s/a
	echo b >s/b
	chown 2:3 s/a s/b
	chmod 4755 s/a s/b
	ln s/b s/c
	for refused in fchownat fchmod utimensat; do
		rm -rf t
		# shellcheck disable=SC2086 # the flags are words
		run "${UCP%/*}/tools/run-refused" $refused=EPERM -- "$UCP" $UCP_FLAGS -a s t
		[[ $status != 77 ]] || skip "cannot refuse calls here"
		expect_status 1
		rm -rf t
		# shellcheck disable=SC2086 # the flags are words
		run "${UCP%/*}/tools/run-refused" $refused=EPERM -- "$UCP" $UCP_FLAGS -a --best-effort s t
		expect_status 0
		grep -q "^ucp: warning: could not set all attributes of 't.*' and [0-9]* others: Operation not permitted$" "$ERR" ||
			fail "$refused: $(<"$ERR")"
		(($(wc -l <"$ERR") == 1)) || fail "$refused: $(<"$ERR")"
		[[ $refused != fchownat || $(stat -c %A t/a) == -rwx------ ]] || fail "$refused: $(stat -c %A t/a)"
		cmp s/a t/a
		[[ t/b -ef t/c ]] || fail "no link"
	done
	# Errors of data stay errors
	rm s/a
	ln -s /proc/self/mem s/a
	run_ucp -aL --best-effort s t
	expect_status 1
}
