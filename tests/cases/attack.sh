# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# Another user owns a directory in one of the trees and changes names in it as fast as they can, while root copies.
# only: release, asan

# attacked SECONDS source|destination [VARIABLE=VALUE] OPTION…
attacked() {
	local variables=()
	need mounts
	need tool swapper
	need cmd setpriv
	mkdir arena
	if [[ $3 == *=* ]]; then
		variables=("$3")
		set -- "$1" "$2" "${@:4}"
	fi
	# shellcheck disable=SC2086 # the flags are words
	run hiding '' env "${variables[@]}" "$TOOLS/attack.sh" "$1" "$2" "$PWD/arena" "$UCP" $UCP_FLAGS "${@:3}"
	[[ $status != 77 ]] || skip "cannot make a place for attacks"
	[[ $status == 0 ]] || fail "status $status: $(head -n 60 "$OUT") $(head -n 60 "$ERR")"
	expect_no_out
}

once_attack_source() {
	attacked 2 source -a
}

once_attack_source_without_owners() {
	attacked 2 source ATTACK_FRESH=1 -r -j8
}

# The walk that adds up what there is goes the same ways.
once_attack_source_counted() {
	attacked 2 source -a --progress=plain
}

once_attack_source_beneath() {
	attacked 2 source -r --beneath
}

# What is a link by the time that its holes are looked for is not opened, not even to close it again.
# only: release
once_counted_file_is_exchanged_for_a_link() {
	need cmd strace
	need tool preload-exchange.so
	mkdir s d
	truncate -s 1M s/sparse victim
	ln -s ../victim s/link
	strace -f -qq -y -E LD_PRELOAD="${UCP%/*}/tools/preload-exchange.so" -E UCP_EXCHANGE="fstatat sparse s/sparse s/link" \
		-o "$CASE/trace" -e trace=openat "$UCP" -r --progress=plain s d 2>/dev/null
	[[ -L s/sparse ]] || fail "nothing was exchanged: it was not counted"
	! grep 'victim>' "$CASE/trace" || fail "it was opened"
}

# It is the attacker's in the source, too, and so stays theirs.
once_attack_destination() {
	attacked 2 destination ATTACK_OWNER=kept -a
}

once_attack_destination_taken() {
	attacked 2 destination -a
}

once_attack_destination_without_owners() {
	attacked 2 destination ATTACK_OWNER=kept -r -j8
}

once_attack_destination_beneath() {
	attacked 2 destination ATTACK_OWNER=kept -a --beneath
}

once_attack_destination_with_backups() {
	attacked 2 destination ATTACK_OWNER=kept -ab
}

once_attack_destination_with_force() {
	attacked 2 destination ATTACK_OWNER=kept -a --beneath -f
}

once_attack_destination_with_removal() {
	attacked 2 destination ATTACK_OWNER=kept -a --remove-destination
}

once_attack_destination_updated() {
	attacked 2 destination -a --update=differ --delete
}

once_attack_destination_atomic() {
	attacked 2 destination ATTACK_OWNER=kept -a --atomic
}

once_attack_destination_hidden() {
	attacked 2 destination ATTACK_OWNER=kept -a --atomic --x-inject=no-unnamed
}

once_attack_destination_resumed() {
	attacked 2 destination -a --resume -j8
}

# limit: 180
long_attack_source() {
	attacked 60 source -a
}

# limit: 180
long_attack_source_without_owners() {
	attacked 60 source ATTACK_FRESH=1 -r
}

# limit: 180
long_attack_destination() {
	attacked 60 destination ATTACK_OWNER=kept -a
}

# limit: 180
long_attack_destination_taken() {
	attacked 60 destination -a
}

# limit: 180
long_attack_destination_without_owners() {
	attacked 60 destination ATTACK_OWNER=kept -r -j8
}

# limit: 180
long_attack_destination_beneath() {
	attacked 60 destination ATTACK_OWNER=kept -a --beneath -j8
}

# limit: 180
long_attack_destination_atomic() {
	attacked 60 destination ATTACK_OWNER=kept -a --atomic
}

# limit: 180
long_attack_destination_hidden() {
	attacked 60 destination ATTACK_OWNER=kept -r --resume --x-inject=no-unnamed -j8
}
