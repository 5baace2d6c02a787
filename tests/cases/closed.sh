# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# What could not be found out or set lets nobody in, and what others do to a directory of theirs meanwhile does not either.
# only: release, asan

need_acl() {
	need root
	need cmd setfacl getfacl setpriv
	: >.probe
	setfacl -m u:1:r .probe 2>/dev/null || skip "needs ACLs here"
	rm .probe
}

has_mode() { # MODE PATH…
	local path
	for path in "${@:2}"; do
		[[ $(stat -c %a "$path") == "$1" ]] || fail "$path has mode $(stat -c %a "$path"), not $1"
	done
}

# Nobody but the owner may use it.
is_closed() { # PATH…
	local modes
	modes=$(stat -c '%a %n' "$@") || fail "not all of $* are there"
	! grep -vE '^[0-7]*00 ' <<<"$modes" || fail "open to others"
	no_named_user "$@"
}

no_named_user() { # PATH…
	local acls
	acls=$(getfacl -cpn "$@")
	! grep -E '^(default:)?(user|group):[0-9]' <<<"$acls" || fail "one of $* has an ACL"
}

same_acl() { # A B
	diff <(getfacl -cpn "$1") <(getfacl -cpn "$2") || fail "$1 and $2 have different ACLs"
}

# acting CALL:NAME COMMAND ARGS-OF-UCP…: as run_ucp, and right after that call has made or cut NAME, the command is run.
acting() {
	need tool preload-act.so
	# shellcheck disable=SC2086 # the flags are words
	run env UCP_ACT_AFTER="$1" UCP_ACT="$2" LD_PRELOAD="${UCP%/*}/tools/preload-act.so" "$UCP" $UCP_FLAGS "${@:3}"
}

nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"

# without CAPABILITY,… CMD…: as root, who may not do that.
without() {
	local set="-${1//,/,-}"
	# shellcheck disable=SC2086 # the flags are words
	[[ $2 == ucp ]] && set -- "$1" "$UCP" $UCP_FLAGS "${@:3}"
	setpriv --bounding-set="$set" --inh-caps="$set" "${@:2}"
}

# --- the owner cannot be set

# Of each kind one that is for another group than the one it gets. What is there has an ACL.
owned_by_others() {
	rm -rf s d
	mkdir -p s/new s/old d/old
	chown 0:100 d d/old
	chmod 2777 d d/old
	echo new >s/new/f
	for name in file over linked; do
		echo new >"s/$name"
	done
	mkfifo s/fifo
	chown -R 0:4 s
	chmod 2770 s/new s/old
	chmod 660 s/file s/over s/linked s/fifo s/new/f
	echo old >d/over
	echo old >d/target
	ln -s target d/linked
	chown -h 0:100 d/over d/target d/linked
	chmod 664 d/over d/target
	setfacl -m u:65534:rw d/over d/target
	setfacl -m u:65534:rwx -m d:u:65534:rwx d/old
	setfacl -m u:65534:rw s/file s/over
}

closed_without() { # CAPABILITIES OPTION…
	owned_by_others
	run without "$1" ucp "${@:2}" -T s d
	expect_status 1
	expect_err_has "failed to preserve ownership for 'd/file': Operation not permitted"
	is_closed d/file d/over d/target d/fifo d/new d/new/f d/old
	[[ $(cat d/file d/over d/target d/new/f) == $'new\nnew\nnew\nnew' ]] || fail "the data is not there"
}

# limit: 120
once_owner_refused() {
	need_acl
	closed_without chown -a
	closed_without chown -rp
	closed_without chown -a --atomic
	closed_without chown -a --resume
	closed_without chown -a -f --engine=sync
	closed_without chown --preserve=mode,ownership,xattr -r
}

# limit: 120
once_owner_refused_without_other_capabilities() {
	need_acl
	closed_without chown,fowner -a
	closed_without chown,fsetid -a
	closed_without chown,dac_override,dac_read_search -a
	closed_without chown,fowner,fsetid,dac_override,dac_read_search -a --atomic
}

