# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# --atomic: a file appears under its name when it is whole, and what stood there stays till then.
# modes: default sync tiny

# A fifo holds ucp for as long as the test likes: descriptor 9 keeps it open.
open_fifo() {
	mkfifo p
	exec 9<>p
	printf 'the beginning\n' >&9
}

# The file that has no name yet, or the temporary one, as /proc shows it.
staged_file() {
	find "/proc/$pid/fd" -lname '*/#*(deleted)' -o -lname '*/.ucp-*' 2>/dev/null | head -n 1
}

# Copying from the fifo, with some of it written. ARGS are options.
start_held() {
	open_fifo
	start_ucp --atomic "$@" 9>&-
	wait_for '[[ -n $(staged_file) && -s $(staged_file) ]]'
}

let_go() {
	printf 'the end\n' >&9
	exec 9>&-
	finish_ucp
}

names() { # DIR: all that is in it, hidden or not
	find "$1" -mindepth 1 -printf '%P\n' | LC_ALL=C sort
}

expect_names() { # DIR NAME…
	[[ $(names "$1") == "$(printf '%s\n' "${@:2}")" ]] || fail "in $1 are: $(names "$1" | tr '\n' ' ')"
}

# --- a new name

# modes: all
case_new_file_appears_when_whole() {
	mkdir d
	start_held p d/new
	expect_names d
	let_go
	expect_status 0
	expect_no_err
	expect_names d new
	[[ $(<d/new) == $'the beginning\nthe end' ]] || fail "wrong content"
}

# modes: all
case_new_file_is_gone_after_sigkill() {
	mkdir d
	start_held p d/new
	kill -s KILL "$pid"
	finish_ucp
	expect_names d
}

case_hidden_file_goes_when_interrupted() {
	mkdir d
	start_held --x-inject=no-unnamed p d/new
	[[ $(names d) =~ ^\.ucp-[0-9a-f]{16}$ ]] || fail "in d are: $(names d)"
	kill -s INT "$pid"
	finish_ucp
	expect_status 130
	expect_names d
}

# A file of which reading fails in the middle: EISDIR is not to be had there, so the size limit of the shell does it.
once_failed_file_does_not_appear() {
	local option
	mkdir d
	head -c 300000 /dev/urandom >big
	for option in --debug --x-inject=no-unnamed; do
		(
			ulimit -f 100
			exec "$UCP" --atomic "$option" big d/new
		) >"$OUT" 2>"$ERR"
		status=$?
		expect_status 1
		expect_err "ucp: error writing 'd/new': File too large" "ucp: hint: a file may have at most 100 KiB (ulimit -f)"
		expect_names d
	done
}

case_tree() {
	local root=()
	((EUID != 0)) || root=(--root-only-features)
	make_tree --seed 21 "${root[@]}" s
	run_ucp -a --atomic -T s d
	expect_status 0
	expect_no_err
	same_tree s d --holes
	run_ucp -a --atomic -T s d
	expect_status 0
	same_tree s d --holes
}

case_tree_under_hidden_names() {
	make_tree --seed 22 s
	run_ucp -a --atomic --x-inject=no-unnamed -T s d
	expect_status 0
	expect_no_err
	same_tree s d --holes
	run_ucp -a --atomic --x-inject=no-unnamed -T s d
	expect_status 0
	same_tree s d --holes
}

once_tree_on_other_file_systems() {
	local type
	make_tree --seed 23 s
	head -c 3000000 /dev/urandom >s/random
	for type in xfs btrfs; do
		mount_image "$type" 310M "$type"
		run_ucp -a --atomic -T s "$type/d"
		expect_status 0
		same_tree s "$type/d" --no-xattr
		# and with shared blocks
		run_ucp -a --atomic -T "$type/d" "$type/e"
		expect_status 0
		same_tree "$type/d" "$type/e"
	done
	[[ $(filefrag -v btrfs/e/random 2>/dev/null) == *shared* ]] || ! command -v filefrag >/dev/null || fail "not cloned"
}

