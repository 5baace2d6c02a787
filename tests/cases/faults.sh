# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# Full disks, limits and refusals: one message a file, the rest copied, nothing wrong that looks whole.

# Each file of A is in B the same, or missing, or shorter: never of full size with other content.
nothing_passes_for_whole() { # A B
	local file
	while IFS= read -r -d '' file; do
		[[ -f $2/$file && ! -L $2/$file ]] || continue
		if [[ $(stat -c %s "$1/$file") == "$(stat -c %s "$2/$file")" ]]; then
			check cmp "$1/$file" "$2/$file"
		fi
	done < <(cd "$1" && find . -type f -print0)
}

# Every file of A is in B the same, or it has exactly one message and is not there.
each_file_whole_or_named() { # A B MESSAGE-END
	local file named
	while IFS= read -r -d '' file; do
		file=${file#./}
		named=$(grep -cE "^ucp: (error (writing|copying)|cannot create (regular file|directory)|failed to (extend|close)) .*'$2/$file'.*: $3\$" "$ERR")
		if [[ -e $2/$file ]]; then
			check cmp "$1/$file" "$2/$file"
			[[ $named == 0 ]] || fail "$2/$file is whole, but: $(<"$ERR")"
		else
			[[ $named == 1 ]] || fail "$2/$file is missing, with $named messages: $(<"$ERR")"
		fi
	done < <(cd "$1" && find . -type f -print0)
}

# And the hints.
only_messages() { # END-OF-LINE
	! grep -v '^ucp: hint: ' "$ERR" | grep -vE "^ucp: .*: $1\$" || fail "unexpected messages"
}

# with_limit LETTER VALUE CMD…
with_limit() (
	ulimit "-$1" "$2"
	"${@:3}"
)

# The same for an ordinary user, whose limits root does not have; ARGS are ucp's.
user_with_limit() { # LETTER VALUE ARGS…
	# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; the flags are words
	as_user bash -c 'ulimit "-$0" "$1"; exec "${@:2}"' "$1" "$2" "$UCP" $UCP_FLAGS "${@:3}"
}

# --- no space

no_space_for_a_file() {
	mkdir s
	head -c 6000000 /dev/urandom >s/big
	run_ucp s/big full
	expect_status 1
	[[ $(grep -cv '^ucp: hint: ' "$ERR") == 1 ]] || fail "one message was expected: $(<"$ERR")"
	only_messages "No space left on device"
	each_file_whole_or_named s full "No space left on device"
	check_not test -e full/big
}

no_space_for_a_tree() {
	local i
	mkdir -p s/sub
	for i in {1..8}; do
		head -c 1500000 /dev/urandom >"s/sub/$i"
	done
	run_ucp -r s full/
	expect_status 1
	only_messages "No space left on device"
	each_file_whole_or_named s full/s "No space left on device"
}

case_full_tmpfs_file() {
	mount_tmpfs 2M full
	no_space_for_a_file
}

case_full_tmpfs_tree() {
	mount_tmpfs 4M full
	no_space_for_a_tree
}

case_full_ext4_file() {
	mount_image ext4 4M full
	no_space_for_a_file
}

case_full_ext4_tree() {
	mount_image ext4 6M full
	no_space_for_a_tree
}

case_full_disk_over_existing_file() {
	mount_tmpfs 2M full
	head -c 6000000 /dev/urandom >a
	head -c 1000 /dev/urandom >full/a
	run_ucp a full/a
	expect_status 1
	[[ $(grep -cv "^ucp: hint: " "$ERR") == 1 ]] || fail "one message was expected: $(<"$ERR")"
	only_messages "No space left on device"
	[[ ! -e full/a || $(stat -c %s full/a) -lt 6000000 ]] || fail "it passes for whole"
}

case_full_disk_filled_with_zeros() {
	mount_tmpfs 2M full
	truncate -s 6M a
	run_ucp --sparse=never a full/a
	expect_status 1
	only_messages "No space left on device"
	check_not test -e full/a
}

case_full_disk_does_not_stop_others() {
	mount_tmpfs 2M full
	mkdir other
	head -c 6000000 /dev/urandom >a
	mkdir -p s
	cp a s/a
	echo b >s/b
	ln -s ../full s/to-full
	mkdir -p d/s
	ln -s "$PWD/full/a" d/s/a
	: >full/a
	run_ucp -r s d
	expect_status 1
	[[ $(wc -l <"$ERR") == 1 ]] || fail "one message was expected: $(<"$ERR")"
	expect_err_has "'d/s/a': No space left on device"
	check cmp s/b d/s/b
	[[ -L d/s/to-full ]] || fail "the link was not copied"
}

case_disk_filled_to_the_last_byte() {
	mount_tmpfs 1M full
	head -c 1048576 /dev/urandom >a
	run_ucp a full/a
	expect_status 0
	expect_no_err
	check cmp a full/a
}

case_no_inodes_left() {
	local i
	mount_tmpfs 4M full
	mount -o remount,nr_inodes=20 full 2>/dev/null || skip "cannot limit inodes"
	mkdir s
	for i in {1..60}; do
		echo "$i" >"s/$i"
	done
	run_ucp -r s full
	expect_status 1
	only_messages "No space left on device"
	each_file_whole_or_named s full/s "No space left on device"
}

# --- limits

case_file_size_limit() {
	mkdir s d
	head -c 2000000 /dev/urandom >s/big
	head -c 50000 /dev/urandom >s/small
	run with_limit f 200 ucp s/big s/small d
	expect_status 1
	expect_err "ucp: error writing 'd/big': File too large" "ucp: hint: a file may have at most 200 KiB (ulimit -f)"
	check cmp s/small d/small
	check_not test -e d/big
}

# What cannot be held is known ahead: nothing of it is written, and what it should have replaced stays.
case_file_system_size_limit() {
	local name
	mount_image ext4 64M fs -O ^extents,^64bit,^huge_file -b 1024
	mkdir s fs/d
	truncate -s 20G s/holes s/old s/new s/end
	printf end | dd of=s/end bs=1 seek=20000000000 conv=notrunc status=none
	echo small >s/small
	echo old >fs/d/old
	run_ucp -rT s fs/d
	expect_status 1
	[[ $(wc -l <"$ERR") == 4 ]] || fail "four messages were expected: $(<"$ERR")"
	for name in holes old new end; do
		expect_err_has "ucp: error writing 'fs/d/$name': File too large"
	done
	[[ $(ls -A fs/d) == old$'\n'small ]] || fail "left behind: $(ls -A fs/d)"
	[[ $(<fs/d/old) == old ]] || fail "the old file is gone"
	# With data in the way, a full disk would be the reason
	for name in --sparse=never --atomic --resume --verify --direct --reflink=never; do
		run_ucp $name -T s/new fs/new
		expect_status 1
		expect_err_has "ucp: error writing 'fs/new': File too large"
		check_not test -e fs/new
	done
}

case_few_descriptors() {
	local i
	for i in {1..40}; do
		mkdir -p "s/$i/sub"
		echo "$i" >"s/$i/f"
		head -c 20000 /dev/urandom >"s/$i/sub/g"
	done
	head -c 3000000 /dev/urandom >s/big
	run limit_fds 16 ucp -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times
}

case_few_descriptors_and_links() {
	local i
	for i in {1..20}; do
		mkdir -p "s/$i/a/b/c/d/e/f"
		echo "$i" >"s/$i/a/b/c/d/e/f/file"
		ln "s/$i/a/b/c/d/e/f/file" "s/$i/link"
	done
	run limit_fds 16 ucp -a s d
	expect_status 0
	expect_no_err
	same_tree s d
}

case_no_locked_memory() {
	need user
	chmod 777 .
	mkdir s
	head -c 3000000 /dev/urandom >s/big
	echo small >s/small
	run user_with_limit l 0 -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times --no-owner
}

# Without threads the only one there is does the work.
# (Sanitizers want threads of their own.)
# only: release
case_no_threads() {
	need user
	((EUID == 0)) || skip "needs a user without other processes"
	chmod 777 .
	mkdir s
	head -c 300000 /dev/urandom >s/f
	run user_with_limit u 1 -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times --no-owner
}

# only: release
case_signal_without_threads() {
	need cmd setpriv
	((EUID == 0)) || skip "needs a user without other processes"
	chmod 777 .
	mkfifo -m 666 fifo
	mkdir -m 777 d
	# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; the flags are words
	setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups bash -c \
		'ulimit -u 1; exec env --default-signal=INT "$@"' - "$UCP" $UCP_FLAGS fifo d/copy 2>"$ERR" &
	pid=$!
	exec {end}>fifo # waits for ucp
	kill -INT "$pid"
	finish_ucp
	exec {end}>&-
	expect_status 130
	check test ! -e d/copy
}

# --- read-only

case_read_only_file_system() {
	mount_tmpfs 1M ro
	echo old >ro/old
	mkdir ro/d
	mount -o remount,ro ro || skip "cannot remount"
	mkdir s
	echo f >s/f
	run_ucp s/f ro/new
	expect_status 1
	expect_err "ucp: cannot create regular file 'ro/new': Read-only file system"
	run_ucp s/f ro/old
	expect_status 1
	expect_err "ucp: cannot create regular file 'ro/old': Read-only file system"
	run_ucp -r s ro/d
	expect_status 1
	expect_err "ucp: cannot create directory 'ro/d/s': Read-only file system"
}

case_read_only_source() {
	mount_tmpfs 8M ro
	mkdir ro/s
	head -c 3000000 /dev/urandom >ro/s/big
	echo f >ro/s/f
	mount -o remount,ro ro || skip "cannot remount"
	run_ucp -a ro/s d
	expect_status 0
	expect_no_err
	same_tree ro/s d
}

# --- hints

no_ring="ucp: cannot use io_uring, which --engine=uring asks for:"
without="without --engine=uring the copying goes on with system calls"

# A file of these is read at the end, and once.
once_hint_says_how_much_room_was_missing() {
	mount_tmpfs 4M full
	mkdir s
	head -c 6000000 /dev/urandom >s/a
	head -c 5000000 /dev/urandom >s/b
	run_ucp -j1 -r s full/d
	expect_status 1
	sort -o "$ERR" "$ERR"
	expect_err "ucp: error writing 'full/d/a': No space left on device" \
		"ucp: error writing 'full/d/b': No space left on device" \
		"ucp: hint: 10.5 MiB did not fit: 4.0 MiB free, 6.5 MiB more needed"
}

once_hint_says_that_inodes_are_missing() {
	need root
	mkdir full
	mount -t tmpfs -o size=4M,nr_inodes=3 ucp-test full || skip "cannot mount a tmpfs"
	printf one >a
	printf two >b
	printf three >c
	run_ucp a b c full
	expect_status 1
	expect_err "ucp: cannot create regular file 'full/c': No space left on device" \
		"ucp: hint: there is room for data, but the file system has no inode left for another file"
}

# There is room: nobody knows what was meant.
once_no_hint_where_there_is_room() {
	printf one >a
	run_ucp a /dev/full
	expect_status 1
	expect_err "ucp: error writing '/dev/full': No space left on device"
}

once_hint_says_how_many_files_may_be_open() {
	printf one >a
	run limit_fds 4 "$UCP" a b
	[[ $status != 127 ]] || skip "the program needs more to be loaded"
	expect_status 1
	expect_err "ucp: cannot create regular file 'b': Too many open files" \
		"ucp: hint: at most 4 files may be open at once (ulimit -n)"
}

# engine_refused_by SYSCTL-VALUE HINT
engine_refused_by() {
	local sysctl=/proc/sys/kernel/io_uring_disabled
	need mounts
	[[ -e $sysctl ]] || skip "this kernel has no such sysctl"
	echo "$1" >sysctl
	# shellcheck disable=SC2016 # for the other shell
	run hiding '' bash -c 'mount --bind sysctl "$0" || exit 77; exec "$@"' "$sysctl" \
		"$UCP" --x-inject=no-ring --engine=uring a b
	[[ $status != 77 ]] || skip "cannot mount over it"
	expect_status 1
	expect_err "$no_ring Operation not permitted" "ucp: hint: $2; $without"
}

once_hint_says_what_forbids_io_uring() {
	printf one >a
	engine_refused_by 0 "io_uring may be forbidden by a seccomp filter, as in many containers"
	engine_refused_by 1 "io_uring is forbidden to all but privileged users and the group kernel.io_uring_group by \
the sysctl kernel.io_uring_disabled, which is 1"
	engine_refused_by 2 "io_uring is forbidden to all by the sysctl kernel.io_uring_disabled, which is 2"
}

# --- no io_uring

a_tree_and_a_big_file() {
	mkdir -p s/sub
	head -c 3000000 /dev/urandom >s/big
	echo small >s/sub/small
}

once_no_ring_inside() {
	a_tree_and_a_big_file
	run_ucp --x-inject=no-ring -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times
}

once_ring_demanded_but_refused() {
	a_tree_and_a_big_file
	run_ucp --x-inject=no-ring --engine=uring -r s d
	expect_status 1
	expect_err_has "ucp: "
	expect_err_has io_uring
	check_not test -e d/big
}

# refusing_rings ERRNO CMD…: where the kernel refuses to make an io_uring.
refusing_rings() {
	python3 - "$@" <<-'END'
		import ctypes, os, platform, struct, sys
		if platform.machine() not in ("x86_64", "aarch64"):
		    sys.exit(77)
		# seccomp: load the number of the system call; 425 is io_uring_setup.
		code = [(0x20, 0, 0, 0), (0x15, 0, 1, 425),
		        (0x06, 0, 0, 0x00050000 | int(sys.argv[1])), (0x06, 0, 0, 0x7fff0000)]
		filters = b"".join(struct.pack("HBBI", *c) for c in code)
		buffer = ctypes.create_string_buffer(filters)
		program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
		libc = ctypes.CDLL(None, use_errno=True)
		if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0):
		    sys.exit(77)
		os.execv(sys.argv[2], sys.argv[2:])
	END
}

