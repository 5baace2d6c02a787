# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# Trees made from a seed, with everything in them, compared by two others than ucp.

flags=()
((EUID != 0)) || flags=(--root-only-features)

archive() { # SEED FILES
	make_tree --seed "$1" --files "$2" "${flags[@]}" s
	run_ucp -a s d
	expect_status 0
	expect_no_err
	same_tree s d --holes
	rsync_finds_nothing s d
}

rsync_finds_nothing() { # A B
	command -v rsync >/dev/null || return 0
	local options=-aHAX
	((EUID == 0)) || options=-aHA
	rsync "${options}n" --delete --checksum --itemize-changes "$1/" "$2/" >"$CASE/rsync" 2>&1 ||
		fail "rsync failed: $(head "$CASE/rsync")"
	[[ ! -s $CASE/rsync ]] || fail "rsync would change: $(head "$CASE/rsync" | cat -v)"
}

case_archive_seed_1() {
	archive 1 120
}

case_archive_seed_2() {
	archive 2 300
}

archive_seeds() { # SEED…
	local seed
	for seed; do
		archive "$seed" 150
		rm -rf s d
	done
}

# limit: 120
# only: release
once_archive_more_seeds() {
	archive_seeds {100..102}
}

# limit: 900
# only: release
long_archive_many_seeds() {
	archive_seeds {103..150}
}

case_recursive_seed_3() {
	make_tree --seed 3 --files 150 "${flags[@]}" s
	run_ucp -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times --no-owner --no-xattr --no-links --no-mode
}

case_archive_onto_itself_again() {
	make_tree --seed 4 --files 120 "${flags[@]}" s
	check ucp -aT s d
	run_ucp -aT s d
	expect_status 0
	expect_no_err
	same_tree s d
}

case_archive_with_each_sparse_mode() {
	make_tree --seed 7 --files 100 "${flags[@]}" s
	check ucp -a --sparse=always s d
	same_tree s d --holes
	check ucp -a --sparse=never s e
	same_tree s e
}

case_archive_as_user() {
	need user
	chmod 777 .
	run as_user python3 "$TOOLS/mktree.py" --seed 8 --files 120 s
	[[ $status == 0 ]] || skip "an ordinary user cannot run it: $(head "$ERR")"
	run as_user ucp -a s d
	expect_status 0
	expect_no_err
	same_tree s d
}
