# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# What the kernel may refuse, and what may happen meanwhile: memory, threads, system calls, steps of a copy; signals, a
# terminal that goes away, another ucp.

# A tree with one of everything that is made of different steps.
one_of_each() {
	mkdir -p s/a s/b
	echo 1 >s/a/1
	echo 2 >s/a/2
	ln s/a/1 s/b/1
	ln -s nowhere s/l
	mkfifo s/f
	head -c 3000000 /dev/urandom >s/big
}

# Everything is in d as in s; fifos are not for diff.
all_is_there() { # D
	diff -rq --no-dereference -x f s "$1" || fail "$1 differs"
	[[ -p $1/f ]] || fail "$1/f is missing"
}

# Whatever is in D is as in s.
what_is_there_is_right() { # D
	local file
	[[ ! -d $1 ]] || while IFS= read -r -d '' file; do
		cmp -s "$1/$file" "s/$file" || fail "$1/$file passes for whole: $(<"$ERR")"
	done < <(cd "$1" && find . -type f -print0)
}

# --- memory

# The n-th allocation fails, and then every third, at random: for every n that there is.
# only: release
# limit: 120
once_no_memory() {
	local n count
	need tool preload-check.so
	one_of_each
	run env UCP_ALLOCATIONS="$CASE/count" LD_PRELOAD="${UCP%/*}/tools/preload-check.so" "$UCP" -a s whole
	expect_status 0
	all_is_there whole
	count=$(<"$CASE/count")
	((count > 50)) || fail "only $count allocations were seen"
	for ((n = PART + 1; n <= count; n += PARTS)); do
		rm -rf d
		run within 20 env UCP_NO_MEMORY="$n" LD_PRELOAD="${UCP%/*}/tools/preload-check.so" "$UCP" -ab s d
		case $status in
		0) all_is_there d ;;
		1)
			[[ -s $ERR ]] || fail "allocation $n: nothing is said"
			what_is_there_is_right d
			;;
		*) fail "allocation $n: exit status $status, $(<"$ERR")" ;;
		esac
	done
}

# only: release
once_little_address_space() {
	local kilobytes
	one_of_each
	for kilobytes in 20000 40000 80000 160000; do
		rm -rf d
		run bash -c 'ulimit -v "$0"; exec "$@"' "$kilobytes" "$UCP" -a s d
		case $status in
		0) all_is_there d ;;
		1)
			[[ -s $ERR ]] || fail "$kilobytes K: nothing is said"
			what_is_there_is_right d
			;;
		127) ;; # the program could not even be loaded
		*) fail "$kilobytes K: exit status $status, $(<"$ERR")" ;;
		esac
	done
}

# --- descriptors

# only: release
once_no_descriptor_is_left_open() {
	need tool preload-check.so
	one_of_each
	mkdir empty
	chmod 0 s/a/2
	ln -s loop s/loop
	run env UCP_FDS="$CASE/fds" LD_PRELOAD="${UCP%/*}/tools/preload-check.so" "$UCP" -rv s s/nothing d
	run env UCP_FDS="$CASE/fds" LD_PRELOAD="${UCP%/*}/tools/preload-check.so" "$UCP" -rb --parents s s/a/1 s/nothing empty
	expect_status 1
	run env UCP_FDS="$CASE/fds" LD_PRELOAD="${UCP%/*}/tools/preload-check.so" true
	# What true has open we gave it
	sort "$CASE/fds" 2>/dev/null | uniq -c | awk '$1 % 3' >"$CASE/open"
	[[ ! -s $CASE/open ]] || fail "left open: $(<"$CASE/open")"
}

# --- system calls

# refused WHAT=ERRNO… -- ARGS…
refused() {
	need tool run-refused
	local what=()
	while [[ $1 != -- ]]; do
		what+=("$1")
		shift
	done
	run "${UCP%/*}/tools/run-refused" "${what[@]}" -- "$UCP" "${@:2}"
	[[ $status != 77 ]] || skip "no seccomp"
}

once_ring_half_refused() {
	local what
	one_of_each
	for what in io_uring_enter={EPERM,ENOSYS,EINVAL,ENOMEM} io_uring_register={EPERM,EINVAL,ENOMEM}; do
		rm -rf d e
		refused "$what" -- -a s d
		expect_status 0
		expect_no_err
		all_is_there d
	done
	refused io_uring_enter=EPERM -- -a --engine=uring s e
	expect_status 1
	expect_err "ucp: cannot use io_uring, which --engine=uring asks for: Operation not permitted" \
		"ucp: hint: io_uring may be forbidden by a seccomp filter, as in many containers; without --engine=uring the copying\
 goes on with system calls"
}