refused_by_kernel() { # ERRNO MESSAGE HINT
	a_tree_and_a_big_file
	run refusing_rings "$1" "$UCP" -r s d
	[[ $status != 77 ]] || skip "no seccomp"
	expect_status 0
	expect_no_err
	same_tree s d --no-times
	run refusing_rings "$1" "$UCP" --engine=uring -r s e
	expect_status 1
	expect_err "$no_ring $2" "ucp: hint: $3; $without"
	check_not test -e e/big
	run refusing_rings "$1" "$UCP" --debug --version
	expect_status 0
	[[ $(tail -n 1 "$OUT") == "Linux $(uname -r), no io_uring: $3" ]] || fail "$(<"$OUT")"
}

once_io_uring_forbidden() {
	[[ $(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null) != [12] ]] || skip "it is forbidden by a sysctl"
	refused_by_kernel 1 "Operation not permitted" \
		"io_uring may be forbidden by a seccomp filter, as in many containers"
}

once_io_uring_unknown() {
	refused_by_kernel 38 "Function not implemented" "this kernel has no io_uring, or a sandbox hides it"
}

once_io_uring_no_memory() {
	refused_by_kernel 12 "Cannot allocate memory" "the limit of locked memory may be too low (ulimit -l)"
}

# --- io_uring that fails on the way