# Owner, attributes and times are set before the name is given.
# only: release
once_metadata_comes_before_the_name() {
	need cmd strace
	local last_meta first_name option
	echo a >a
	touch -d '2001-01-01' a
	for option in --no-preserve=xattr --x-inject=no-unnamed; do
		rm -f b
		strace -f -o trace -e trace=fchmod,fchown,utimensat,write,linkat,renameat2,rename,renameat \
			"$UCP" -p --atomic "$option" a b || fail "strace"
		last_meta=$(grep -nE 'fchmod|fchown|utimensat|write\([0-9]+, "a\\n"' trace | tail -n 1 | cut -d: -f1)
		first_name=$(grep -nE '(linkat|rename).*"b"' trace | head -n 1 | cut -d: -f1)
		((last_meta < first_name)) || fail "named before it was whole: $(<trace)"
	done
}

case_symlinks_and_nodes() {
	mkdir s
	ln -s somewhere s/link
	mkfifo -m 640 s/fifo
	touch -h -d '2001-01-01' s/link s/fifo
	run_ucp -a --atomic -T s d
	expect_status 0
	same_tree s d
	ln -sfn elsewhere s/link
	run_ucp -a --atomic -T s d
	expect_status 0
	same_tree s d
}

# What has its name is on its medium already, and the names are flushed after that.
# What has no name could never get one there.
# only: release
once_linking_refused() {
	local error
	need tool run-refused
	mkdir -p s/sub m
	echo new | tee s/new s/old >s/sub/f
	mount_tmpfs 16M m
	for error in EPERM ENOSYS EACCES; do
		rm -rf d m/*
		mkdir d
		echo old >d/old
		run "${UCP%/*}/tools/run-refused" linkat="$error" -- "$UCP" -aT --atomic s d
		[[ $status != 77 ]] || skip "needs seccomp"
		expect_status 0
		expect_no_err
		same_tree s d
		run "${UCP%/*}/tools/run-refused" linkat="$error" -- "$UCP" --move d m/moved
		expect_status 0
		expect_no_err
		same_tree s m/moved
		check_not test -e d
	done
}

# only: release
once_flushed_before_the_name() {
	need cmd strace
	local option last_flush name order
	mkdir s e
	echo a >s/a
	echo old >e/target
	for option in --no-preserve=xattr --x-inject=no-unnamed; do
		rm -rf d
		mkdir d
		ln -s ../e/target d/a
		strace -f -y -qq -o trace -e trace=fsync,syncfs,linkat,renameat2,rename,renameat \
			"$UCP" -rT --fsync --atomic "$option" s d || fail "strace"
		[[ $(<e/target) == a ]] || fail "not copied"
		order=$(sed -nE 's/^[0-9]+ +(fsync|syncfs)\([0-9]+<([^>]*)>.*/\1 \2/p; s/^[0-9]+ +(linkat.*\.ucp-|rename).*/name/p' trace |
			sed "s|$PWD/||; s|$PWD\$|.|; s|fsync e/.*|fsync file|" | uniq)
		[[ $order == $'fsync file\nname\nfsync e\nfsync d\nfsync .' ]] || fail "in this order: $order"
	done
}

once_flushed_each_with_few_descriptors() {
	local i dir=s
	for i in {1..80}; do
		mkdir -p "$dir"/{k,l,m} || fail "mkdir"
		echo "$i" | tee "$dir"/{f,k/f,m/f} >/dev/null
		dir+=/l
	done
	run limit_fds 64 ucp -r --fsync --atomic s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times
}

once_verified_before_the_name() {
	head -c 300000 /dev/urandom >a
	mkdir d
	echo old >d/f
	run_ucp --verify --atomic --x-inject=corrupt,seed=200000 a d/f
	expect_status 1
	expect_err "ucp: verification of 'd/f' failed: it differs from 'a' at offset 200000"
	expect_names d f
	[[ $(<d/f) == old ]] || fail "changed"
	for option in --no-preserve=xattr --x-inject=no-unnamed; do
		run_ucp --verify --atomic "$option" a d/f
		expect_status 0
		check cmp a d/f
		expect_names d f
	done
}

