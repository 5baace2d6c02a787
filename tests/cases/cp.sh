# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# ucp against the cp that is here: the same command lines on the same trees.

differ() {
	need cmd python3 cp
	local options=()
	[[ -z ${UCP_FLAGS:-} ]] || options=(--flags="$UCP_FLAGS")
	run python3 "$TOOLS/difftest.py" "$@" --cp="$(command -v cp)" --ucp="$UCP" "${options[@]}"
	tail -n 1 "$OUT"
	[[ $status == 0 ]] || fail "difftest.py $*: $(head -qc 20000 "$OUT" "$ERR")"
}

# limit: 300
# only: release
once_differential_scenarios() {
	differ scenarios --part="$PART/$PARTS"
}

# limit: 300
# only: release
once_differential_generated() {
	share 600
	differ generate --seed="$first" --count="$tries" --keep-going --minimize --unique
}

# limit: 3600
# only: release
long_differential_generated() {
	differ generate --seed=1000 --count=10000 --keep-going --minimize --unique
}
