# shellcheck shell=bash disable=SC2154 # status is set by run
# What ucp takes of the machine.

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