# A backup keeps its name, and nothing is made, when only told what would be done.
once_dry_run_changes_nothing() {
	mkdir d
	echo older >d/f~
	echo old >d/f
	echo new >a
	echo b >b
	run_ucp --dry-run --resume -b a d/f
	expect_status 0
	run_ucp --dry-run --resume -b a b d
	expect_status 0
	run_ucp -r --dry-run --resume --remove-destination d e
	expect_status 0
	expect_names d f f~
	[[ $(<d/f) == old && $(<d/f~) == older && ! -e e && ! -e .ucp-journal ]] || fail "changed"
}

# The times of a symbolic link are set before the name is given, too.
# only: release
once_metadata_of_a_link_comes_before_the_name() {
	need cmd strace
	ln -s nowhere a
	strace -f -o trace -e trace=symlinkat,utimensat,renameat2,rename,renameat "$UCP" -a --atomic a b || fail "strace"
	[[ $(grep -oE 'symlinkat|utimensat|rename[a-z0-9]*' trace | tr '\n' ' ') == 'symlinkat utimensat renameat2 ' ]] ||
		fail "wrong order: $(<trace)"
}

case_hard_links_of_sources() {
	mkdir s
	echo one >s/a
	ln s/a s/b
	ln s/a s/c
	run_ucp -a --atomic -T s d
	expect_status 0
	[[ $(stat -c %h d/a) == 3 ]] || fail "not linked"
	echo other >d/b.new && mv d/b.new d/b
	run_ucp -a --atomic -T s d
	expect_status 0
	same_tree s d
	[[ $(stat -c %h d/a) == 3 ]] || fail "not linked again"
}

once_links_in_place_of_copies() {
	mkdir d
	echo a >a
	echo old >d/hard
	echo old >d/soft
	run_ucp -l -f --atomic a d/hard
	expect_status 0
	[[ a -ef d/hard ]] || fail "no hard link"
	run_ucp -s -f --atomic "$PWD/a" d/soft
	expect_status 0
	[[ $(readlink d/soft) == "$PWD/a" ]] || fail "no symbolic link"
	expect_names d hard soft
}

# No name is too long for having a hidden one.
once_longest_name() {
	local name
	name=$(printf 'n%.0s' {1..255})
	echo old >"$name"
	echo new >a
	run_ucp --atomic --x-inject=no-unnamed a "$name"
	expect_status 0
	[[ $(<"$name") == new ]] || fail "not copied"
}

# Somebody makes the name meanwhile: cp's rules hold for that.
case_name_taken_meanwhile() {
	mkdir d
	start_held p d/new
	echo theirs >d/new
	let_go
	expect_status 0
	[[ $(<d/new) == $'the beginning\nthe end' ]] || fail "not replaced"
	expect_names d new
}

case_name_taken_meanwhile_and_left_alone() {
	mkdir d
	start_held -n p d/new
	echo theirs >d/new
	let_go
	expect_status 0
	[[ $(<d/new) == theirs ]] || fail "replaced"
	expect_names d new
}

# --- what stood there

case_old_file_stays_till_then() {
	mkdir d
	echo old >d/f
	start_held p d/f
	[[ $(<d/f) == old ]] || fail "gone too early"
	expect_names d f
	let_go
	expect_status 0
	[[ $(<d/f) == $'the beginning\nthe end' ]] || fail "not replaced"
	expect_names d f
}

# modes: all
case_old_file_survives() { # any end of ucp
	local signal
	mkdir d
	echo old >d/f
	touch -d '2001-01-01' d/f
	stat -c '%i %h %s %a %y %z' d/f >"$CASE/before"
	for signal in KILL INT; do
		rm -f p
		start_held p d/f
		kill -s "$signal" "$pid"
		finish_ucp
		[[ $(<d/f) == old ]] || fail "changed"
		stat -c '%i %h %s %a %y %z' d/f | diff - "$CASE/before" || fail "touched"
		expect_names d f
	done
}

