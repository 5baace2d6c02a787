# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Names of any bytes, as operands, in trees, and in messages.
# only: release, asan

# A name is copied as an operand and inside a tree, and found again.
survives() {
	mkdir s d
	head -c 5000 /dev/urandom >"s/$1" || fail "cannot make it"
	run_ucp -- "s/$1" d
	expect_status 0
	check cmp -- "s/$1" "d/$1"
	check ucp -r s t
	same_tree s t --no-times
}

quoted() { # NAME QUOTED
	run_ucp -- "$1" d
	expect_status 1
	expect_err "ucp: cannot stat $2: No such file or directory"
}

# --- copying

once_name_of_255_bytes() {
	survives "$(printf 'n%.0s' {1..255})"
}

once_name_of_255_bytes_not_ascii() {
	survives "$(printf '\303\251%.0s' {1..127})x"
}

once_name_with_newline() {
	survives $'two\nlines\n'
}

once_name_with_spaces() {
	survives '  a  b  '
}

once_name_not_utf8() {
	survives $'\xff\xfe\x80'
}

once_name_with_quotes() {
	survives "it's \"quoted\" \`here\` \\ \$HOME"
}

once_name_with_leading_dash() {
	survives '-r'
}

once_name_like_a_long_option() {
	survives '--version'
}

once_name_with_format() {
	survives '%s%n%d%%'
}

once_name_of_dots() {
	survives '...'
}

once_names_after_double_dash() {
	echo dash >-v
	check ucp -- -v -d
	check cmp -- -v -d
}

once_dash_is_a_name() {
	echo dash >-
	check ucp - copy
	check cmp ./- copy
}

once_every_byte() {
	mkdir s
	python3 - <<-'END' || fail "cannot make the names"
		import os
		for b in range(1, 256):
		    if b != ord("/"):
		        for name in (b"x" + bytes([b]), bytes([b]) * 3):
		            with open(b"s/" + name, "wb") as f:
		                f.write(name)
	END
	run_ucp -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times
}

once_odd_directory_names() {
	mkdir -p s/$'a\nb'/'c  d'/$'\xff'/-r/"$(printf 'n%.0s' {1..255})"
	echo deep >"s/"$'a\nb'/'c  d'/$'\xff'/-r/"$(printf 'n%.0s' {1..255})"/f
	check ucp -r s d
	same_tree s d --no-times
}

# --- messages

once_quote_plain() {
	quoted nope "'nope'"
}

once_quote_space() {
	quoted 'no pe' "'no pe'"
}

once_quote_empty() {
	quoted '' "''"
}

once_quote_apostrophe() {
	quoted "it's" '"it'\''s"'
}

once_quote_double_quote() {
	quoted 'a"b' "'a\"b'"
}

once_quote_both_quotes() {
	quoted "a'\"b" "'a'\\''\"b'"
}

once_quote_newline() {
	quoted $'a\nb' "'a'\$'\\n''b'"
}

once_quote_tab() {
	quoted $'a\tb' "'a'\$'\\t''b'"
}

once_quote_escape() {
	quoted $'a\eb' "'a'\$'\\033''b'"
}

once_quote_leading_newline() {
	quoted $'\n' "''\$'\\n'"
}

once_quote_not_utf8() {
	quoted $'\xff' "''\$'\\377'"
}

once_quote_not_ascii_in_C() {
	quoted $'a\xc3\xa9' "'a'\$'\\303\\251'"
}

once_quote_utf8_in_utf8() {
	locale -a 2>/dev/null | grep -qi '^C\.utf-\?8$' || skip "needs the locale C.UTF-8"
	export LC_ALL=C.UTF-8
	quoted $'a\xc3\xa9' $'\'a\xc3\xa9\''
	quoted $'a\xc3' "'a'\$'\\303'"
}

once_quote_dollar_and_backslash() {
	quoted "a\$b\\c" "'a\$b\\c'"
}

