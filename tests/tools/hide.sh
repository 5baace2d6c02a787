#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a command where these directories are empty, which nobody else sees. To be run in a mount namespace of its own, by
# hiding() of tests/lib.sh:
#
#   hide.sh "DIRECTORY..." COMMAND ARGUMENT...
#
# 77: it cannot be done here.
set -u

# In a chroot / may be no mount point, which cannot be made private: bind it, and go there.
if ! mount --make-rprivate / 2>/dev/null; then
	[[ -n ${UCP_HIDE_PLACE-} ]] && exit 77
	while read -r _ point _; do
		mount --make-private "$(printf '%b' "$point")" || exit 77
	done </proc/self/mounts
	export UCP_HIDE_PLACE=$UCP_TEST_CASE/root
	mkdir -p "$UCP_HIDE_PLACE" && mount --rbind / "$UCP_HIDE_PLACE" || exit 77
	exec chroot "$UCP_HIDE_PLACE" env --chdir="$PWD" "$0" "$@"
fi

for directory in $1; do
	mount -t tmpfs ucp-test "$directory" || exit 77
done
unset UCP_HIDE_PLACE
exec "${@:2}"