# A killed run may leave a temporary name: the next one that makes the file takes it away.
case_left_hidden_name_goes() {
	mkdir d
	start_held --x-inject=no-unnamed p d/f
	kill -s KILL "$pid"
	finish_ucp
	[[ $(names d) =~ ^\.ucp-[0-9a-f]{16}$ ]] || fail "in d are: $(names d)"
	echo new >a
	run_ucp --atomic --x-inject=no-unnamed a d/f
	expect_status 0
	expect_names d f
	mv d/f "d/$(mktemp -u .XXXXXX)"
}

# Left by one, met by one that needs it for a moment only.
case_left_hidden_name_goes_when_replacing() {
	local hidden
	mkdir d
	echo old >d/f
	start_held --x-inject=no-unnamed p d/f
	hidden=$(names d | grep ucp)
	kill -s KILL "$pid"
	finish_ucp
	[[ -e d/$hidden ]] || fail "nothing was left"
	echo new >a
	run_ucp --atomic a d/f
	expect_status 0
	expect_names d f
	[[ $(<d/f) == new ]] || fail "not replaced"
}

# Others can plant temporary names and lock them: one is waited for, but not each.
# only: release
once_locked_hidden_names_are_not_waited_for_each() {
	local i option hidden=()
	need cmd strace xxhsum
	strace -f -qq -o "$CASE/probe" true 2>/dev/null || skip "strace does not work"
	mkdir s d
	for i in {1..10}; do
		echo "new $i" >"s/f$i"
		hidden+=("d/.ucp-$(printf 'f%s' "$i" | xxhsum -H3 - | grep -o '[0-9a-f]\{16\}')")
		hidden+=("d/.ucp-$(printf 'f%s~' "$i" | xxhsum -H3 - | grep -o '[0-9a-f]\{16\}')")
	done
	for option in -r -rb '-r --x-inject=no-unnamed'; do
		rm -rf d
		mkdir d
		for i in {1..10}; do
			echo old | tee "d/f$i" >"d/f$i~"
		done
		touch "${hidden[@]}"
		python3 -c '
import fcntl, signal, sys
held = [open(path, "a") for path in sys.argv[2:]]
[fcntl.flock(file, fcntl.LOCK_EX) for file in held]
open(sys.argv[1], "w").close()
signal.pause()' "$CASE/locked" d/.ucp-* &
		wait_for '[[ -e $CASE/locked ]]'
		# shellcheck disable=SC2086 # several options
		strace -f -qq -o trace -e trace=flock "$UCP" -j1 --atomic $option -T s d || fail "$option: ucp"
		kill %%
		rm "$CASE/locked"
		(($(grep -c EAGAIN trace) < 1000)) || fail "$option: $(grep -c EAGAIN trace) times a lock was waited for"
		for i in {1..10}; do
			check cmp "s/f$i" "d/f$i"
		done
		(($(find d -name '.ucp-*' | wc -l) == 20)) || fail "$option: in d are: $(names d)"
	done
}

# Where names cannot be taken away again none is hidden.
once_append_only_directory() {
	local option
	need root
	need cmd chattr
	mkdir s d
	echo f >s/f
	ln -s f s/link
	mkfifo s/fifo
	ln s/f s/g
	trap 'chattr -a d' EXIT
	for option in -r -a '-a -j1'; do
		chattr -a d
		rm -rf d
		mkdir d
		chattr +a d 2>/dev/null || skip "needs append-only directories"
		# shellcheck disable=SC2086 # several options
		run_ucp --atomic $option s/. d
		[[ $option == -r ]] || sed -i "/^ucp: .*for 'd\/\.'/d" "$ERR"
		expect_no_err
		expect_names d f fifo g link
		check cmp s/f d/f
		[[ $option == -r || d/f -ef d/g ]] || fail "$option: the names are not links to one file"
	done
	run_ucp -rf --atomic --no-target-directory s d
	expect_status 1
	sort "$ERR" | diff - <(cat <<-EOF
		ucp: cannot create fifo 'd/fifo': Operation not permitted
		ucp: cannot create regular file 'd/f': Operation not permitted
		ucp: cannot create regular file 'd/g': Operation not permitted
		ucp: cannot create symbolic link 'd/link': Operation not permitted
	EOF
	) || fail "stderr"
	expect_names d f fifo g link
	echo h >s/h
	run_ucp --atomic --x-inject=no-unnamed s/h d
	expect_status 1
	expect_err "ucp: cannot create regular file 'd/h': Operation not permitted"
	expect_names d f fifo g link
	chattr -a d
}

