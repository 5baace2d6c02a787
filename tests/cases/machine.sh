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

once_workers_are_as_many_as_processors() {
	need cmd taskset
	echo text >a
	run taskset -c "$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')" "$UCP" --debug a b
	expect_status 0
	expect_out_has "workers: 1, each"
}
