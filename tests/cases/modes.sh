# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Permission bits: of new files, of existing ones, of directories while they are filled.
# only: release, asan

has_mode() { # MODE PATH…
	local path
	for path in "${@:2}"; do
		[[ $(stat -c %a "$path") == "$1" ]] || fail "$path has mode $(stat -c %a "$path"), not $1"
	done
}

# A place for an ordinary user, and a command run in it with a umask.
user_place() {
	need user
	mkdir place
	((EUID != 0)) || chown 65534:65534 place
	cd place || fail "cd"
}

with_umask() { # UMASK CMD…
	(
		umask "$1"
		"${@:2}"
	)
}

user_ucp_with_umask() { # UMASK ARGS…
	# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; the flags are words
	as_user bash -c 'umask "$0"; exec "$@"' "$1" "$UCP" $UCP_FLAGS "${@:2}"
}

# new_modes UMASK: what each source mode becomes without -p.
new_modes() {
	local mode
	mkdir s
	for mode in 644 600 755 666 777 640 4755 2755 6777 1777; do
		echo "$mode" >"s/$mode"
		chmod "$mode" "s/$mode"
	done
	mkdir d
	run with_umask "$1" ucp s/* d
	expect_status 0
	for mode in 644 600 755 666 777 640 4755 2755 6777 1777; do
		has_mode "$(printf %o $((8#$mode & 8#777 & ~8#$1)))" "d/$mode"
	done
}

# --- new files

once_new_files_umask_022() {
	new_modes 022
}

once_new_files_umask_077() {
	new_modes 077
}

once_new_files_umask_000() {
	new_modes 000
}

once_new_files_in_tree() {
	mkdir s
	echo a >s/a
	echo b >s/b
	chmod 4777 s/a
	chmod 604 s/b
	check with_umask 027 ucp -r s d
	has_mode 750 d/a
	has_mode 600 d/b
}

once_new_unwritable_file() {
	user_place
	as_user sh -c 'echo a >a; chmod 444 a'
	check as_user ucp a b
	has_mode 444 b
	check cmp a b
}

once_new_file_without_any_mode() {
	echo a >a
	chmod 0 a
	((EUID == 0)) || skip "needs root"
	check ucp a b
	has_mode 0 b
	check cmp a b
}

# --- existing files

once_existing_file_keeps_its_mode() {
	echo a >a
	echo b >b
	chmod 755 a
	chmod 604 b
	check ucp a b
	has_mode 604 b
	check cmp a b
}

once_existing_file_gets_mode_with_p() {
	echo a >a
	echo b >b
	chmod 751 a
	chmod 604 b
	check ucp -p a b
	has_mode 751 b
}

once_existing_file_gets_mode_with_preserve_mode() {
	echo a >a
	echo b >b
	chmod 4751 a
	chmod 604 b
	check ucp --preserve=mode a b
	has_mode 4751 b
}

# --- with -p and the like

once_modes_with_p() {
	local mode
	mkdir s
	for mode in 0 400 444 600 644 755 777 4755 2755 6711 1644 7777; do
		echo "$mode" >"s/$mode"
		chmod "$mode" "s/$mode"
	done
	((EUID == 0)) || rm -f s/0
	check with_umask 077 ucp -rp s d
	same_tree s d --no-times
}

once_preserve_mode_alone() {
	echo a >a
	chmod 6754 a
	touch -d 2001-01-01 a
	check with_umask 077 ucp --preserve=mode a b
	has_mode 6754 b
	[[ b -nt a ]] || fail "the time was kept too"
}

once_no_preserve_mode_alone() {
	mkdir -m 700 s
	echo a >s/a
	mkfifo s/fifo
	chmod 4755 s/a
	chmod 600 s/fifo
	check with_umask 026 ucp -r --no-preserve=mode s d
	has_mode 640 d/a
	has_mode 640 d/fifo
	has_mode 751 d
}

once_no_preserve_mode_of_existing_file() {
	echo a >a
	echo b >b
	chmod 755 a
	chmod 604 b
	check ucp --no-preserve=mode a b
	has_mode 604 b
}

once_archive_without_mode() {
	mkdir -m 700 s
	echo a >s/a
	chmod 600 s/a
	check with_umask 022 ucp -a --no-preserve=mode s d
	has_mode 644 d/a
	has_mode 755 d
}

once_set_id_is_kept_for_the_owner() {
	user_place
	as_user sh -c 'echo a >a; chmod 6755 a'
	check as_user ucp -p a b
	has_mode 6755 b
}

# --- directories

once_directory_modes() {
	local mode
	for mode in 700 711 755 775 777 1777 750; do
		mkdir -p "s/$mode"
		echo f >"s/$mode/f"
		chmod "$mode" "s/$mode"
	done
	check with_umask 027 ucp -r s d
	for mode in 700 711 755 775 777 1777 750; do
		has_mode "$(printf %o $((8#$mode & ~8#027)))" "d/$mode"
	done
}

once_directory_modes_with_p() {
	local mode
	for mode in 500 555 700 711 755 777 1777 2755 3770 6755; do
		mkdir -p "s/$mode"
		echo f >"s/$mode/f"
		chmod "$mode" "s/$mode"
	done
	check with_umask 077 ucp -rp s d
	same_tree s d --no-times
	chmod -R u+w s d
}

once_read_only_directories() {
	user_place
	as_user sh -c 'mkdir -p s/a/b/c; echo f >s/a/b/c/f; echo g >s/a/g; chmod -R a-w s'
	run as_user ucp -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times
	run as_user ucp -a s e
	expect_status 0
	expect_no_err
	same_tree s e
	chmod -R u+w s d e
}

once_directory_without_any_mode() {
	need root
	mkdir -p s/no
	echo f >s/no/f
	chmod 0 s/no
	check ucp -a s d
	same_tree s d
	check ucp -r s e
	same_tree s e --no-times
}

once_umask_that_forbids_everything() {
	user_place
	as_user sh -c 'mkdir -p s/a/b; echo f >s/a/b/f; echo g >s/g'
	run user_ucp_with_umask 0777 -r s d
	expect_status 0
	expect_no_err
	has_mode 0 d
	chmod -R u+rwx d s
	same_tree s d --no-times --no-mode
}

once_umask_that_forbids_directories() {
	user_place
	as_user sh -c 'mkdir -p s/a/b; echo f >s/a/b/f; echo g >s/g'
	run user_ucp_with_umask 0300 -r s d
	expect_status 0
	expect_no_err
	has_mode 455 d/a d/a/b d
	has_mode 444 d/a/b/f d/g
	chmod -R u+rwx d
	same_tree s d --no-times --no-mode
}

once_merge_keeps_directory_mode() {
	mkdir -p s/sub d/s/sub
	echo f >s/sub/f
	chmod 755 s s/sub
	chmod 700 d/s
	chmod 1770 d/s/sub
	check ucp -r s d
	has_mode 700 d/s
	has_mode 1770 d/s/sub
}

once_merge_with_p_sets_directory_mode() {
	mkdir -p s/sub d/s/sub
	echo f >s/sub/f
	chmod 750 s
	chmod 555 s/sub
	chmod 700 d/s d/s/sub
	check ucp -rp s d
	has_mode 750 d/s
	has_mode 555 d/s/sub
	chmod u+w s/sub d/s/sub
}

once_set_group_id_is_inherited() {
	mkdir -p s/sub
	echo f >s/sub/f
	mkdir -m 2755 d
	check ucp -r s d
	has_mode 2755 d/s d/s/sub
	has_mode 644 d/s/sub/f
}

once_set_group_id_is_not_inherited_with_p() {
	mkdir -p s/sub
	echo f >s/sub/f
	mkdir -m 2755 d
	check ucp -rp s d
	has_mode 755 d/s d/s/sub
}

once_directory_under_no_preserve_keeps_set_group_id() {
	mkdir -p s/sub
	mkdir -m 2755 d
	check ucp -r --no-preserve=mode s d
	has_mode 2755 d/s d/s/sub
}

# --- others

once_fifo_modes() {
	mkdir s
	mkfifo -m 666 s/wide
	mkfifo -m 600 s/narrow
	check with_umask 027 ucp -r s d
	has_mode 640 d/wide
	has_mode 600 d/narrow
	check with_umask 027 ucp -a s e
	has_mode 666 e/wide
	has_mode 600 e/narrow
}

# Setting the owner clears the set-user-ID bit, as it does with cp; what sets the mode afterwards does not bring it back.
once_set_id_bits_of_special_files() {
	need root
	local mode option
	mkdir s
	for mode in 4644 2644 6755 7777; do
		mkfifo s/$mode
		chown 1000:1001 s/$mode
		chmod $mode s/$mode
	done
	for option in "-a --no-preserve=mode" "-r --preserve=ownership" "-r --preserve=ownership --no-preserve=mode" -a -rp \
		"-r --preserve=mode" -r; do
		rm -rf d c
		# shellcheck disable=SC2086 # an option is words
		check cp $option s c
		# shellcheck disable=SC2086
		check ucp $option s d
		for mode in 4644 2644 6755 7777; do
			has_mode "$(stat -c %a c/$mode)" d/$mode
		done
	done
}

# Nobody may look in before owner and mode are as they should be: the file is born narrow.
# only: release, debug
once_file_is_created_narrow_when_owner_is_kept() {
	need cmd strace
	echo secret >a
	chmod 666 a
	strace -f -qq -o "$CASE/trace" -e trace=openat,open,creat true 2>/dev/null || skip "strace does not work"
	# shellcheck disable=SC2086 # the flags are words
	run strace -f -qq -o "$CASE/trace" -e trace=openat,open,creat "$UCP" $UCP_FLAGS -p a b
	expect_status 0
	has_mode 666 b
	grep -q '"b".*O_CREAT' "$CASE/trace" || skip "the creation is not to be seen"
	grep -qE '"b".*O_CREAT.*, 0?[0-7]00\)' "$CASE/trace" ||
		fail "created too wide: $(grep '"b".*O_CREAT' "$CASE/trace")"
}