# Files of one chunk and of many, and small ones.
files_of_all_sizes() {
	local i
	mkdir -p s/sub
	for i in 1 2 3 4; do
		head -c 3000000 /dev/urandom >s/$i
		echo $i >s/sub/$i
	done
	head -c 9000001 /dev/urandom >s/sub/big
}

# The kernel needs threads of its own for what has to wait: none may be made any more.
# (Sanitizers want some too.)
# only: release
case_few_threads() {
	# Nobody else's processes count
	local n USER_ID=$((100000 + BASHPID))
	need user
	need cmd setpriv prlimit
	((EUID == 0)) || skip "needs a user without other processes"
	chmod 777 .
	files_of_all_sizes
	for n in 2 3 4 6; do
		# shellcheck disable=SC2086 # the flags are words
		run as_user prlimit --nproc=$n "$UCP" --engine=uring $UCP_FLAGS -r s d$n
		expect_status 0
		expect_no_err
		same_tree s d$n --no-times --no-owner
	done
}

# within_tasks COUNT CMD…: in a cgroup with at most so many threads. Sets REFUSED to how many were refused, and PEAK to how many
# there were at most, of which this is one; to nothing where the kernel does not count.
within_tasks() {
	local root=/sys/fs/cgroup/pids group
	need root
	[[ -d $root ]] || root=/sys/fs/cgroup
	group=$root/ucp-test-$$-$RANDOM
	mkdir "$group" 2>/dev/null && echo "$1" 2>/dev/null >"$group/pids.max" || {
		rmdir "$group" 2>/dev/null
		skip "needs a cgroup that limits tasks"
	}
	# shellcheck disable=SC2016 # expanded by the inner shell
	run bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "${@:2}"
	REFUSED=$(sed -n 's/^max //p' "$group/pids.events" 2>/dev/null)
	PEAK=$(cat "$group/pids.peak" 2>/dev/null)
	wait_for "rmdir '$group' 2>/dev/null"
}