# Only with new ones: what is there keeps its mode where the mode is not to be kept, as with cp.
once_owner_refused_where_modes_are_not_kept() {
	need_acl
	owned_by_others
	run without chown ucp -r --preserve=ownership s/. d
	expect_status 1
	is_closed d/file d/fifo d/new/f
	[[ $(stat -c %a d/new) == 2700 ]] || fail "d/new has mode $(stat -c %a d/new)"
	has_mode 664 d/over
	owned_by_others
	run without chown ucp -a --no-preserve=mode s/. d
	expect_status 1
	is_closed d/file d/fifo d/new/f
}

once_owner_refused_as_with_cp() {
	need_acl
	local name
	for caps in chown chown,fowner,dac_override; do
		owned_by_others
		run without "$caps" cp -a s/. d
		mv d c
		owned_by_others
		run without "$caps" ucp -a s/. d
		expect_status 1
		for name in file over target fifo new new/f old; do
			(((8#$(stat -c %a "c/$name") & 8#777) == (8#$(stat -c %a "d/$name") & 8#777))) ||
				fail "$caps: $name is $(stat -c %a "d/$name"), with cp $(stat -c %a "c/$name")"
		done
		rm -rf c
	done
}

once_owner_refused_in_a_user_namespace() {
	need root
	need cmd setpriv unshare
	mkdir s d
	echo f >s/f
	mkfifo s/p
	chown -R 1000:1000 s
	chmod 775 s
	chmod 664 s/f s/p
	chown 65534:65534 d
	# shellcheck disable=SC2086 # the flags are words
	run $nobody unshare --user --map-root-user true
	[[ $status == 0 ]] || skip "needs user namespaces of ordinary users"
	# shellcheck disable=SC2086
	run $nobody unshare --user --map-root-user "$UCP" $UCP_FLAGS -a s d/s
	expect_status 1
	has_mode 700 d/s
	has_mode 600 d/s/f d/s/p
}

# Of an ordinary user nobody expects to keep owners.
once_user_keeps_the_mode() {
	need_acl
	mkdir s d
	echo f >s/f
	echo g >s/g
	echo old >d/g
	chmod 664 s/f s/g
	chown 0:4 s/f s/g
	chown 65534:65534 d d/g
	run as_user ucp -p s/f s/g d
	expect_status 0
	expect_no_err
	has_mode 664 d/f d/g
}

# --- the ACL cannot be read

acl_of_nobody="u::rw,g::---,o::---,u:65534:rwx,m::rwx"

once_unlisted_acl_is_kept() {
	local error option
	need_acl
	need tool run-refused
	mkdir s
	echo f >s/f
	mkfifo s/p
	mkdir s/d
	setfacl -m "$acl_of_nobody" s/f s/p s/d
	setfacl -d -m u:65534:rwx s/d
	for error in E2BIG EINVAL EIO ENOSYS; do
		for option in -rp -a "-a --atomic"; do
			rm -rf d
			# shellcheck disable=SC2086 # an option is words
			run "${UCP%/*}/tools/run-refused" "flistxattr=$error" "llistxattr=$error" -- "$UCP" $UCP_FLAGS $option s d
			[[ $status != 77 ]] || skip "needs seccomp"
			expect_status 0
			expect_no_err
			for name in f p d; do
				same_acl "s/$name" "d/$name"
			done
		done
	done
}

once_unknown_acl_lets_nobody_in() {
	local option
	need_acl
	need tool run-refused
	mkdir s d
	echo f >s/f
	echo g >s/g
	mkdir s/d
	setfacl -m "$acl_of_nobody" s/f s/g s/d
	for option in -rp -a; do
		rm -rf d
		mkdir d
		echo old >d/g
		setfacl -m u:65534:r d/g
		# shellcheck disable=SC2086 # the flags are words
		run "${UCP%/*}/tools/run-refused" fgetxattr=EIO -- "$UCP" $UCP_FLAGS "$option" -T s d
		[[ $status != 77 ]] || skip "needs seccomp"
		expect_status 1
		expect_err_has "preserving permissions for 'd/f': Input/output error"
		is_closed d/f d/g d/d
		check cmp s/g d/g
	done
}

# The attributes of what cannot be opened are read by way of /proc, or of the directory it is in.
# The sanitizers need /proc.
# only: release
once_special_files_without_proc() {
	local option
	need_acl
	need mounts
	mkdir -p s/dir
	echo f >s/f
	ln -s f s/dir/link
	mkfifo s/p s/dir/p
	chmod 640 s/p s/dir/p
	for option in -a -rp "-a -j8" "-a --engine=sync"; do
		rm -rf d
		# shellcheck disable=SC2086 # the flags are words
		run hiding /proc "$UCP" $UCP_FLAGS $option s d
		expect_status 0
		expect_no_err
		same_tree s d
	done
	# What cannot be copied then is not lost in silence, nor given to the group
	setfacl -m "$acl_of_nobody" s/dir/p
	rm -rf d
	mkdir -m 777 d
	run hiding /proc "$UCP" -rp s/dir/p d
	expect_status 1
	expect_err "ucp: preserving permissions for 'd/p': No such file or directory"
	is_closed d/p
}

# They are set by name where nobody else can put something else there.
# only: release
once_attributes_of_special_files_without_proc() {
	local option refused
	need_acl
	need mounts
	need cmd setfattr
	mkdir -p s/dir
	ln -s f s/dir/link
	mkfifo s/p s/dir/p
	mknod s/dir/device c 1 3
	chmod 640 s/p s/dir/p
	setfacl -m "$acl_of_nobody" s/dir/p s/dir/device
	setfattr -hn trusted.t -v 1 s/dir/link && setfattr -n trusted.t -v 2 s/dir/p s/p s/dir/device \
		|| skip "needs trusted attributes"
	setfacl -dm "$acl_of_nobody" s/dir
	touch -hd 2001-02-03 s/dir/link s/dir/p
	for option in -a "-a --atomic" "-a --preserve=xattr" "-a -j1"; do
		rm -rf d
		# shellcheck disable=SC2086 # several options
		run hiding /proc "$UCP" $option s d
		expect_status 0
		expect_no_err
		same_tree s d
		# Also into a directory that gives what is made in it an ACL
		# shellcheck disable=SC2086
		run hiding /proc "$UCP" $option --remove-destination s/. d
		expect_status 0
		expect_no_err
		same_tree s d
	done
	# As on older kernels
	for refused in fchmodat2=ENOSYS utimensat-empty=EINVAL; do
		rm -rf d
		run hiding /proc "${UCP%/*}/tools/run-refused" "$refused" -- "$UCP" -a s d
		expect_status 0
		expect_no_err
		same_tree s d
	done
	# Where others may write it is said what is missing, and nobody gets in
	rm -rf d
	mkdir -m 1777 d
	run hiding /proc "$UCP" -a s/dir/p d
	expect_status 1
	expect_err "ucp: setting attributes for 'd/p': No such file or directory"
	is_closed d/p
}

# Nor can then be seen, where others may write, whether they got an ACL from their directory: what may have got one is for its
# owner only.
# only: release
once_special_files_that_may_have_an_acl_without_proc() {
	local place
	need_acl
	need mounts
	mkdir s
	mkfifo s/p
	mknod s/c c 1 3
	chmod 644 s/p s/c
	chown -R 1000 s
	for place in owners taken strangers acl; do
		rm -rf d
		mkdir -p d/s
		[[ $place != owners ]] || chown 1000 d/s
		[[ $place != taken && $place != strangers ]] || chown "$USER_ID" d/s
		[[ $place != acl ]] || setfacl -d -m "$acl_of_nobody" d/s
		set -- -a s d
		# What is only on the way to a name stays theirs
		[[ $place != strangers ]] || set -- -a --files-from=list s d/s
		printf 'p\nc\n' >list
		# shellcheck disable=SC2086 # the flags are words
		run hiding /proc "$UCP" $UCP_FLAGS "$@"
		case $place in
		owners | taken | acl)
			expect_status 0
			expect_no_err
			no_named_user d/s/p d/s/c
			has_mode 644 d/s/p d/s/c
			;;
		*)
			expect_status 1
			expect_err_has "ucp: preserving permissions for 'd/s/p': No such file or directory"
			has_mode 600 d/s/p d/s/c
			;;
		esac
	done
}

# Some file systems give ACLs only if asked for them.
once_acls_that_are_not_listed() {
	local option how
	need_acl
	mkdir -p s/dir
	echo f >s/f
	echo f >s/dir/f
	echo plain >s/dir/plain
	mkfifo s/dir/p
	setfacl -m "$acl_of_nobody" s/f s/dir/f s/dir/p s/dir
	for how in --unlisted-acls "fail listxattr * EOPNOTSUPP"; do
		mount_faultfs far s "$how"
		setfacl -n -m "$acl_of_nobody" far/f 2>/dev/null && getfacl -cn far/f | grep -q 65534 || skip "no ACLs by way of FUSE"
		setfacl -dm "$acl_of_nobody" s/dir
		for option in -a -rp "-a --atomic"; do
			rm -rf d
			mkdir d
			# shellcheck disable=SC2086 # several options
			run_ucp $option far/f far/dir d
			expect_status 0
			expect_no_err
			for name in f dir dir/f dir/p dir/plain; do
				same_acl "s/$name" "d/$name"
			done
		done
		umount far
	done
}

# The same where it cannot be set: nobody gets more than it gave them, be it as one of the group or as one of the others.
once_place_without_acls() {
	need_acl
	mkdir ram
	mount -t ramfs ramfs ram 2>/dev/null || skip "cannot mount a ramfs"
	! setfacl -m u:1:r ram 2>/dev/null || skip "this ramfs has ACLs"
	echo f >f
	echo denied >denied
	echo group >group
	mkdir dir
	setfacl -m "$acl_of_nobody" f dir
	setfacl -m u::rw,g::rw,o::r,u:65534:---,m::rw denied
	setfacl -m u::rw,g::rw,o::r,u:65534:rw,g:7:r,m::r group
	echo old >ram/denied
	chmod 666 ram/denied
	run_ucp -rp f denied group dir ram
	expect_status 1
	expect_err_has "preserving permissions for 'ram/f': Operation not supported"
	has_mode 600 ram/f ram/denied
	has_mode 644 ram/group
	has_mode 600 ram/dir
	run_ucp -a --atomic f ram/atomic
	expect_status 1
	has_mode 600 ram/atomic
	# What is lost without a word by cp
	mkdir giving
	setfacl -d -m u:65534:rwx giving
	run_ucp -a giving ram
	expect_status 1
	expect_err "ucp: preserving permissions for 'ram/giving': Operation not supported"
	run_ucp -r giving ram/other
	expect_status 0
	expect_no_err
}

# An ordinary user replaces the file of another one, whose group it cannot have.
once_acl_that_cannot_be_inherited() {
	need_acl
	mkdir d
	chown 65534:65534 d
	echo new >f
	echo old >d/g
	chmod 666 d/g
	setfacl -m u:1:---,m::rw d/g
	run as_user ucp --atomic f d/g
	expect_status 0
	expect_no_err
	check cmp f d/g
	is_closed d/g
}

# --- while an existing destination is filled

# only: release, debug
once_old_group_is_shut_out() {
	local option
	need_acl
	mkdir s d
	echo secret >s/f
	chown 0:4 s/f
	chmod 640 s/f
	for option in -a -p --preserve=mode,ownership; do
		echo old >d/f
		chown 0:100 d/f
		chmod 640 d/f
		acting ftruncate:f "stat -c %a d/f" "$option" s/f d
		expect_status 0
		expect_out 600
		[[ $(stat -c %a:%g d/f) == 640:4 ]] || fail "d/f is $(stat -c %a:%g d/f)"
	done
}

# only: release, debug
once_old_acl_is_shut_out() {
	need_acl
	mkdir s d
	echo secret >s/f
	echo old >d/f
	chmod 640 s/f
	setfacl -m u:65534:r d/f
	acting ftruncate:f "$nobody cat d/f; stat -c %a d/f" --preserve=mode s/f d
	expect_status 0
	expect_out 600
	has_mode 640 d/f
	no_named_user d/f
}

# only: release, debug
once_old_acl_of_a_directory_is_shut_out() {
	need_acl
	mkdir -p s/a d/a
	echo secret >s/a/f
	chmod 750 s/a
	setfacl -m u:65534:rwx -m d:u:65534:rwx d/a
	acting openat:f "$nobody ls d/a; stat -c %a d/a" -a s/a d
	expect_status 0
	expect_out 700
	has_mode 750 d/a
	no_named_user d/a d/a/f
}

# --- what the owner of a directory does to it

# only: release, debug
once_default_acl_that_appears() {
	local option
	need_acl
	mkdir -p s/dir
	echo a >s/a
	echo z >s/z
	mkfifo s/p
	echo f >s/dir/f
	chmod 640 s/a s/z s/p s/dir/f
	chmod 750 s/dir
	for option in -a -rp "-a --atomic" "-a --resume" "-r --preserve=mode,timestamps"; do
		rm -rf d
		mkdir -p d/old
		chown 65534 d
		local name=a
		[[ $option != *--atomic && $option != *--resume ]] || name=.
		# shellcheck disable=SC2086 # an option is words
		acting "openat:$name" "$nobody setfacl -d -m u:65534:rwx d; rmdir d/old" $option -j1 s/a s/z s/p s/dir d
		expect_status 0
		[[ ! -e d/old ]] || fail "nothing was done meanwhile"
		no_named_user d/z d/p d/dir d/dir/f
		has_mode 640 d/z d/p d/dir/f
	done
}

# The same below the operand, in one run: the directory belongs to the same user in the source.
# only: release, debug
once_default_acl_that_appears_at_home() {
	need_acl
	mkdir -p s/home d/home
	echo a >s/home/a
	echo z >s/home/z
	mkfifo s/home/p
	mkdir s/home/dir
	chmod 640 s/home/*
	chmod 750 s/home/dir
	chown 65534 s/home d/home
	acting openat:a "$nobody setfacl -d -m u:65534:rwx d/home" -a -j1 s/home d
	expect_status 0
	no_named_user d/home d/home/z d/home/p d/home/dir d/home/a
	same_tree s/home d/home
	# It was taken from them, and asked before that
	rm -rf d
	mkdir -p d/home
	chown 65533 d/home
	acting fchown:home "setfacl -d -m u:65534:rwx d/home" -a -j1 s/home d
	expect_status 0
	no_named_user d/home d/home/z d/home/p d/home/dir d/home/a
}

# only: release, debug
once_directory_that_is_exchanged() {
	local option
	need_acl
	mkdir -p s/private/below
	echo f >s/private/f
	chmod 770 s/private s/private/below
	for owner in 65534 0; do
		for option in -a -rp; do
			rm -rf d
			mkdir -p d/planted
			chown 65534 d
			chown $owner d/planted
			chmod 777 d/planted
			setfacl -m u:65534:rwx -m d:u:65534:rwx d/planted
			acting mkdirat:private "$nobody mv d/private d/away; $nobody mv d/planted d/private" "$option" s/private d
			expect_status 0
			[[ -d d/away && ! -e d/planted ]] || fail "nothing was exchanged"
			no_named_user d/private d/private/f d/private/below
			same_tree s/private d/private --no-times
		done
	done
}

# While one that is there is filled nobody gets in, either.
# only: release, debug
once_directory_that_is_filled_is_closed() {
	need_acl
	mkdir -p s/private
	echo f >s/private/f
	chmod 770 s/private
	mkdir -p d/private
	chown 65534 d
	chmod 777 d/private
	setfacl -m u:65534:rwx d/private
	acting openat:f "$nobody ls d/private; stat -c %a d/private" -a s/private d
	expect_status 0
	expect_out 700
}

# A fifo of theirs does not become ours, whatever ACL it has.
# only: release, debug
once_fifo_that_is_exchanged() {
	local option
	need_acl
	mkdir s
	mkfifo -m 660 s/p
	for option in -a -rp "-a --no-preserve=mode"; do
		rm -rf d
		mkdir d
		chown 65534 d
		# shellcheck disable=SC2086
		$nobody mkfifo -m 660 d/planted
		# shellcheck disable=SC2086
		$nobody setfacl -m u:65534:rw d/planted
		# shellcheck disable=SC2086
		acting mknodat:p "$nobody mv d/planted d/p" $option s/p d
		[[ ! -e d/planted ]] || fail "nothing was exchanged"
		[[ $status != 0 && $(stat -c %u d/p) == 65534 ]] || no_named_user d/p
	done
}

# What nobody else can have interfered with is not asked.
# only: release, debug
once_nothing_is_asked_of_new_files() {
	need root
	need cmd strace
	strace -f -qq -o "$CASE/trace" -e trace=fgetxattr -e signal=none true 2>/dev/null || skip "strace does not work"
	mkdir s d
	echo a >s/a
	echo b >s/b
	run strace -f -qq -o "$CASE/trace" -e signal=none -e trace=fgetxattr,fremovexattr,getxattr "$UCP" -a s/a s/b d
	expect_status 0
	(($(wc -l <"$CASE/trace") <= 1)) || fail "asked: $(cat "$CASE/trace")"
}
