# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# --fsync: what was written is on its medium before the end, and errors on the way are told.
# modes: default sync tiny

# The flushes of the last trace, with what they were of: "fsync PATH", sorted.
expect_flushed() { # LINE…
	sed -nE 's/^[0-9]+ +(fsync|fdatasync|syncfs)\([0-9]+<([^>]*)>\) += .*/\1 \2/p' "$CASE/trace" |
		sed "s|$PWD/||; s|$PWD\$|.|" | sort >"$CASE/flushed"
	_expect_lines "$CASE/flushed" "what was flushed" "$@"
}

# traced [-e inject=…] -- ARGS…: run ucp, and keep its flushes and writes in $CASE/trace.
traced() {
	local args=()
	while [[ $1 != -- ]]; do
		args+=("$1")
		shift
	done
	need cmd strace
	strace -f -qq -o "$CASE/probe" -e trace=close -e inject=close:delay_enter=1 true 2>/dev/null ||
		skip "strace does not work"
	# shellcheck disable=SC2086
	run strace -f -y -qq -o "$CASE/trace" -e trace=fsync,fdatasync,syncfs,write,pwrite64,mkdirat,openat,fcntl "${args[@]}" \
		"$UCP" $UCP_FLAGS "${@:2}"
}

# In a file system that is flushed as a whole.
on_ext4() {
	mount_image ext4 256M fs
	cd fs || fail "cd"
	make_tree --seed=4 s
	mkdir d
}

# only: release
once_a_file_is_flushed_with_its_directory() {
	on_ext4
	echo a >a
	traced -- --fsync a d/b
	expect_status 0
	expect_no_err
	expect_flushed "fsync d" "fsync d/b"
	traced -- --fsync a d
	expect_flushed "fsync d" "fsync d/a"
	traced -- --fsync a here
	expect_flushed "fsync ." "fsync here"
	traced -- --fsync a d/b
	expect_flushed "fsync d" "fsync d/b"
	traced -- --fsync -l a d/c
	expect_flushed "fsync d"
	traced -- --fsync -s "$PWD/a" d/e
	expect_flushed "fsync d"
	traced -- a d/f
	check_not grep -q sync "$CASE/trace"
}

# The descriptor that is flushed in the end is there before anything is written: older errors are not told of.
# only: release
once_a_tree_is_flushed_with_its_file_system() {
	on_ext4
	traced -- --engine=sync --fsync -a s d
	expect_status 0
	expect_no_err
	expect_flushed "syncfs d/s"
	local kept first last flushed
	kept=$(grep -nF -m 1 'F_DUPFD_CLOEXEC' "$CASE/trace")
	first=$(grep -nE ' p?write(64)?\(.*/d/s/' "$CASE/trace" | head -n 1)
	last=$(grep -nE ' p?write(64)?\(.*/d/s/' "$CASE/trace" | tail -n 1)
	flushed=$(grep -n 'syncfs(' "$CASE/trace")
	((${kept%%:*} < ${first%%:*} && ${last%%:*} < ${flushed%%:*})) ||
		fail "kept at $kept, written from $first to $last, flushed at $flushed"
	same_tree s d/s
}

# only: release
once_many_operands_are_flushed_with_their_file_system() {
	on_ext4
	mkdir o
	touch o/{1..9}
	traced -- --fsync o/{1..9} d
	expect_flushed "syncfs d"
	traced -- --fsync o/{1..3} d
	expect_flushed "fsync d" "fsync d" "fsync d" "fsync d/1" "fsync d/2" "fsync d/3"
}

# There are descriptors for so many file systems only.
# only: release
once_more_file_systems_than_are_kept() {
	local i
	for i in {1..6}; do
		mkdir -p "s/$i/sub"
		echo "$i" >"s/$i/sub/f"
		mount_tmpfs 1M "d/s/$i"
	done
	traced -- -j1 --fsync -a s d
	expect_status 0
	expect_no_err
	local each together
	together=$(grep -c 'syncfs(' "$CASE/trace")
	each=$(grep -cE ' fsync\(.*/d/s/[0-9](/sub(/f)?)?>' "$CASE/trace")
	# Of seven, with that of the destination itself
	[[ $together == 4 && $each == 9 ]] || fail "$together together, $each on their own"
	same_tree s d/s
}