once_older_kernels() {
	local what
	one_of_each
	touch -hd 2001-02-03 s/l s/f
	for what in fchmodat2={ENOSYS,EPERM} preadv2={ENOSYS,EPERM} renameat2={ENOSYS,EINVAL} statx={ENOSYS,EPERM} \
		getrandom=ENOSYS utimensat-empty=EINVAL; do
		rm -rf d
		refused "$what" io_uring_setup=ENOSYS -- -a s d
		expect_status 0
		expect_no_err
		same_tree s d
		refused "$what" -- -a s/. d # over what is there
		expect_status 0
		expect_no_err
		refused "$what" -- -ab s/. d
		expect_status 0
		expect_no_err
		[[ -e d/big~ && -e d/a/1~ ]] || fail "$what: no backups"
	done
}

# (The sanitizers want threads of their own.)
# only: release
once_threads_refused() {
	local error
	one_of_each
	for error in EAGAIN EPERM; do
		rm -rf d
		refused "thread=$error" -- -a s d
		expect_status 0
		expect_no_err
		same_tree s d
	done
}

# refuse ARGS…: each call to the system fails once.
refuse() {
	need cmd python3
	need tool preload-refuse.so
	run python3 "$TOOLS/refuse.py" --ucp="$UCP" --preload="${UCP%/*}/tools/preload-refuse.so" "$@"
	tail -n 1 "$OUT"
	[[ $status == 0 ]] || fail "refuse.py $*: $(head -qc 5000 "$OUT" "$ERR")"
}

# only: release
once_calls_fail() {
	of_part new over backup numbered remove force links attributes follow update beneath
	refuse "${chosen[@]/#/--way=}"
}

# only: release
once_calls_of_safe_ways_fail() {
	of_part atomic hidden staged resume verify fsync direct scan dry ring
	refuse "${chosen[@]/#/--way=}"
}

# only: asan
once_calls_fail_and_nothing_leaks() {
	refuse --way={hidden,verify} --error=EIO
}

# limit: 900
# only: release, asan
long_calls_fail() {
	refuse --error={EIO,ENOENT,EINTR,EOPNOTSUPP,EEXIST,EACCES,EINVAL,ENOSPC}
}

# limit: 900
# only: release, asan
long_calls_fail_for_good() {
	refuse --for-good --error={EIO,ENOSPC,EROFS}
}

# It is for the whole machine, so not while others test.
long_io_uring_disabled() {
	local file=/proc/sys/kernel/io_uring_disabled old
	need root
	[[ -w $file ]] || skip "no $file"
	old=$(<"$file")
	one_of_each
	echo 2 >"$file" || skip "cannot write $file"
	run_ucp -a s d
	echo "$old" >"$file"
	expect_status 0
	expect_no_err
	all_is_there d
}

# --- each step of a copy

# no_step OP ERRNO TEXT FILE…: FILEs of s are refused OP; the rest is copied.
no_step() {
	local name
	faultfs mnt clear "fail $1 * $2"
	run_ucp -a s mnt/d
	expect_status 1
	! grep -v -e "^ucp: .*: $3\$" -e '^ucp: hint: ' "$ERR" || fail "$1: unexpected messages"
	[[ $(sort "$ERR" | uniq -d) == '' ]] || fail "$1: said twice: $(<"$ERR")"
	faultfs mnt clear
	what_is_there_is_right mnt/d
	rm -rf mnt/d
}

# limit: 120
once_each_step_refused() {
	local op
	one_of_each
	setfattr -n user.x -v value s/big s/a 2>/dev/null || skip "needs attributes here"
	mount_faultfs mnt back
	for op in mkdir create mknod symlink link write setxattr; do
		no_step "$op" ENOSPC "No space left on device"
	done
	for op in mkdir create write setxattr; do
		no_step "$op" EDQUOT "Disk quota exceeded"
	done
	for op in chown chmod utimens; do
		no_step "$op" EIO "Input/output error"
	done
}

# --- signals

# A timer goes on over exec(2); whoever ignores it has it ignored by what they start.
once_alarms_that_are_ignored() {
	one_of_each
	python3 - "$UCP" -a s d <<-'END' || fail "status $?"
		import os, signal, sys
		signal.signal(signal.SIGALRM, signal.SIG_IGN)
		signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
		os.execv(sys.argv[1], sys.argv[1:])
	END
	all_is_there d
}