# only: release
once_few_tasks_in_the_cgroup() {
	local n
	files_of_all_sizes
	for n in 1 2 3 5; do
		rm -rf d
		within_tasks $n "$UCP" -r s d
		expect_status 0
		expect_no_err
		same_tree s d --no-times
	done
	within_tasks 1 "$UCP" -a --engine=uring s alone
	expect_status 0
	expect_no_err
	same_tree s alone
	within_tasks 12 "$UCP" -j10 -r s e
	expect_status 0
	expect_no_err
	same_tree s e --no-times
}

# What is left of a limit is not used up: half of it stays for others, all if it is little, and nobody is refused anything.
# only: release
once_tasks_are_left_to_others() {
	local n most flags
	mount_faultfs slow s --latency=2
	files_of_all_sizes
	cp -a s/. slow
	while read -r n most flags; do
		rm -rf d
		# shellcheck disable=SC2086 # the flags are words
		within_tasks $n "$UCP" -r --progress=plain $flags slow d
		expect_status 0
		diff -r slow d || fail "within $n: another copy"
		((${REFUSED:-0} == 0)) || fail "within $n $flags: $REFUSED refused"
		((${PEAK:-0} <= most)) || fail "within $n $flags: $PEAK of $most"
	done <<-END
		2 1 -j8
		4 1
		8 1 --resume
		8 2 --engine=uring
		9 5 --resume
		13 7
		20 10 -j32
		41 21 --engine=uring
	END
}

