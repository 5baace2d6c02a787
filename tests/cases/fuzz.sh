# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# What `make fuzz` has found worth keeping is tried each time, in every profile.

once_fuzz_corpora() {
	local target inputs
	[[ -d ${UCP%/*}/fuzz ]] || skip "needs the fuzz targets (make units)"
	for target in "${UCP%/*}"/fuzz/*; do
		mapfile -d '' -t inputs < <(find "$TESTS/fuzz/corpus/${target##*/}" -type f -print0)
		run "$target" "${inputs[@]}"
		expect_status 0
		expect_no_err
		expect_out "${#inputs[@]} inputs"
	done
}