# What another ucp is writing is not what one has left.
case_hidden_name_in_use_stays() {
	mkdir d
	start_held --x-inject=no-unnamed p d/f
	echo new >a
	run_ucp --atomic --x-inject=no-unnamed a d/f
	expect_status 0
	[[ $(<d/f) == new ]] || fail "not copied"
	let_go
	expect_status 0
	[[ $(<d/f) == $'the beginning\nthe end' ]] || fail "not replaced"
	expect_names d f
}

# A source that has the very name which another one would be hidden under.
case_hidden_name_among_the_sources() {
	local hidden
	mkdir d s
	start_held --x-inject=no-unnamed p d/f
	hidden=$(names d)
	kill -s KILL "$pid"
	finish_ucp
	rm -r d
	echo f >s/f
	echo hidden >"s/$hidden"
	run_ucp -r --atomic -T s d
	expect_status 0
	same_tree s d --no-times
	run_ucp -r --atomic --x-inject=no-unnamed -T s d
	expect_status 0
	same_tree s d --no-times
	run_ucp --atomic --x-inject=no-unnamed s/f "s/$hidden" d
	expect_status 0
	same_tree s d --no-times
}

case_mode_and_attributes_of_the_old_file() {
	need cmd setfattr setfacl
	echo old >f
	chmod 640 f
	setfattr -n user.note -v kept f 2>/dev/null || skip "no attributes here"
	setfacl -m u:1:r f || skip "no ACLs here"
	[[ $EUID != 0 ]] || chown 12:34 f
	echo new >a
	getfacl f >"$CASE/acl"
	run_ucp --atomic a f
	expect_status 0
	expect_no_err
	[[ $(<f) == new ]] || fail "not replaced"
	getfacl f | diff - "$CASE/acl" || fail "another ACL"
	[[ $(getfattr --only-values -n user.note f) == kept ]] || fail "attribute lost"
	[[ $EUID != 0 || $(stat -c %u:%g f) == 12:34 ]] || fail "another owner"
}

# A default ACL of the directory is for new files, not for what is replaced.
case_old_file_gets_no_default_acl() {
	need cmd setfacl
	mkdir d
	echo old >d/f
	chmod 604 d/f
	setfacl -d -m u:1:rwx d || skip "no ACLs here"
	echo new >a
	run_ucp --atomic a d/f
	expect_status 0
	[[ $(getfacl -c d/f) == $'user::rw-\ngroup::---\nother::r--' ]] || fail "it has: $(getfacl -c d/f)"
}

once_set_id_bits_as_writing_leaves_them() {
	need root
	local user
	chmod 777 .
	echo new >a
	for user in '' as_user; do
		rm -f f g
		echo old | $user tee f >g
		$user chmod 6755 f
		[[ -n $user ]] || chmod 6755 f
		cp -p f g
		[[ -z $user ]] || chown "$USER_ID:$USER_ID" g
		[[ -z $user ]] || chmod 6755 g
		$user "$UCP" --atomic a f || fail "ucp"
		$user cp a g || fail "cp"
		[[ $(stat -c %a f) == "$(stat -c %a g)" ]] || fail "as ${user:-root}: $(stat -c '%a %n' f g)"
	done
}

once_capabilities_do_not_pass_to_new_content() {
	need root
	need cmd setcap
	cp /bin/true f
	setcap cap_net_raw+ep f || skip "no capabilities here"
	echo new >a
	run_ucp --atomic a f
	expect_status 0
	[[ -z $(getcap f) ]] || fail "still capable: $(getcap f)"
}