# What a link leads out of the tree is flushed too.
# only: release
once_what_is_written_elsewhere_is_flushed() {
	on_ext4
	mount_tmpfs 1M ../other
	mkdir -p t d/t
	echo new >t/f
	echo old >../other/f
	ln -s "$PWD/../other/f" d/t/f
	traced -- --fsync -r t d
	expect_status 0
	expect_flushed "fsync ${PWD%/*}/other/f" "syncfs d/t"
	[[ $(<../other/f) == new ]] || fail "not written"
}

# only: release
once_a_file_that_cannot_be_flushed_is_removed() {
	on_ext4
	echo a >a
	traced -e inject=fsync:error=EIO:when=1 -- --fsync a d/b
	expect_status 1
	expect_err "ucp: error syncing 'd/b': Input/output error"
	check_not test -e d/b
	echo old >d/b
	traced -e inject=fsync:error=EIO:when=1 -- --fsync a d/b
	expect_err "ucp: error syncing 'd/b': Input/output error"
	[[ ! -s d/b ]] || fail "it looks whole"
}

# only: release
once_a_directory_that_cannot_be_flushed() {
	on_ext4
	echo a >a
	traced -e inject=fsync:error=EIO:when=2 -- --fsync a d/b
	expect_status 1
	expect_err "ucp: error syncing the directory of 'd/b': Input/output error"
	traced -e inject=fsync:error=EINVAL:when=2 -- --fsync a d/c
	expect_status 0
	expect_no_err
}

# only: release
once_a_file_system_that_cannot_be_flushed() {
	on_ext4
	traced -e inject=syncfs:error=EIO -- --fsync -a s d
	expect_status 1
	expect_err "ucp: error syncing the file system of 'd/s': Input/output error"
	same_tree s d/s
}

case_fsync_copies_the_same() {
	make_tree --seed=5 s
	run_ucp -a --fsync s d
	expect_status 0
	expect_no_err
	same_tree s d
	: >d/root-file
	run_ucp -a --fsync -T s d
	expect_status 0
	expect_no_err
}

case_fsync_of_what_fails() {
	run_ucp --fsync missing d
	expect_status 1
	expect_err "ucp: cannot stat 'missing': No such file or directory"
	echo a >a
	run_ucp --fsync a missing/a
	expect_err "ucp: cannot create regular file 'missing/a': No such file or directory"
	run_ucp --fsync a /dev/null
	expect_status 0
	expect_no_err
}

# Where the destination cannot be read it cannot be flushed either.
case_fsync_of_an_unreadable_directory() {
	need user
	chmod 777 .
	echo a >a
	chmod 644 a
	as_user mkdir -m 300 d
	run as_user ucp --fsync a d
	expect_status 1
	expect_err "ucp: error syncing the directory of 'd/a': Permission denied"
}

case_fsync_with_few_descriptors() {
	make_tree --seed=6 s
	run limit_fds 32 ucp -a --fsync s d
	expect_status 0
	expect_no_err
	same_tree s d
}

# --- a medium that does not take data

# Files in s of which the medium takes what is in `good`, and not what is in `bad`, as soon as it fails.
make_spoiled() {
	mkdir -p s/sub
	head -c 300000 /dev/zero | tr '\0' g >s/good
	yes UNWRITABLE | head -c "${1-300000}" >s/sub/bad
}

medium_fails() {
	sync -f fs # what is on its way is no matter of ours
	faultfs medium "fail write image EIO with=UNWRITABLE"
}

