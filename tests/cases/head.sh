# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# Media with a head. A faultfs that answers late plays one, for which /sys says that it is rotational.

# sweeping MOUNT CMD…: where the device of MOUNT passes for rotational.
sweeping() {
	need mounts
	local device
	device=$(stat -c %Hd:%Ld "$1") || fail "no device of $1"
	# shellcheck disable=SC2016 # for the inner shell
	run hiding /sys/dev/block bash -c '
		mkdir -p "/sys/dev/block/$1/queue" && echo 1 >"/sys/dev/block/$1/queue/rotational" && exec "${@:2}"' - \
		"$device" "${@:2}"
}

# Small files in several directories, and what is not copied like them.
make_files() { # DIR
	local i
	mkdir -p "$1"/{a,b/c,d/e,empty}
	for i in {1..40}; do
		head -c $((i * 500)) /dev/urandom >"$1/$(sed -n "$((i % 4 + 1))p" <<<$'a\nb\nb/c\nd/e')/$i"
	done
	head -c 1500000 /dev/urandom >"$1/d/big"
	truncate -s 300000 "$1/d/sparse"
	echo end >>"$1/d/sparse"
	ln "$1/a/4" "$1/b/linked"
	ln -s ../a/4 "$1/b/symbolic"
	mkdir "$1/f" && mkfifo "$1/f/fifo"
	: >"$1/b/nothing"
	chmod 640 "$1/a/8"
	touch -d 2001-02-03T04:05:06.789 "$1/a/12" "$1/a"
}

# To be called last: what was copied is right in any case.
expect_sweep() {
	grep -q '^reading: in sweeps along the medium: ' "$OUT" || skip "nothing was done for so long that it gave up"
}

once_sweep_copies_all() {
	need fuse
	make_files s
	mount_faultfs slow s --latency=4
	sweeping slow "$UCP" -a --debug slow d
	expect_status 0
	expect_no_err
	same_tree s d
	expect_sweep
}

once_sweep_reports_what_cannot_be_read() {
	need fuse
	make_files s
	mount_faultfs slow s --latency=4 "fail open 16 EACCES" "fail read 39 EIO"
	sweeping slow "$UCP" -a --debug slow d
	expect_status 1
	sort -o "$ERR" "$ERR"
	expect_err "ucp: cannot open 'slow/a/16' for reading: Permission denied" \
		"ucp: error reading 'slow/d/e/39': Input/output error"
	rm s/a/16 s/d/e/39
	same_tree s d --no-times
	expect_sweep
}

once_sweep_with_few_descriptors() {
	need fuse
	make_files s
	mount_faultfs slow s --latency=4
	# shellcheck disable=SC2016 # for the inner shell
	sweeping slow bash -c 'ulimit -n 24 && exec "$@"' - "$UCP" -a --debug slow d
	expect_status 0
	expect_no_err
	same_tree s d
	expect_sweep
}

# A fifo that nobody writes to holds up nothing else.
once_sweep_waits_for_no_fifo() {
	need fuse
	make_files s
	mount_faultfs slow s --latency=4
	(
		sweeping slow "$UCP" -a --copy-contents slow d
		expect_status 0
	) &
	wait_for "[[ \$(find d/ -type f -size +0 -name '[0-9]*' | wc -l) == 40 ]]" 30
	echo from a fifo >slow/f/fifo
	wait $!
	check grep -qx 'from a fifo' d/f/fifo
	rm s/f/fifo d/f/fifo
	same_tree s d --no-times
}
