# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# Sources that a symbolic link (-L) or a mount leads to, and that are in the destination.

# ends_in_itself SOURCE DESTINATION: the last copy ended, and its message names them.
ends_in_itself() {
	expect_status 1
	expect_err "ucp: cannot copy a directory, '$1', into itself, '$2'"
	(($(find d | wc -l) < 20)) || fail "there are: $(find d)"
}

# a_source OPTION-OF-MKDIR…: s, and d with something old in it.
a_source() {
	rm -rf s d
	mkdir -p s/sub d "$@"
	echo f >s/f
	echo g >s/sub/g
	echo old >d/old
}

once_links_into_the_destination() {
	a_source
	ln -s ../d s/link
	run_ucp -rL s d
	ends_in_itself s d/s
	run_ucp -rL s d
	ends_in_itself s d/s
	run_ucp -rL s/. d
	ends_in_itself s/. d/.
	a_source d/link/link d/sub
	ln -s ../d s/link
	run_ucp -aL --atomic s/. d
	ends_in_itself s/. d/.
	check cmp s/sub/g d/sub/g
	[[ -z $(ls d/link/link) ]] || fail "it was copied: $(find d)"
}

# by_inode NAME…: sets $names to these, in the order of their inodes, as one worker takes them.
by_inode() {
	mapfile -t names < <(stat -c '%i %n' "$@" | sort -n | cut -d' ' -f2-)
}

# The directory it leads to is not the topmost one that this run made, and is made before the link is met.
once_links_into_what_this_run_has_made() {
	local names
	a_source s/a/b/c s/x/b/c
	by_inode s/a s/x
	echo c >"${names[0]}/b/c/file"
	ln -s "../../../d/${names[0]}/b" "${names[1]}/b/link"
	run_ucp -rL -j1 s d
	ends_in_itself s d/s
	check cmp "${names[0]}/b/c/file" "d/${names[0]}/b/c/file"
	check_not test -e "d/${names[1]}/b/link"
}

# But what was there before, and is none of the copies, is a source like others.
once_links_to_what_is_beside_the_copies() {
	a_source d/other/below
	echo below >d/other/below/file
	ln -s ../d/other s/link
	run_ucp -rL s d
	expect_status 0
	expect_no_err
	check cmp d/other/below/file d/s/link/below/file
}

once_mounts_of_the_destination_in_the_source() {
	local options
	need mounts
	for options in -r '-r -j1' -a '-a --atomic' '-r --attributes-only'; do
		a_source s/b d/b/b/b
		echo older >d/b/old
		echo oldest >d/b/b/old
		mount --bind d s/b || skip "cannot mount"
		# shellcheck disable=SC2086 # several options
		run_ucp $options s/. d
		ends_in_itself s/. d/.
		[[ $(<d/old) == old && $(<d/b/old) == older && $(<d/b/b/old) == oldest ]] || fail "$options: it was overwritten"
		check_not test -e d/b/f
		umount s/b
	done
	a_source s/b d/s
	mount --bind d s/b
	run_ucp -r s d
	ends_in_itself s d/s
	check_not test -e d/s/b/s/f
	umount s/b
}

# The mount shows the destination only further down.
once_mount_of_what_the_destination_is_in() {
	need mounts
	a_source s/b
	mount --bind . s/b || skip "cannot mount"
	run_ucp -r s/. d
	ends_in_itself s/. d/.
	check_not test -e d/b/d/f
	umount s/b
}

once_mounts_that_are_no_copies() {
	need mounts
	a_source s/b other d/sub
	echo other >other/file
	mount --bind other s/b || skip "cannot mount"
	run_ucp -a s/. d
	expect_status 0
	expect_no_err
	check cmp other/file d/b/file
	umount s/b
}

# lead_to_destination link|mount: s/link is the directory sub of the destination, which is a faultfs at m.
lead_to_destination() {
	if [[ $1 == link ]]; then
		ln -s ../m/sub s/link
	else
		need mounts
		mkdir s/link
		mount --bind m/sub s/link || skip "cannot mount"
	fi
}