# shellcheck disable=SC2088 # no expansion wanted
once_quote_harmless() {
	quoted '~' "'~'"
	quoted 'a!b' "'a!b'"
	quoted '#' "'#'"
	quoted 'a:b' "'a:b'"
	quoted '-x' "'-x'"
}

once_verbose_quotes_names() {
	mkdir d
	touch 'a b' "it's"
	run_ucp -v 'a b' d
	expect_out "'a b' -> 'd/a b'"
	run_ucp -v "it's" d
	expect_out "\"it's\" -> \"d/it's\""
}

once_name_too_long() {
	local name
	name=$(printf 'n%.0s' {1..256})
	run_ucp "$name" d
	expect_status 1
	expect_err "ucp: cannot stat '$name': File name too long"
	echo a >a
	run_ucp a "$name"
	expect_status 1
	expect_err "ucp: cannot stat '$name': File name too long"
}

# One bad name in the middle of a tree is told of in one whole line.
once_message_stays_one_line() {
	need user
	chmod 777 .
	mkdir s
	touch s/$'bad\nname' s/good
	chmod 0 s/$'bad\nname'
	run as_user ucp -r s d
	expect_status 1
	expect_err "ucp: cannot open 's/bad'\$'\\n''name' for reading: Permission denied"
}

# --- on a terminal no name is obeyed

# show_names NAME…: have ucp say these names in all ways there are.
show_names() {
	local name
	for name; do
		rm -rf s d
		mkdir -p "s/$name/$name" d
		echo a >"s/$name/$name/f$name"
		(cd "s/$name" && "$UCP" -r . ../../d/"$name")
		"$UCP" --parents -v "s/$name/$name/f$name" d
		"$UCP" -r --debug --checksums=- "s/$name" new
		"$UCP" -rT --dry-run "s/$name" d
		yes 2>/dev/null | "$UCP" -rTi "s/$name" "d/$name"
		"$UCP" -r "--exclude-from=$name" --files-from="$name" "$name" "no$name" d
		"$UCP" -j"$name" a d
		"$UCP" --bwlimit="@$name" a d
		"$UCP" -t "$name" a
		"$UCP" --backup="$name" a d
	done
}

# The terminal takes no control characters.
# (tests/fuzz gives this code to the sanitizers.)
# only: release, debug
once_names_do_not_control_the_terminal() {
	local locale names=($'s\e]0;PWN\a' $'\e[2Jx' $'a\rb' $'a\nb' $'a\nb\e[m' $'c1\302\233m' $'\233m' $'\302\220x' $'del\177')
	echo a >a
	export UCP
	for locale in C C.UTF-8; do
		run python3 "$TOOLS/terminal.py" --columns=1000 --set=TERM=xterm --set="LC_ALL=$locale" -- \
			bash -c "$(declare -f show_names); show_names \"\$@\"" - "${names[@]}"
		expect_no_err
		[[ $(grep -c '^\\\?[0-9a-f]\{32\}  ' "$OUT") == "${#names[@]}" ]] || fail "checksums are missing: $(_show "$OUT")"
		[[ $(grep -c "^ucp: overwrite 'd/" "$OUT") == "${#names[@]}" ]] || fail "questions are missing: $(_show "$OUT")"
	done
}

# Elsewhere it is as with cp.
once_names_are_not_changed_in_a_pipe() {
	local name=$'s\e]0;PWN\a\302\233 x'
	mkdir -p "$name" d
	echo a >"$name/f"
	run_ucp --parents -v "$name/f" d
	expect_status 0
	[[ $(head -n 1 "$OUT") == "$name -> d/$name" ]] || fail "$(_show "$OUT")"
	run_ucp --checksums=- "$name/f" d
	expect_status 0
	[[ $(<"$OUT") == *"  d/f" ]] || fail "$(_show "$OUT")"
	run_ucp --checksums=- "$name/f" "$name/g"
	[[ $(<"$OUT") == *"  $name/g" ]] || fail "$(_show "$OUT")"
}
