# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status is set by run
# What ucp takes of the machine.
# modes: default sync tiny

# The nice level and the class of each thread of ucp, once its copying waits for a fifo.
priorities_of() {
	local task line
	for task in "/proc/$1/task"/*; do
		line=$(<"$task/stat")
		read -r -a fields <<<"${line##*) }"
		printf '%s %s\n' "${fields[16]}" "$(ionice -p "${task##*/}")"
	done | sort -u
}

case_idle() {
	need cmd ionice
	mkfifo fifo
	start_ucp --idle fifo copy
	exec {end}>fifo # waits for ucp
	wait_for '(($(ls "/proc/$pid/task" | wc -l) > 1))'
	priorities_of "$pid" >found
	echo text >&"$end"
	exec {end}>&-
	finish_ucp
	expect_status 0
	expect_no_err
	check cmp copy - <<<text
	check cmp found - <<<'19 idle'
}

# peak COMMAND...: run it, and print the most KiB of memory it took.
peak() {
	python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}

# Files of many sizes: what was used for the small ones is not kept beside what the large ones need.
# only: release
once_memory_follows_what_is_in_flight() {
	local d k i
	mount_tmpfs 400M fs
	"$UCP" --engine=uring /dev/null fs/probe || skip "no io_uring here"
	for d in 1 2 3 4; do
		mkdir -p fs/s/$d
		for k in 0 1 2 3 4; do
			for ((i = 0; i < 128 >> k; ++i)); do
				head -c $((65536 << k)) /dev/zero >fs/s/$d/$k-$i
			done
		done
	done
	check test "$(peak "$UCP" -a -j4 --engine=uring fs/s fs/d)" -lt $((32 * 1024))
	same_tree fs/s fs/d
}

once_workers_are_as_many_as_processors() {
	need cmd taskset
	echo text >a
	run taskset -c "$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')" "$UCP" --debug a b
	expect_status 0
	expect_out_has "workers: 1, each"
}

# --- nothing stays open after the end

# A program large enough for everything that is done for large files.
a_program() {
	cp "$BASH" "$1" || fail "cp"
	head -c 16000000 /dev/zero >>"$1"
	chmod 755 "$1"
}

case_copied_program_runs_at_once() {
	local i
	a_program program
	mkdir d
	for i in 1 2 3; do
		run_ucp program d/p$i
		expect_status 0
		run d/p$i -c 'echo runs'
		expect_status 0
		expect_out runs
	done
	run_ucp -r --atomic d whole
	expect_status 0
	for i in 1 2 3; do
		run whole/p$i -c 'echo runs'
		expect_out runs
	done
}

case_what_was_copied_to_is_unmounted_at_once() {
	local i
	a_program program
	mkdir s
	cp program s/1
	cp program s/2
	for i in 1 2; do
		mount_image ext4 100M fs
		run_ucp -r s fs/d
		expect_status 0
		check umount fs
	done
}

# What one small file, in memory and on file systems of this machine, does not need: threads, rings, a look at the machine.
# only: release
once_one_small_file_is_copied_at_once() {
	need cmd strace
	[[ $(printf '%s\n' 6.5 "$(uname -r)" | sort -V | head -n1) == 6.5 ]] || skip "needs cachestat(2)"
	mount_tmpfs 1M fs
	cd fs || fail "cd"
	mkdir d
	ln -s a link
	local words
	for words in 'a b' '-a a d' 'a d/a' '-v --backup=numbered a d' '-L link c' '-t d a' '-p --exclude=x a e'; do
		echo text >a
		# shellcheck disable=SC2086 # words
		run strace -f -qq -o calls -e trace=clone,clone3,io_uring_setup,openat "$UCP" $words
		expect_status 0
		expect_no_err
		check_not grep -E 'clone|io_uring_setup|"/(proc|sys)/|jansson|xxhash|uring' calls
	done
	for words in b d/a d/a.~1~ c e; do
		check cmp a "$words"
	done
}

# A signal is no less heard then: what is there at the end is whole, and what may hang has a thread that waits for signals.
# only: release
once_signals_while_one_small_file_is_copied() {
	local call words
	need cmd strace
	mount_tmpfs 1M fs
	echo text >fs/a
	for call in openat preadv2 write close; do
		rm -f fs/b
		run env --default-signal=INT strace -qq -o calls -e trace="$call" -e inject="$call:signal=SIGINT:when=1+" "$UCP" fs/a fs/b
		expect_status 130
		[[ ! -e fs/b ]] || check cmp fs/a fs/b
	done
	need fuse
	mkdir backing
	mount_faultfs far backing
	for words in 'fs/a far/a' 'far/a fs/c' '-i fs/a fs/d' '--bwlimit=1M fs/a fs/d'; do
		# shellcheck disable=SC2086 # words
		run strace -f -qq -o calls -e trace=clone,clone3 "$UCP" $words
		expect_status 0
		check grep -qE 'clone' calls
	done
}
