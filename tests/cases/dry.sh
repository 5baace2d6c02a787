# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status is set by run
# --dry-run: says what would be done, and does nothing.
# modes: default sync tiny

dry_runs() { # SEED COUNT
	need cmd python3 cp
	run python3 "$TOOLS/drytest.py" --ucp="$UCP" --seed="$1" --count="$2" --keep-going
	tail -n 1 "$OUT"
	[[ $status == 0 ]] || fail "drytest.py: $(head -qc 20000 "$OUT" "$ERR")"
}

# limit: 240
# only: release
once_dry_runs_say_what_is_done() {
	share 200
	dry_runs "$first" "$tries"
}

# limit: 1800
# only: release
long_dry_runs_say_what_is_done() {
	dry_runs 1000 3000
}

# expect_lines LINE…: stdout, in any order.
expect_lines() {
	sort -o "$OUT" "$OUT"
	mapfile -t lines < <(printf '%s\n' "$@" | sort)
	expect_out "${lines[@]}"
}

case_dry_tree() {
	mkdir -p s/sub/deep s/empty
	echo 12345 >s/sub/file
	ln s/sub/file s/other
	ln -s nowhere s/link
	mkfifo s/sub/deep/fifo
	run_ucp -a --dry-run s d
	expect_status 0
	expect_no_err
	expect_lines "'s' -> 'd'" "'s/sub' -> 'd/sub'" "'s/empty' -> 'd/empty'" "'s/sub/deep' -> 'd/sub/deep'" \
		"'s/sub/file' -> 'd/sub/file'" "'s/other' -> 'd/other'" "'s/link' -> 'd/link'" \
		"'s/sub/deep/fifo' -> 'd/sub/deep/fifo'" "would copy 4 files with 6 bytes (6 B), and make 4 directories"
	[[ ! -e d ]] || fail "d was made"
}

case_dry_over_what_is_there() {
	mkdir -p s/sub d/s/file d/s/sub
	echo new >s/sub/a
	echo new >s/sub/b
	echo new >s/sub/c
	echo x >s/file
	echo old >d/s/sub/a
	echo old >d/s/sub/b
	touch -d 2001-01-01 d/s/sub/a d/s/file
	touch -d 2100-01-01 d/s/sub/b
	run_ucp -r -u --dry-run s d
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'd/s/file' with non-directory 's/file'"
	expect_lines "'s/sub/a' -> 'd/s/sub/a'" "'s/sub/c' -> 'd/s/sub/c'" \
		"would copy 2 files with 8 bytes (8 B), and make 0 directories; 1 is left as it is"
	run_ucp -b --dry-run s/sub/a d/s/sub
	expect_out "'s/sub/a' -> 'd/s/sub/a' (backup: 'd/s/sub/a~')" "would copy 1 file with 4 bytes (4 B), and make 0 directories"
	run_ucp -n --dry-run s/sub/a d/s/sub
	expect_status 0
	expect_out "would copy 0 files with 0 bytes (0 B), and make 0 directories; 1 is left as it is"
	run_ucp -i --dry-run s/sub/a d/s/sub </dev/null
	expect_status 0
	expect_no_err
	expect_out "'s/sub/a' -> 'd/s/sub/a'" "would copy 1 file with 4 bytes (4 B), and make 0 directories"
	check cmp d/s/sub/a - <<<old
	[[ ! -e d/s/sub/a~ ]] || fail "a backup was made"
}

case_dry_what_may_not_be() {
	need user
	chmod 777 .
	mkdir -p s d/closed
	echo secret >s/secret
	echo open >s/open
	echo closed >d/open
	chmod 600 s/secret
	chmod 755 d d/closed
	run as_user ucp --dry-run s/secret s/open new
	expect_status 1
	expect_err "ucp: target 'new': No such file or directory"
	((EUID == 0)) || return 0
	run as_user ucp --dry-run s/secret s/open d
	expect_status 1
	sort -o "$ERR" "$ERR"
	expect_err "ucp: cannot create regular file 'd/open': Permission denied" \
		"ucp: cannot open 's/secret' for reading: Permission denied"
	run as_user ucp -r --dry-run s d/closed
	expect_status 1
	expect_err "ucp: cannot create directory 'd/closed/s': Permission denied"
	expect_out "would copy 0 files with 0 bytes (0 B), and make 0 directories"
}

case_dry_two_files_of_one_name() {
	mkdir a b d
	echo 1 >a/x
	echo 2 >b/x
	run_ucp --dry-run a/x b/x d
	expect_status 1
	expect_err "ucp: will not overwrite just-created 'd/x' with 'b/x'"
	expect_out "'a/x' -> 'd/x'" "would copy 1 file with 2 bytes (2 B), and make 0 directories"
}