# only: release
once_processes_of_the_user_are_left_to_others() {
	local n USER_ID=$((100000 + BASHPID))
	need user
	need cmd setpriv prlimit strace
	((EUID == 0)) || skip "needs a user without other processes"
	chmod 777 .
	files_of_all_sizes
	for n in 2 8; do
		run as_user prlimit --nproc=$n strace -f -qq -o "$PWD/calls" -e trace=clone,clone3 "$UCP" -r -j4 s d$n
		expect_status 0
		same_tree s d$n --no-times --no-owner
		! grep clone calls || fail "threads within $n"
		rm -f calls
	done
}

# Without a thread that could find out what is on the medium, all is copied and synced, and one line says what is not shown.
# only: release
once_progress_without_a_thread() {
	local how n
	files_of_all_sizes
	for how in synced always plain; do
		for n in 1 2; do
			rm -rf d
			within_tasks $n "$UCP" -r --progress=$how s d
			expect_status 0
			grep -v '%' "$ERR" | tr -d '\r' | sed 's/\x1b\[[A-Z]//g' | grep -v '^$' | diff - <(
				echo "ucp: warning: cannot start a thread, so no progress is shown: Resource temporarily unavailable"
			) || fail "$how, $n: $(<"$ERR")"
			same_tree s d --no-times
		done
	done
	mount_medium ext4 32M m -O ^has_journal
	head -c 5000000 /dev/zero | tr '\0' B >big
	faultfs medium "fail write image EIO with=BBBBBBBB"
	within_tasks 1 "$UCP" --progress=synced big m/big
	expect_status 1
	expect_err_has "ucp: cannot sync the destination: Input/output error"
}