# Every signal there is a handler for, as fast as it goes, to every thread: all that blocks is interrupted.
once_interrupted_all_the_time() {
	local i engine
	one_of_each
	for i in {1..50}; do
		head -c 20000 /dev/urandom >"s/$i"
	done
	for engine in auto uring sync; do
		rm -rf d
		python3 - "$UCP" "--engine=$engine" -a s d <<-'END' || fail "$engine: status $?"
			import os, signal, subprocess, sys
			ucp = subprocess.Popen(sys.argv[1:])
			while ucp.poll() is None:
			    try:
			        status = open("/proc/%d/status" % ucp.pid).read()
			        caught = int(status.split("SigCgt:")[1].split()[0], 16)
			        for task in os.listdir("/proc/%d/task" % ucp.pid):
			            for number in range(signal.SIGRTMIN, signal.SIGRTMIN + 2):
			                if caught >> (number - 1) & 1:
			                    os.kill(int(task), number)
			    except (OSError, IndexError):
			        pass
			sys.exit(ucp.returncode)
		END
		all_is_there d
	done
}

# --- a terminal that goes away

# gone_terminal DISPOSITION: what ucp returns, which copies a pipe, when its terminal is closed half-way.
gone_terminal() {
	mkfifo p
	python3 - "$1" "$UCP" <<-'END'
		import os, pty, signal, sys, time
		pipe = os.open("p", os.O_RDWR | os.O_CLOEXEC)
		os.write(pipe, b"beginning\n")
		pid, master = pty.fork()
		if pid == 0:
		    signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1] == "ignored" else signal.SIG_DFL)
		    os.execv(sys.argv[2], [sys.argv[2], "-v", "--progress=always", "p", "copy"])
		while not os.path.exists("copy") or os.path.getsize("copy") == 0:
		    time.sleep(0.01)
		os.close(master)
		if sys.argv[1] == "ignored":
		    os.write(pipe, b"more\n")
		    os.close(pipe)
		print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}

once_terminal_gone() {
	[[ $(gone_terminal default) == -1 ]] || fail "not ended by SIGHUP"
	check_not test -e copy
}

# All was said before; what is painted of the progress is lost, and the copy is made.
once_terminal_gone_and_ignored() {
	local code
	code=$(gone_terminal ignored)
	[[ $code == 0 ]] || fail "return code $code"
	printf 'beginning\nmore\n' | cmp - copy || fail "the copy is not whole"
}

# --- another ucp

once_two_at_once() {
	local i round
	one_of_each
	for i in {1..30}; do
		mkdir "s/$i"
		echo "$i" >"s/$i/file"
		head -c 70000 /dev/urandom >"s/$i/more"
	done
	for round in 1 2 3; do
		rm -rf d
		mkdir d
		"$UCP" -rT s d 2>"$CASE/other" &
		run_ucp -rT s d
		wait $!
		[[ $? == [01] && $status == [01] ]] || fail "round $round: exit status"
		grep -qv -e 'File exists$' -e 'replaced while being copied$' -e 'No such file or directory$' "$ERR" "$CASE/other" &&
			fail "unexpected messages: $(cat "$ERR" "$CASE/other")"
		what_is_there_is_right d
		run_ucp -rT s d
		all_is_there d
	done
}

# As on FAT: a name that cannot become a link to a copy whose owner was refused is copied anew, as by cp.
once_neither_links_nor_owners() {
	need root
	mkdir -p s/sub
	head -c 200000 /dev/urandom >s/a
	ln s/a s/b
	ln s/a s/sub/c
	ln -s x s/l
	ln s/l s/m
	mkfifo s/p
	ln s/p s/q
	chown -hR 7:8 s
	local options name said
	said=$(printf "ucp: failed to preserve ownership for 'd/%s': Operation not permitted\n" \
		. ./a ./b ./l ./m ./p ./q ./sub ./sub/c | sort)
	for options in -a -av '-a -j1' '-a --atomic --x-inject=no-unnamed'; do
		rm -rf d
		mkdir d
		# Into an empty directory, and over what is there
		for name in new over; do
			# shellcheck disable=SC2086 # several options
			refused linkat=EPERM fchown=EPERM fchownat=EPERM -- $options s/. d
			expect_status 1
			[[ $(sort "$ERR") == "$said" ]] || fail "$options, $name: $(<"$ERR")"
			[[ $options$name != -avnew || $(wc -l <"$OUT") == 8 ]] || fail "said: $(<"$OUT")"
			check test -p d/p -a -p d/q -a -L d/l -a -L d/m
			check cmp s/a d/a
			check cmp s/b d/b
			check cmp s/sub/c d/sub/c
		done
	done
	# What is copied without an error gets links, or an error
	refused linkat=EPERM -- -a s e
	expect_status 1
	[[ $(grep -c '^ucp: cannot create hard link ' "$ERR") == 4 ]] || fail "$(<"$ERR")"
	[[ $(wc -l <"$ERR") == 4 ]] || fail "$(<"$ERR")"
}
