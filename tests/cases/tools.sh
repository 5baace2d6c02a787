# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The tools that the other cases trust.
# only: release

once_cmptree_sees_each_difference() {
	python3 "$TOOLS/cmptree.py" --selftest >"$CASE/selftest" || fail "$(grep '^not ok' "$CASE/selftest")"
}

once_mktree_makes_the_same_again() {
	local options=()
	((EUID != 0)) || options=(--root-only-features)
	mkdir one two
	(cd one && make_tree --seed 9 "${options[@]}" s) || fail "mktree"
	(cd two && make_tree --seed 9 "${options[@]}" s) || fail "mktree"
	# Absolute links name the place of the tree.
	python3 "$TOOLS/cmptree.py" --holes one/s two/s | grep -v '^target: ' | grep -v ' differences$' >left
	[[ ! -s left ]] || fail "$(<left)"
}

once_mktree_makes_another_from_another_seed() {
	make_tree --seed 9 s
	make_tree --seed 10 t
	! python3 "$TOOLS/cmptree.py" s t >/dev/null || fail "the seed has no effect"
}

once_mktree_tree_has_everything() {
	make_tree --seed 11 s
	[[ -n $(find s -type p) ]] || fail "no fifo"
	[[ -n $(find s -type s) ]] || fail "no socket"
	[[ -n $(find s -type f -links +2) ]] || fail "no hard links"
	[[ -n $(find s -type l -links +1) ]] || fail "no hard link of a symlink"
	[[ -n $(find s -xtype l) ]] || fail "no dangling link"
	[[ -n $(find s -lname '/*') ]] || fail "no absolute link"
	[[ -n $(find s -name $'*\n*') ]] || fail "no newline in a name"
	[[ -n $(find s -name '-*') ]] || fail "no leading dash"
	[[ -n $(find s -perm -4000) ]] || fail "no set-user-id"
	[[ -n $(find s -type d -perm -1000) ]] || fail "no sticky directory"
	[[ -n $(find s -type d -empty) ]] || fail "no empty directory"
	[[ -n $(find s -type f -empty) ]] || fail "no empty file"
	[[ -n $(find s -not -newermt 1970-01-01) ]] || fail "nothing before 1970"
	[[ -n $(find s -newermt 2038-02-01) ]] || fail "nothing after 2038"
}
