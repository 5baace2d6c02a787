# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Fifos, sockets, devices, and files whose size says nothing.

make_socket() {
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1" ||
		fail "cannot make a socket"
}

cat_into_ucp() {
	# shellcheck disable=SC2002 # a pipe is what is wanted
	cat data | ucp /dev/stdin copy
}

# --- in trees

# modes: default sync tiny
case_fifos_with_r() {
	mkdir s
	mkfifo s/p
	run_ucp -r s d
	expect_status 0
	expect_no_err
	[[ -p d/p ]] || fail "d/p is not a fifo"
	same_tree s d --no-times
}

# modes: default sync tiny
case_sockets_with_r() {
	mkdir s
	make_socket s/sock
	run_ucp -r s d
	expect_status 0
	expect_no_err
	[[ -S d/sock ]] || fail "d/sock is not a socket"
}

# modes: default sync tiny
case_special_files_with_a() {
	mkdir s
	mkfifo -m 606 s/p
	make_socket s/sock
	chmod 755 s/sock
	touch -d '2001-02-03 04:05:06.123456789' s/p s/sock s
	check ucp -a s d
	same_tree s d
}

# modes: default sync tiny
case_devices_with_a() {
	need root
	mkdir s
	mknod s/null c 1 3 || skip "cannot make devices"
	mknod s/high c 4095 1048575
	mknod s/loop b 7 200
	mknod s/white c 0 0
	chown 1000:1001 s/high
	chmod 4666 s/loop
	check ucp -a s d
	same_tree s d
}

# modes: default sync tiny
case_devices_with_r() {
	need root
	mkdir s
	mknod s/null c 1 3 || skip "cannot make devices"
	mknod s/loop b 7 200
	check ucp -R s d
	same_tree s d --no-times
}

# modes: default sync tiny
case_device_as_operand() {
	need root
	run_ucp -r /dev/null null
	expect_status 0
	[[ -c null && $(stat -c %t:%T null) == 1:3 ]] || fail "null is not the device"
}

# modes: default sync tiny
case_device_is_not_for_users() {
	need user
	chmod 777 .
	run as_user ucp -r /dev/null null
	expect_status 1
	expect_err "ucp: cannot create special file 'null': Operation not permitted"
	check_not test -e null
}

# modes: default sync tiny
case_special_files_replace_what_is_there() {
	mkdir s d
	mkfifo s/p
	make_socket s/sock
	echo old >d/p
	ln -s /nowhere d/sock
	check ucp -aT s d
	same_tree s d
	check ucp -aT s d
	same_tree s d
}

# modes: default sync tiny
case_fifo_replaces_no_directory() {
	mkdir -p s d/p/kept
	mkfifo s/p
	run_ucp -rT s d
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'd/p' with non-directory 's/p'"
	[[ -d d/p/kept ]] || fail "the directory is gone"
}

# --- read as files

case_fifo_without_r_is_read() {
	head -c 300000 /dev/urandom >data
	mkfifo p
	cat data >p &
	run_ucp p copy
	expect_status 0
	expect_no_err
	check cmp data copy
}

case_fifo_in_small_pieces_is_read() {
	local i
	mkfifo p
	for i in {1..50}; do
		echo "piece $i"
	done >data
	while read -r i; do
		# one write(2) each
		printf '%s\n' "$i"
	done <data >p &
	run_ucp p copy
	expect_status 0
	check cmp data copy
}

case_fifo_that_stays_empty() {
	mkfifo p
	: >p &
	run_ucp p copy
	expect_status 0
	[[ -f copy && ! -s copy ]] || fail "copy is not an empty file"
}

# modes: default sync tiny
case_fifo_with_p_keeps_the_mode() {
	mkfifo -m 604 p
	echo data >p &
	check ucp -p p copy
	[[ $(stat -c %a copy) == 604 ]] || fail "copy has mode $(stat -c %a copy)"
	[[ $(<copy) == data ]] || fail "wrong content"
}