# enter_fails ERRNO:when=…: with one call of io_uring_enter(2) or all from then on failing.
enter_fails() {
	rm -rf d
	run strace -f -qq -o "$CASE/trace" -e trace=io_uring_enter -e inject=io_uring_enter:error="$1" \
		timeout 30 "$UCP" --engine=uring -r s d
	grep -q INJECTED "$CASE/trace" || skip "strace cannot inject errors here"
	expect_status 0
	expect_no_err
	same_tree s d --no-times
}

# only: release
once_ring_breaks_on_the_way() {
	local how
	need cmd strace
	"$UCP" --engine=uring /dev/null probe || skip "no io_uring here"
	files_of_all_sizes
	for how in EBADR:when=4 EBADR:when=4+ EAGAIN:when=2+1 EAGAIN:when=3+2 EBUSY:when=4+ ENOMEM:when=3+ EINVAL:when=5+; do
		enter_fails $how
	done
}

# What a file system writes only in part where nothing is cached, io_uring makes an error of.
case_short_writes_that_are_not_cached() {
	files_of_all_sizes
	mount_faultfs fs backing "short read * 100000" "short write * 3000"
	run_ucp -r s fs/d
	expect_status 0
	expect_no_err
	same_tree s backing/d --no-times
	(($(faultfs_hits fs "short write") > 100)) || fail "no write was short"
}

# A medium that cannot be read is asked once more, not again and again.
case_read_error_is_believed_soon() {
	local hits
	files_of_all_sizes
	mount_faultfs fs backing
	cp s/1 s/2 backing
	faultfs fs "fail read 1 EIO from=2000000"
	run_ucp fs/1 fs/2 .
	expect_status 1
	expect_err "ucp: error reading 'fs/1': Input/output error"
	check cmp 2 s/2
	check test ! -e 1
	hits=$(faultfs_hits fs "fail read")
	((hits <= 140)) || fail "it was read $hits times"
}

# Too little address space for rings and buffers of every worker: smaller ones do.
# only: release
once_little_address_space_for_buffers() {
	local kilobytes
	files_of_all_sizes
	for kilobytes in 60000 100000 200000 400000; do
		rm -rf d e
		run bash -c 'ulimit -v "$0"; exec "$@"' "$kilobytes" "$UCP" -r s d
		[[ $status != 127 ]] || continue
		expect_status 0
		expect_no_err
		same_tree s d --no-times
		run bash -c 'ulimit -v "$0"; exec "$@"' "$kilobytes" "$UCP" --engine=sync -j8 -r s e
		expect_status 0
		expect_no_err
		same_tree s e --no-times
	done
}