# On each file system, and in an overlay over it: told once, as the file systems themselves are told.
unwritable_data_is_reported() { # MKFS ARGS…
	mount_medium "$1" "$2" fs "${@:3}"
	mount_overlay o fs
	mkdir fs/d
	make_spoiled
	medium_fails
	run_ucp --fsync -r --reflink=never s fs/d
	expect_status 1
	expect_err "ucp: error syncing the file system of 'fs/d/s': Input/output error"
	(($(faultfs_hits medium "fail write image") > 0)) || fail "the medium did not fail"
	run_ucp --fsync -r --reflink=never s o/d
	expect_status 1
	expect_err "ucp: error syncing 'o/d/sub/bad': Input/output error"
	check_not test -e o/d/sub/bad
	check cmp s/good o/d/good
	run_ucp --fsync -r s/sub/bad s/good o
	expect_status 1
	expect_err "ucp: error syncing 'o/bad': Input/output error"
}

once_unwritable_data_on_ext4() {
	unwritable_data_is_reported ext4 64M
}

once_unwritable_data_on_ext4_without_journal() {
	unwritable_data_is_reported ext4 64M -O ^has_journal
}

once_unwritable_data_on_xfs() {
	unwritable_data_is_reported xfs 320M
}

once_unwritable_data_on_btrfs() {
	unwritable_data_is_reported btrfs 128M
}

# Small files, and one that is there before; each by a worker of its own.
once_unwritable_data_in_an_overlay() {
	local i
	mount_medium ext4 64M fs
	mkdir -p lower/d
	mount_overlay o fs
	make_spoiled 4000
	for i in {1..40}; do
		echo "$i" >"s/$i"
		echo "UNWRITABLE $i" >"s/sub/$i"
	done
	echo old >lower/d/bad
	medium_fails
	run_ucp --fsync -r -T s/sub o/d
	expect_status 1
	sort -o "$ERR" "$ERR"
	mapfile -t lines < <({ seq 40 && echo bad; } | sed "s|.*|ucp: error syncing 'o/d/&': Input/output error|" | sort)
	expect_err "${lines[@]}"
	[[ ! -s o/d/bad ]] || fail "it looks whole"
	[[ $(ls o/d) == bad ]] || fail "these look whole: $(ls o/d)"
	run_ucp --fsync --atomic -r s o/new
	expect_status 1
	[[ $(grep -c "^ucp: error syncing 'o/new/sub/.*': Input/output error$" "$ERR") == 41 ]] || fail "stderr: $(<"$ERR")"
	[[ -z $(ls -A o/new/sub) ]] || fail "these look whole: $(ls -A o/new/sub)"
	rm -r s/sub
	run_ucp --fsync -r -T s o/good
	expect_status 0
	expect_no_err
	same_tree s o/good --no-times
}

# --progress=synced says that it is on the medium.
once_unwritable_data_that_is_counted() {
	mount_medium ext4 64M fs
	mount_overlay o fs
	make_spoiled
	mkdir fs/d
	medium_fails
	run_ucp --progress=synced -r s fs/d
	expect_status 1
	expect_err_has "ucp: cannot sync the destination: Input/output error"
	run_ucp --progress=synced -r s o/d
	expect_status 1
	expect_err_has "ucp: error syncing 'o/d/sub/bad': Input/output error"
	check_not test -e o/d/sub/bad
	run_ucp --progress=synced s/sub/bad o/bad
	expect_status 1
	expect_err_has "ucp: error syncing 'o/bad': Input/output error"
	check_not test -e o/bad
}

# A block device is no matter of the file system that its name is on.
once_unwritable_data_on_a_device() {
	local device
	need loop
	mkdir backing
	truncate -s 8M backing/image
	mount_faultfs medium backing
	device=$(losetup --show -f medium/image) || skip "no loop device"
	exec 7<"$device"
	losetup -d "$device" # as soon as it is closed
	faultfs medium "fail write image EIO with=UNWRITABLE"
	make_spoiled 100000
	run_ucp --progress=synced s/sub/bad "$device"
	[[ $status == 1 ]] || fail "status $status"
	run_ucp --fsync s/sub/bad "$device"
	expect_status 1
	expect_err "ucp: error syncing '$device': Input/output error"
}