once_preserve_comes_after_what_the_old_file_had() {
	need root
	echo old >f
	chmod 666 f
	chown 12:34 f
	echo new >a
	chmod 751 a
	chown 56:78 a
	touch -d '2001-01-01' a
	run_ucp -p --atomic a f
	expect_status 0
	[[ $(stat -c '%a %u:%g %Y' f) == "$(stat -c '%a %u:%g %Y' a)" ]] || fail "$(stat -c '%a %u:%g %Y' f)"
}

# The group of the old file is one the user is not in: who was not let in is not let in now.
once_foreign_group_does_not_widen() {
	need root
	chmod 777 .
	mkdir -m 777 d
	echo old >d/f
	chown "$USER_ID:1" d/f
	chmod 660 d/f
	echo new >a
	run as_user ucp --atomic a d/f
	expect_status 0
	[[ $(stat -c '%a %u:%g' d/f) == "600 $USER_ID:$USER_ID" ]] || fail "$(stat -c '%a %u:%g' d/f)"
}

# --- cp's rules

case_interactive_and_no_clobber() {
	echo old >f
	echo new >a
	run_ucp -n --atomic a f
	expect_status 0
	[[ $(<f) == old ]] || fail "replaced"
	echo n | run_ucp -i --atomic a f
	[[ $(<f) == old ]] || fail "replaced against the answer"
	touch -d '2001-01-01' a
	run_ucp -u --atomic a f
	expect_status 0
	[[ $(<f) == old ]] || fail "replaced by an older one"
	run_ucp --update=none-fail --atomic a f
	expect_status 1
	expect_err "ucp: not replacing 'f'"
}

case_unwritable_file_needs_force() {
	need user
	chmod 777 .
	mkdir -m 777 d
	echo old >d/f
	chmod 444 d/f
	[[ $EUID != 0 ]] || chown "$USER_ID" d/f
	echo new >a
	run as_user ucp --atomic a d/f
	expect_status 1
	expect_err "ucp: cannot create regular file 'd/f': Permission denied"
	[[ $(<d/f) == old ]] || fail "replaced"
	run as_user ucp -f -v --atomic a d/f
	expect_status 0
	expect_out "'a' -> 'd/f'" "removed 'd/f'"
	[[ $(<d/f) == new ]] || fail "not replaced"
}

# Where nothing can be made beside it, it cannot be replaced.
# Nor does --remove-destination cost what cannot be replaced.
case_unreadable_source_keeps_the_old_file() {
	need user
	chmod 777 .
	mkdir -m 777 d
	echo old >d/f
	echo new >a
	chmod 0 a
	run as_user ucp --remove-destination --atomic a d/f
	expect_status 1
	expect_err "ucp: cannot open 'a' for reading: Permission denied"
	[[ $(<d/f) == old ]] || fail "gone"
	expect_names d f
	chmod 600 a
}

once_unwritable_directory() {
	need user
	mkdir d
	echo old >d/f
	chmod 666 d/f
	echo new >a
	[[ $EUID == 0 ]] || chmod 555 d
	run as_user ucp --atomic a d/f
	expect_status 1
	expect_err "ucp: cannot create regular file 'd/f': Permission denied"
	[[ $(<d/f) == old ]] || fail "changed"
	chmod 755 d
}

case_running_program() {
	cp "$(command -v sleep)" f
	./f 600 &
	local running=$!
	echo new >a
	run_ucp --atomic a f
	kill "$running"
	expect_status 0
	[[ $(<f) == new ]] || fail "not replaced"
}

case_backup_is_a_second_name() {
	mkdir d
	echo older >d/f~
	echo old >d/f
	start_held -b p d/f
	[[ $(<d/f) == old && $(<d/f~) == old ]] || fail "there is a moment without the old file"
	let_go
	expect_status 0
	[[ $(<d/f) == $'the beginning\nthe end' && $(<d/f~) == old ]] || fail "wrong content"
	expect_names d f f~
}