# A terminal that is read or written does not become that of a process without one, whose end it would be.
once_terminal_does_not_become_ours() {
	need cmd python3
	mkfifo p
	python3 - "$UCP" <<-'END' || fail "it did"
		import os, subprocess, sys, time
		terminal = os.ttyname(os.openpty()[1])
		reader = os.open("p", os.O_RDWR)
		def is_open(pid):
		    try:
		        return terminal in [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
		    except FileNotFoundError:
		        return False
		for words in [terminal, "copy"], ["p", terminal], ["--atomic", "p", terminal]:
		    ucp = subprocess.Popen([sys.argv[1]] + words, start_new_session=True)
		    while ucp.poll() is None and not is_open(ucp.pid):
		        time.sleep(0.01)
		    with open(f"/proc/{ucp.pid}/stat") as stat:
		        number = stat.read().rsplit(")", 1)[1].split()[4]
		    ucp.kill()
		    ucp.wait()
		    if number != "0":
		        sys.exit(1)
	END
}

case_dev_null_is_empty() {
	echo old >copy
	check ucp /dev/null copy
	[[ -f copy && ! -s copy ]] || fail "copy is not an empty file"
}

case_dev_stdin_from_pipe() {
	head -c 1500000 /dev/urandom >data
	run cat_into_ucp
	expect_status 0
	expect_no_err
	check cmp data copy
}

case_dev_stdin_from_file() {
	head -c 1500000 /dev/urandom >data
	check ucp /dev/stdin copy <data
	check cmp data copy
}

case_dev_stdin_empty() {
	check ucp /dev/stdin copy </dev/null
	[[ -f copy && ! -s copy ]] || fail "copy is not an empty file"
}

case_process_substitution() {
	head -c 200000 /dev/urandom >data
	check ucp <(cat data) copy
	check cmp data copy
}

# --- written as files

case_to_dev_stdout() {
	head -c 300000 /dev/urandom >data
	ucp data /dev/stdout | cat >copy
	check cmp data copy
}

case_to_fifo() {
	head -c 300000 /dev/urandom >data
	mkfifo p
	cat p >copy &
	run_ucp data p
	expect_status 0
	wait
	[[ -p p ]] || fail "the fifo is gone"
	check cmp data copy
}

case_fifo_to_fifo() {
	head -c 300000 /dev/urandom >data
	mkfifo p q
	cat data >p &
	cat q >copy &
	run_ucp p q
	expect_status 0
	wait
	check cmp data copy
}

# --- sizes that are not to be believed

# What the kernel tells may change between two looks: a copy as it was before or after is right.
same_as_cat() { # FILE
	local i
	[[ -r $1 ]] || return 0
	for i in {1..20}; do
		cat "$1" >want 2>/dev/null || return 0
		run_ucp "$1" copy
		expect_status 0
		expect_no_err
		cat "$1" >after
		if cmp -s want copy || cmp -s after copy; then
			[[ -s want ]]
			return
		fi
		! cmp -s want after || fail "copy differs: $(diff -a want copy)"
	done
	return 1
}

case_proc_version() {
	same_as_cat /proc/version || skip "no /proc/version"
}

case_proc_files_of_many_lines() {
	local file some=''
	for file in /proc/filesystems /proc/devices /proc/crypto /proc/cgroups /proc/ioports /proc/self/mounts; do
		same_as_cat "$file" && some=1
	done
	[[ -n $some ]] || skip "no such file in /proc"
}

case_proc_self_status() {
	[[ -r /proc/self/status ]] || skip "no /proc"
	check ucp /proc/self/status copy
	grep -q '^Pid:' copy || fail "copy has no beginning: $(<copy)"
	grep -q '^nonvoluntary_ctxt_switches:' copy || fail "copy has no end: $(<copy)"
}

# The environment of a process is a file of size 0, and can be larger than a buffer.
case_proc_large() {
	[[ -r /proc/self/environ ]] || skip "no /proc"
	env -i A="$(printf 'x%.0s' {1..100000})" B="$(printf 'y%.0s' {1..100000})" sleep 50 &
	# shellcheck disable=SC2016 # evaluated later
	wait_for '[[ $(cat "/proc/'$!'/environ" 2>/dev/null | wc -c) == 200006 ]]'
	check ucp "/proc/$!/environ" copy
	cat "/proc/$!/environ" >want
	kill $!
	check cmp want copy
}

case_proc_over_longer_file() {
	[[ -r /proc/version ]] || skip "no /proc/version"
	head -c 500000 /dev/urandom >copy
	same_as_cat /proc/version
}

case_sys_files() {
	local file some=''
	for file in /sys/kernel/mm/transparent_hugepage/enabled /sys/class/net/lo/mtu /sys/power/state \
		/sys/devices/system/cpu/online /sys/kernel/notes; do
		same_as_cat "$file" && some=1
	done
	[[ -n $some ]] || skip "no such file in /sys"
}

case_proc_tree() {
	local file
	[[ -d /proc/sys/fs/inotify ]] || skip "no /proc/sys/fs/inotify"
	run_ucp -r /proc/sys/fs/inotify d
	expect_status 0
	expect_no_err
	for file in /proc/sys/fs/inotify/*; do
		check cmp "$file" "d/${file##*/}"
	done
}

case_proc_with_sparse_always() {
	[[ -r /proc/version ]] || skip "no /proc/version"
	check ucp --sparse=always /proc/version copy
	cat /proc/version >want
	check cmp want copy
}