case_dry_into_itself() {
	mkdir -p a/b/c
	run_ucp -r --dry-run a a/b/c
	expect_status 1
	expect_err "ucp: cannot copy a directory, 'a', into itself, 'a/b/c/a'"
	[[ ! -e a/b/c/a ]] || fail "it was copied"
}

case_dry_with_few_descriptors() {
	local i dir=s
	for ((i = 0; i < 60; i++)); do
		dir+=/d
		mkdir -p "$dir/other"
		echo x >"$dir/file"
	done
	run limit_fds 40 ucp -a --dry-run s d
	expect_status 0
	expect_no_err
	expect_out_has "would copy 60 files with 120 bytes (120 B), and make 121 directories"
	[[ ! -e d ]] || fail "d was made"
}

case_dry_with_what_else_is_written() {
	mkdir s
	echo 1 >s/a
	run_ucp -r --dry-run --checksums=sums --fsync --verify --progress=synced --stats --bwlimit=@none s d
	expect_status 0
	expect_no_err
	expect_out "'s' -> 'd'" "'s/a' -> 'd/a'" "would copy 1 file with 2 bytes (2 B), and make 1 directory"
	[[ ! -e sums && ! -e d ]] || fail "something was written"
}

case_dry_chooses() {
	mkdir -p s/no
	echo 1 >s/a
	echo 2 >s/no/b
	run_ucp -r --exclude=no --dry-run s d
	expect_status 0
	expect_lines "'s' -> 'd'" "'s/a' -> 'd/a'" "would copy 1 file with 2 bytes (2 B), and make 1 directory"
	run_ucp --files-from=- --dry-run s d <<<no/b
	expect_lines "'s' -> 'd'" "'s/no' -> 'd/no'" "'s/no/b' -> 'd/no/b'" \
		"would copy 1 file with 2 bytes (2 B), and make 2 directories"
	[[ ! -e d ]] || fail "d was made"
}

# Neither what is not there yet, nor a standard descriptor that is closed, needs anything of /dev or /proc.
# The sanitizers need /proc.
# only: release
once_without_dev_and_proc() {
	need mounts
	mkdir -p s/sub/deep d
	echo 1 >s/sub/f
	ln -s nowhere s/l
	# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; the flags are words
	run hiding "/dev /proc" sh -c '"$@" --dry-run -a s new && "$@" --dry-run -a s d &&
		"$@" --dry-run -a --parents s/sub/deep d && "$@" -a s d <&-' - "$UCP" $UCP_FLAGS
	expect_status 0
	expect_no_err
	expect_out_has "'s/sub/f' -> 'new/sub/f'"
	expect_out_has "'s/sub/f' -> 'd/s/sub/f'"
	[[ ! -e new ]] || fail "new was made"
	same_tree s d/s
}

# only: release
# (Links of the tree lead out of it: none is followed.)
once_nothing_is_changed() {
	need cmd strace
	make_tree --seed 9 --files 80 s
	check ucp -r s d
	find d -type f -name '*1*' -delete
	local options
	for options in -a -rf -rlP '-r --backup=numbered' '-a --remove-destination' '-a --parents' '-rs' '-au' '-r --reflink'; do
		# shellcheck disable=SC2086
		run strace -f -o "$CASE/calls" -e trace=file,desc "$UCP" --dry-run $options s d
		grep -E 'mkdir|rmdir|unlink|rename|link\(|linkat|mknod|chmod|chown|utime|truncate|setxattr|removexattr' \
			"$CASE/calls" | grep -v 'readlink' >"$CASE/changes"
		grep -E 'open.*O_(WRONLY|RDWR|CREAT|TRUNC)|ioctl.*(CLONE|SETFLAGS)|copy_file_range|fallocate' "$CASE/calls" |
			grep -v -e '"/dev/null"' -e '\.gcda"' >>"$CASE/changes"
		[[ ! -s $CASE/changes ]] || fail "--dry-run $options: $(head "$CASE/changes")"
		grep -E 'open[^"]*"(/?[^/"]*/)*f[^"]*", O_RDONLY' "$CASE/calls" | grep -v 'O_DIRECTORY\|/etc/\|/proc/\|/lib/\|/usr/' \
			>"$CASE/opened"
		[[ ! -s $CASE/opened ]] || fail "--dry-run $options opens: $(head "$CASE/opened")"
	done
}

# A source that stands at a destination under another name gives way to a new file, unless it only gets attributes.
once_sources_at_destinations() {
	local option
	for option in '' --attributes-only; do
		rm -rf s d
		mkdir s d
		echo a >s/a
		echo b >s/b
		ln s/b d/a
		# shellcheck disable=SC2086
		run_ucp -rvT -j1 --dry-run $option s d
		grep -v '^would ' "$OUT" >"$CASE/said"
		# shellcheck disable=SC2086
		run_ucp -rvT -j1 $option s d
		check cmp "$CASE/said" "$OUT"
	done
}