case_backup_is_undone() {
	mkdir d
	echo old >d/f
	start_held --backup=numbered p d/f
	expect_names d f f.~1~
	kill -s INT "$pid"
	finish_ucp
	expect_status 130
	expect_names d f
	[[ $(<d/f) == old ]] || fail "changed"
	[[ $(stat -c %h d/f) == 1 ]] || fail "another name is left"
}

# What others put in the place of either name stays, and nothing is lost.
case_backup_is_undone_only_where_it_is_one() {
	local option
	for option in -b --backup=numbered; do
		rm -rf d
		mkdir d
		echo old >d/f
		start_held $option p d/f
		echo other >other
		mv other d/f
		kill -s INT "$pid"
		finish_ucp
		expect_status 130
		expect_err "ucp: cannot un-backup 'd/f': File exists"
		[[ $(<d/f) == other ]] || fail "$option: what was put there is gone"
		[[ $(cat d/f?*) == old ]] || fail "$option: the old file is lost: $(ls -A d)"
		rm -rf d
		mkdir d
		echo old >d/f
		start_held $option p d/f
		echo other >other
		mv other d/f?*
		kill -s INT "$pid"
		finish_ucp
		expect_status 130
		[[ $(<d/f) == old ]] || fail "$option: the old file is lost"
		[[ $(cat d/f?*) == other ]] || fail "$option: what was put in the place of the backup is gone: $(ls -A d)"
	done
}

# The source is the destination, by a link: it is there to be read till the end.
case_backup_of_the_source() {
	mkdir e
	echo x >f
	ln -s ../f e/e
	run_ucp -b --atomic e/e e
	expect_status 0
	expect_no_err
	[[ -L e/e~ && ! -L e/e && $(<e/e) == x ]] || fail "in e: $(ls -l e)"
	rm e/e~
	run_ucp -b --atomic e/e e
	expect_status 1
	expect_err "ucp: 'e/e' and 'e/e' are the same file"
	expect_names e e
}

case_numbered_backups() {
	local i
	mkdir d
	for i in 1 2 3; do
		echo "$i" >a
		run_ucp --backup=numbered -v --atomic a d/f
		expect_status 0
	done
	expect_out "'a' -> 'd/f' (backup: 'd/f.~2~')"
	[[ $(cat d/f d/f.~1~ d/f.~2~) == $'3\n1\n2' ]] || fail "wrong content"
	expect_names d f f.~1~ f.~2~
}

case_backup_of_links_and_linked_files() {
	mkdir s d
	echo one >s/a
	ln s/a s/b
	ln -s there s/l
	cp -a s/. d
	ln -sfn elsewhere s/l
	run_ucp -a -b --atomic -T s d
	expect_status 0
	expect_names d a a~ b b~ l l~
	[[ $(readlink d/l) == elsewhere && $(readlink d/l~) == there ]] || fail "wrong links"
	[[ d/a -ef d/b && ! d/a -ef d/a~ ]] || fail "wrong files"
	[[ $(<d/a~) == one && $(<d/b~) == one ]] || fail "wrong content"
}

case_remove_destination() {
	mkdir d
	echo old >d/f
	start_held --remove-destination p d/f
	[[ $(<d/f) == old ]] || fail "removed too early"
	let_go
	expect_status 0
	[[ $(<d/f) == $'the beginning\nthe end' ]] || fail "not replaced"
	expect_names d f
}

# Other names of the old file keep what it was.
case_hard_linked_destination() {
	echo old >f
	ln f g
	echo new >a
	run_ucp --atomic a f
	expect_status 0
	[[ $(<f) == new && $(<g) == old ]] || fail "wrong content"
}

# A link is followed, as by cp: what it leads to is replaced, in its own directory.
case_symlink_at_the_destination() {
	mkdir d e
	echo old >e/target
	ln -s ../e/second d/f
	ln -s "$PWD/e/target" e/second
	start_held p d/f
	[[ $(<e/target) == old ]] || fail "changed too early"
	let_go
	expect_status 0
	[[ -L d/f && -L e/second && ! -L e/target ]] || fail "a link was replaced"
	[[ $(<e/target) == $'the beginning\nthe end' ]] || fail "not replaced"
	expect_names d f
	expect_names e second target
}