# source_being_written link|mount OPTION…
source_being_written() {
	mkdir -p s/sub backing/sub
	head -c 300000 /dev/zero | tr '\0' n >s/sub/a
	echo last | tee s/sub/last >backing/sub/last
	echo old >backing/sub/a
	mount_faultfs m backing --threads=8 "hold write a"
	lead_to_destination "$1"
	start_ucp "${@:2}" -j4 s/. m
	# The other one was met by then, or opening it waits for what is held
	wait_for '[[ $(faultfs_count m held) == 1 && -e backing/link ]]'
	faultfs m clear
	finish_ucp
	expect_status 0
	expect_no_err
	cmp s/sub/a backing/sub/a || fail "it is not what was copied"
	[[ $(<backing/link/a) == old ]] || cmp s/sub/a backing/link/a || fail "a part was copied"
}

once_source_behind_a_link_that_is_being_written() {
	source_being_written link -rL
}

once_source_behind_a_mount_that_is_being_written() {
	source_being_written mount -r
}

# Nor is it written while it is read.
once_source_behind_a_link_that_is_being_read() {
	mkdir -p s/sub backing/sub
	head -c 1000000 /dev/zero | tr '\0' o >backing/sub/a
	head -c 1000000 /dev/zero | tr '\0' n >s/sub/a
	cp backing/sub/a old
	mount_faultfs m backing --threads=8 "hold read a from=500000"
	lead_to_destination link
	start_ucp -rL -j4 --engine=sync --chunk-size=64K s/. m
	wait_for '[[ $(faultfs_count m held) -gt 0 ]] || ! kill -0 $pid 2>/dev/null'
	faultfs m clear
	finish_ucp
	expect_status 0
	expect_no_err
	check cmp s/sub/a backing/sub/a
	cmp -s old backing/link/a || cmp s/sub/a backing/link/a || fail "it is a mixture"
}

# Two that lead to each other do not wait for each other.
once_sources_that_are_each_others_copies() {
	local round
	need cmd timeout
	for round in {1..20}; do
		rm -rf s d
		mkdir s d
		head -c 3000000 /dev/zero | tr '\0' x >d/x
		head -c 2000000 /dev/zero | tr '\0' y >d/y
		ln -s ../d/y s/x
		ln -s ../d/x s/y
		run within 20 "$UCP" -rL -j4 s/. d
		expect_status 0
		expect_no_err
		[[ $(wc -c <d/x) == @(2000000|3000000) && $(tr -d x <d/x | wc -c) == @(0|2000000) ]] || fail "x is a mixture"
		[[ $(wc -c <d/y) == @(2000000|3000000) && $(tr -d x <d/y | wc -c) == @(0|2000000) ]] || fail "y is a mixture"
	done
}

# Nor are files that are mounted each by itself.
once_mounted_file_that_is_being_written() {
	need mounts
	mkdir -p s/sub s/other backing/sub
	head -c 300000 /dev/zero | tr '\0' n >s/sub/a
	echo old >backing/sub/a
	touch s/other/b
	echo last >s/other/last
	# Not cached, as the kernel would not open a file whose cached pages are being written. And b may come after last.
	mount_faultfs m backing --threads=8 "short read a 1000000" "hold write a"
	mount --bind m/sub/a s/other/b || skip "cannot mount"
	start_ucp -r -j4 s/. m
	wait_for '[[ $(faultfs_count m held) -ge 1 && ( -e backing/other/b || -s backing/other/last ) ]]'
	faultfs m clear
	finish_ucp
	expect_status 0
	expect_no_err
	cmp s/sub/a backing/sub/a || fail "it is not what was copied"
	[[ $(<backing/other/b) == old ]] || cmp s/sub/a backing/other/b || fail "a part was copied: $(ls -l backing/other)"
}
