# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# Files that somebody else holds a lease on (Samba and nfsd do): they are waited for, as cp does.
# modes: default sync tiny

# lease FILE…: hold them, until let_go.
lease() {
	rm -f "$CASE"/{held,asked,go}
	python3 "$TOOLS/lease.py" "$CASE" "$@" &
	holder=$!
	wait_for '[[ -e $CASE/held ]] || ! kill -0 $holder 2>/dev/null'
	[[ -e $CASE/held ]] || skip "needs leases here"
}

let_go() {
	: >"$CASE/go"
	wait "$holder"
}

two_sources() {
	mkdir s
	echo one >s/a
	echo two >s/b
	echo three >s/c
}

# copied_when_let_go FILES ARGS…: ucp waits for the lease on each of the FILES, and then copies.
copied_when_let_go() {
	local files=$1
	# shellcheck disable=SC2086 # names without blanks
	lease $files
	start_ucp "${@:2}"
	wait_for '[[ -e $CASE/asked ]]'
	check kill -0 "$pid"
	let_go
	finish_ucp
	expect_status 0
	expect_no_err
}

case_source_in_a_tree() {
	two_sources
	copied_when_let_go s/b -r s d
	check diff -r s d
}

case_all_sources_of_a_tree() {
	two_sources
	copied_when_let_go "s/a s/b s/c" -a s d
	check diff -r s d
}

case_source_as_operand() {
	two_sources
	copied_when_let_go s/b s/b d
	check cmp s/b d
	mkdir e
	copied_when_let_go s/a s/a s/b e
	check cmp s/a e/a
	check cmp s/b e/b
}

case_source_with_further_names() {
	two_sources
	ln s/a s/d
	copied_when_let_go s/a -a s d
	[[ d/a -ef d/d ]] || fail "the names are not links to one file"
	check diff -r s d
}

case_source_with_backups() {
	two_sources
	mkdir d
	echo old >d/a
	copied_when_let_go s/a -b s/a s/c d
	check cmp s/a d/a
	[[ $(<d/a~) == old ]] || fail "the backup is wrong"
}

once_source_in_other_ways() {
	local option
	two_sources
	for option in --atomic --resume --verify --checksums=sums --engine=sync -u; do
		rm -rf d
		copied_when_let_go s/a "$option" -r s d
		check diff -r s d
	done
}

case_destination() {
	two_sources
	mkdir d
	echo old >d/a
	copied_when_let_go d/a -r s/. d
	check diff -r s d
}

# All else is copied meanwhile.
once_others_do_not_wait() {
	two_sources
	lease s/a
	start_ucp -r -j1 s d
	wait_for '[[ -e $CASE/asked && -s d/b && -s d/c ]]'
	[[ ! -e d/a ]] || fail "what is waited for is there"
	let_go
	finish_ucp
	expect_status 0
	check diff -r s d
}

# The kernel takes a lease away only after 45 s.
# limit: 40
case_interrupted() {
	local source
	two_sources
	for source in s s/a; do
		lease s/a
		start_ucp -r "$source" d
		wait_for '[[ -e $CASE/asked ]]'
		kill -s INT "$pid"
		finish_ucp
		expect_status 130
		expect_no_err
		let_go
		rm -rf d
	done
}

# The sanitizers need /proc.
# only: release
once_without_proc() {
	need mounts
	two_sources
	lease s/b
	hiding /proc "$UCP" -r s d >"$OUT" 2>"$ERR" &
	pid=$!
	wait_for '[[ -e $CASE/asked ]]'
	let_go
	finish_ucp
	expect_status 0
	expect_no_err
	check diff -r s d
}