# Where the link leads is settled when the file is begun.
case_symlink_that_changes_meanwhile() {
	local option
	mkdir -p s d e1 e2
	for option in --atomic --x-inject=no-unnamed; do
		rm -f p s/f
		echo old1 >e1/f
		echo old2 >e2/f
		ln -sfn ../e1/f d/f
		open_fifo
		mv p s/f
		start_ucp -rLT --copy-contents --atomic "$option" s d 9>&-
		wait_for '[[ -n $(staged_file) && -s $(staged_file) ]]'
		ln -sfn ../e2/f d/f
		let_go
		expect_status 1
		set --
		[[ $option == --atomic ]] || set -- "ucp: cannot remove what was begun of 'd/f': Stale file handle"
		expect_err "$@" "ucp: cannot create regular file 'd/f': Stale file handle"
		[[ $(<e1/f) == old1 && $(<e2/f) == old2 ]] || fail "replaced"
		expect_names e2 f
	done
}

case_dangling_symlink() {
	echo new >a
	ln -s nowhere f
	run_ucp --atomic a f
	expect_status 1
	expect_err "ucp: not writing through dangling symlink 'f'"
	POSIXLY_CORRECT=1 run_ucp --atomic a f
	expect_status 0
	[[ -L f && $(<nowhere) == new ]] || fail "not made where the link leads"
}

# Devices and fifos are written into: they are never replaced.
case_special_destinations() {
	echo new >a
	run_ucp --atomic a /dev/null
	expect_status 0
	[[ -c /dev/null ]] || fail "/dev/null was replaced"
	mkfifo q
	within 20 cat q >got &
	run_ucp --atomic a q
	expect_status 0
	wait
	[[ -p q && $(<got) == new ]] || fail "not written into"
}

case_attributes_only() {
	echo data >f
	echo new >a
	chmod 751 a
	run_ucp --attributes-only --preserve=mode --atomic a f
	expect_status 0
	[[ $(<f) == data && $(stat -c %a f) == 751 ]] || fail "wrong: $(stat -c %a f)"
	run_ucp --attributes-only --atomic a g
	expect_status 0
	[[ -e g && ! -s g ]] || fail "not made"
}

once_abbreviations() {
	echo new >a
	run_ucp --at a b # --attributes-only
	expect_status 0
	[[ -e b && ! -s b ]] || fail "--at is something else now"
	run_ucp --ato a c
	expect_status 0
	check cmp a c
}

# NFS would give a file that is open another name, and take that away too late for the times of its directory.
# only: release, debug
once_hidden_name_goes_after_the_close() {
	local name option
	need cmd strace
	mkdir -p s/sub d
	echo a >s/a
	echo b >s/sub/b
	head -c 5000000 /dev/urandom >s/big
	touch -d 2001-02-03 s s/sub
	for option in --atomic --resume; do
		rm -rf d
		# shellcheck disable=SC2086 # the flags are words
		run strace -f -qq -y -o "$CASE/trace" -e signal=none -e trace=close,linkat,unlinkat,renameat2 \
			-e inject=renameat2:error=EINVAL "$UCP" $UCP_FLAGS -a "$option" --x-inject=no-unnamed s d
		grep -q INJECTED "$CASE/trace" || skip "strace does not work"
		expect_status 0
		expect_no_err
		same_tree s d
		grep -oE 'linkat.*\.ucp-[0-9a-f]{16}' "$CASE/trace" | grep -oE '\.ucp-[0-9a-f]{16}' >"$CASE/names"
		(($(wc -l <"$CASE/names") >= 1)) || fail "nothing had a temporary name"
		while read -r name; do
			grep -E "(close\\(|unlinkat\\().*$name" "$CASE/trace" | tail -n 1 | grep -q unlinkat \
				|| fail "$name was open still: $(grep "$name" "$CASE/trace")"
		done <"$CASE/names"
	done
}