# What finds no room is tried once more when everything else is done: one file that is too big has no others fail.
once_too_big_a_file_makes_no_others_fail() {
	local i options
	mount_image ext4 60M m
	mkdir -p s/sub
	truncate -s 1 s/sub/empty
	head -c 100000000 /dev/urandom >s/0big
	for ((i = 0; i < 100; ++i)); do
		head -c 100000 /dev/urandom >"s/f$i"
		head -c 100000 /dev/urandom >"s/sub/g$i"
	done
	for options in -j1 -j8 --engine=sync --atomic '-j2 --sparse=always' --verify; do
		rm -rf m/*
		# shellcheck disable=SC2086 # several options
		run_ucp -rv $options s m/d
		expect_status 1
		grep -v '^ucp: hint: ' "$ERR" | diff - <(echo "ucp: error writing 'm/d/0big': No space left on device") || fail "$options"
		[[ $(sort "$OUT" | uniq -d) == "" && $(wc -l <"$OUT") == 204 ]] || fail "$options: not one line each"
		check_not test -e m/d/0big
		diff -r --exclude=0big s m/d >/dev/null || fail "$options: others failed"
		[[ -z $(find m -name '.ucp-*') ]] || fail "$options: something is left"
	done
}

# Nor do links fail that found no room for their names meanwhile.
# only: release
once_links_that_find_no_room_are_tried_again() {
	local i
	need cmd strace
	mkdir -p s/sub d/backups/sub
	echo data >s/f
	for ((i = 0; i < 5; ++i)); do
		ln s/f "s/sub/$i"
	done
	echo old >d/backups/sub/3
	for i in '-av -j1' '-alv -j1' '-av --atomic -j1'; do
		rm -rf d/t
		# shellcheck disable=SC2086 # several options
		run strace -f -qq -o /dev/null -e trace=linkat -e inject=linkat:error=ENOSPC:when=2..4 "$UCP" $i s d/t
		expect_status 0
		expect_no_err
		[[ $(sort "$OUT" | uniq -d) == "" && $(wc -l <"$OUT") == 8 ]] || fail "$i: $(<"$OUT")"
		diff -r s d/t || fail "$i: not everything is there"
		[[ $i == *l* || $(stat -c %h d/t/f) == 6 ]] || fail "$i: no links"
		[[ -z $(find d -name '.ucp-*') ]] || fail "$i: something is left"
	done
	run strace -f -qq -o /dev/null -e trace=linkat -e inject=linkat:error=ENOSPC:when=1..3 \
		"$UCP" -aT -j1 --backup=numbered s d/backups
	expect_status 0
	expect_no_err
	[[ $(<d/backups/sub/3) == data ]] || fail "not copied"
	[[ $(<d/backups/sub/3.~1~) == old ]] || fail "no backup"
	check_not test -e d/backups/sub/3.~2~
	# Room that does not come is an error, and an error once
	run strace -f -qq -o /dev/null -e trace=linkat -e inject=linkat:error=ENOSPC "$UCP" -a -j1 s/. d/none
	expect_status 1
	[[ $(grep -c "^ucp: cannot create hard link '.*' to '.*': No space left on device$" "$ERR") == 5 ]] || fail "$(<"$ERR")"
}

# A part that --resume keeps takes no room of others in the run that begins it. What an earlier run has left of it stays, and
# that it takes room is told.
once_part_that_is_kept_is_told() {
	local i
	mount_image ext4 60M m
	mkdir s
	head -c 100000000 /dev/urandom >s/0big
	for ((i = 0; i < 50; ++i)); do
		head -c 100000 /dev/urandom >"s/f$i"
	done
	run_ucp -r -j1 --resume s m/d
	expect_status 1
	[[ $(grep -v '^ucp: hint: ' "$ERR") == "ucp: error writing 'm/d/0big': No space left on device" ]] || fail "$(<"$ERR")"
	diff -r --exclude=0big --exclude='.ucp-*' s m/d || fail "others failed"
	[[ -n $(find m/d -name '.ucp-*' -size +10M) ]] || fail "no part is kept"
	head -c 9000000 /dev/urandom >s/other
	run_ucp -rT --resume s m/d
	expect_status 1
	[[ -n $(find m/d -name '.ucp-*' -size +10M) ]] || fail "the part is lost"
	grep -Eq '^ucp: hint: [0-9.]+ MiB of what did not fit are kept for --resume and take room; without --resume they are not kept$' \
		"$ERR" || fail "$(<"$ERR")"
	rm -rf m/d
	run_ucp -r -j1 --atomic s m/d
	expect_status 1
	! grep -q 'kept' "$ERR" || fail "$(<"$ERR")"
	diff -r --exclude=0big s m/d || fail "others failed"
}

# What is replaced at the end of the run gives its room back: then there is room, and nothing to say.
once_room_that_is_given_back_is_used() {
	local options
	need root
	for options in -j1 -j4 '-j1 --json' -u; do
		mount_tmpfs 20M m
		mkdir -p s m/d
		head -c 12000000 /dev/urandom >m/d/z
		head -c 12000000 /dev/urandom >s/a
		echo small >s/z
		touch -d 2001-01-01 m/d/z
		# In the order of inodes: the big one is first
		# shellcheck disable=SC2086 # several options
		run_ucp -r --atomic $options --stats -T s m/d
		expect_status 0
		! grep -v '^{' "$ERR" || fail "$options: there was something to say"
		same_tree s m/d --no-times
		grep -qE '^regular files: +2$|"regular_files":2,' "$OUT" || fail "$options: $(<"$OUT")"
		umount m
		rm -rf s
	done
}

# Where it stays full, each file has one message, and nothing half-written is left; what was there and was cut is empty,
# and what was to appear whole is still what it was.
once_no_room_at_the_last_try_either() {
	local i
	need root
	mkdir s
	for i in 1 2 3; do
		head -c 5000000 /dev/urandom >"s/f$i"
	done
	mount_tmpfs 4M m
	mkdir m/d
	echo old >m/d/f1
	run_ucp -r -T s m/d
	expect_status 1
	grep -v '^ucp: hint: ' "$ERR" | sort | diff - <(printf "ucp: error writing 'm/d/f%d': No space left on device\n" 1 2 3) ||
		fail "messages"
	[[ $(ls -A m/d) == f1 ]] || fail "something is left"
	rm m/d/f1
	echo old >m/d/f1
	run_ucp -r --atomic -T s m/d
	expect_status 1
	grep -v '^ucp: hint: ' "$ERR" | sort | diff - <(printf "ucp: error writing 'm/d/f%d': No space left on device\n" 1 2 3) ||
		fail "messages"
	[[ $(ls -A m/d) == f1 && $(<m/d/f1) == old ]] || fail "something is left"
	# What was overwritten is newer than its source by then: it must not pass for up to date
	touch -d '2001-01-01' m/d/f1
	run_ucp -ru -T s m/d
	expect_status 1
	grep -v '^ucp: hint: ' "$ERR" | sort | diff - <(printf "ucp: error writing 'm/d/f%d': No space left on device\n" 1 2 3) ||
		fail "messages"
	rm -rf m/d/*
	head -c 5000000 /dev/urandom >big
	run bash -c 'yes | "$@"' - "$UCP" --backup -i s/f1 s/f2 m/d
	expect_status 1
	[[ -z $(ls -A m/d) ]] || fail "something is left"
}

# No inodes: directories with all that is in them, links and fifos too.
once_room_for_names_that_is_given_back() {
	need root
	mkdir -p s/sub/deep m
	echo 1 >s/sub/deep/f
	ln -s f s/sub/deep/link
	ln -s f s/link
	mkfifo s/fifo
	mount -t tmpfs -o size=4M,nr_inodes=9,mode=755 ucp-test m || skip "cannot mount a tmpfs"
	touch m/1 m/2 m/3
	run_ucp -r s m/d
	expect_status 1
	grep -v '^ucp: hint: ' "$ERR" >"$CASE/messages"
	[[ $(sort "$CASE/messages" | uniq -d) == "" ]] || fail "twice"
	grep -q 'No space left on device$' "$CASE/messages" || fail "messages"
	rm -rf m/*
	run_ucp -r s m/d
	expect_status 0
	same_tree s m/d --no-times
}

# With --resume what is there of a big file stays, and goes on from there.
once_part_without_room_stays() {
	need root
	mkdir s
	head -c 9000000 /dev/urandom >s/big
	mount_tmpfs 8M m
	run_ucp -r --resume -T s m/d
	expect_status 1
	expect_err_has "ucp: error writing 'm/d/big': No space left on device"
	[[ $(find m/d -name '.ucp-[0-9a-f]*' -size +1M | wc -l) == 1 ]] || fail "it did not stay"
	mount -o remount,size=30M m
	run_ucp -r --resume --stats -T s m/d
	expect_status 0
	grep -q '^resumed: ' "$OUT" || fail "it began anew"
	same_tree s m/d --no-times
	[[ -z $(find m -name '.ucp-*') ]] || fail "something is left"
}

# A worker that gets no buffer leaves a file that others move to them, and does not ask for it again and again.
# only: release, debug
once_worker_without_a_buffer_leaves() {
	local count
	need tool preload-buffers.so
	head -c 48M /dev/urandom >a
	run env UCP_REFUSED="$PWD/refused" LD_PRELOAD="${UCP%/*}/tools/preload-buffers.so" \
		"$UCP" -j4 --engine=sync --reflink=never --bwlimit=96M a b
	expect_status 0
	expect_no_err
	check cmp a b
	read -r count <refused
	((count > 0)) || fail "every worker had its buffer"
	((count <= 64)) || fail "buffers were asked for $count times"
}
