# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# The power of the disk fails while ucp copies onto it, and what is there afterwards is looked at: tests/tools/powercut.py.

power_fails() { # SEED COUNT
	need cmd python3 mkfs.ext4 mkfs.xfs mkfs.btrfs losetup
	need loop
	need fuse
	need mounts
	mkdir power
	run unshare --mount python3 "$TOOLS/powercut.py" --ucp="$UCP" --faultfs="${UCP%/*}/tools/faultfs" --seed="$1" --count="$2" power
	cat "$OUT" "$ERR"
	[[ $status == 0 ]] || fail "powercut.py: $(head -qc 3000 "$OUT" "$ERR")"
}

# limit: 240
# only: release
once_power_fails() {
	share 9
	power_fails "$first" "$tries"
}

# limit: 3600
# only: release
long_power_fails() {
	power_fails 1000 300
}
