# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# ucp is killed at many moments, and what is left is looked at: tests/tools/crash.py.

crash() { # ARGS…
	need cmd python3
	mkdir crash
	run python3 "$TOOLS/crash.py" --ucp="$UCP" --flags="$UCP_FLAGS" "$@" crash
	cat "$OUT" "$ERR"
	[[ $status == 0 ]] || fail "crash.py $*: $(head -qc 3000 "$OUT" "$ERR")"
}

# limit: 240
# only: release
once_crash_points() {
	share 12
	crash --count="$tries" --seed="$first" --big=12000000 --files=40
}

# limit: 1800
# only: release
long_crash_points() {
	crash --count=500 --big=30000000 --seed=1000
}
