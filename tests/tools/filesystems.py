#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Copies with cp and with ucp onto one file system after the other, and prints what each keeps, in Markdown.

  filesystems.py [--cp=PATH] [--ucp=PATH] [--list] [NAME]...

Each file system is made in an image in $TMPDIR and mounted in a mount namespace of its own; what this kernel or machine
lacks is left out and named. As root, best in a guest of vm-run, as few kernels know all of them. For each:

- one thing of each kind is copied there with `-a` by both programs, from a file system that keeps all of it. A row says
  what the copy of ucp has: "yes"; "no" if an error said so; "quietly" if it was lost without a word. A cell ends in
  "(cp: ...)" if cp differs.
- a tree is copied with ucp's ways (--atomic, --resume, --verify, --fsync, -u ...) and has the same content then.
- a tree that has no room there fails, and nothing of it passes for whole.

The exit status is 1 if data was wrong, or if ucp lost quietly what cp did not.
"""

import argparse
import filecmp
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile

MIB = 1 << 20
LONG_AGO = 981_173_107_123_456_789
ENV = dict(os.environ, LC_ALL="C", TZ="UTC")


class Missing(Exception):
    """What this machine lacks."""


def shell(script, **more):
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, env=dict(ENV, **more), check=False)
    if done.returncode:
        raise Missing((done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}").splitlines()[-1])


# name -> how it comes to be at $m, with an image of $size bytes at $i and a directory $w of its own beside it
MADE = {
    "ext4": 'mkfs.ext4 -q "$i"; mount -o loop "$i" "$m"',
    "ext4, folding names": 'mkfs.ext4 -q -O casefold -E encoding=utf8 "$i"; mount -o loop "$i" "$m"; '
                           'mkdir "$w/m"; chattr +F "$m/cp" "$m/ucp" 2>/dev/null || { mkdir "$m/cp" "$m/ucp"; chattr +F "$m/cp" "$m/ucp"; }',
    "xfs": 'mkfs.xfs -q "$i"; mount -o loop "$i" "$m"',
    "btrfs": 'mkfs.btrfs -q "$i"; mount -o loop "$i" "$m"',
    "f2fs": 'mkfs.f2fs -q "$i"; mount -o loop "$i" "$m"',
    "tmpfs": 'mount -t tmpfs -o size="$size" tmpfs "$m"',
    "overlayfs": 'mkfs.ext4 -q "$i"; mount -o loop "$i" "$w"; mkdir "$w/lower" "$w/upper" "$w/work"; '
                 'mount -t overlay -o lowerdir="$w/lower,upperdir=$w/upper,workdir=$w/work" overlay "$m"',
    "vfat": 'mkfs.vfat "$i"; mount -o loop,utf8 "$i" "$m"',
    "exfat": 'mkfs.exfat -q "$i"; mount -o loop "$i" "$m"',
    "ntfs3": 'mkntfs -q -F -Q "$i"; mount -t ntfs3 -o loop "$i" "$m"',
    "NFS 3": "vers=3",
    "NFS 4.2": "vers=4.2",
    "SMB": "smb",
}

NFS = """
mkfs.ext4 -q "$i"; mount -o loop "$i" "$w"; chmod 755 "$w"
mkdir -p /run/rpcbind /var/lib/nfs /run/sendsigs.omit.d; mount -t nfsd nfsd /proc/fs/nfsd 2>/dev/null || true
modprobe nfsd 2>/dev/null || true; mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
pgrep -x rpcbind >/dev/null || rpcbind
exportfs -o rw,no_root_squash,insecure,no_subtree_check,fsid=77 "127.0.0.1:$w"
pgrep -x rpc.mountd >/dev/null || rpc.mountd
[[ $(cat /proc/fs/nfsd/threads) != 0 ]] || rpc.nfsd 4
mount -t nfs -o "$vers",nolock,addr=127.0.0.1 "127.0.0.1:$w" "$m"
"""

SMB = """
mkfs.ext4 -q "$i"; mount -o loop "$i" "$w"; chmod 777 "$w"
mkdir -p "$w.smb/private" /run/samba; cat >"$w.smb/conf" <<END
[global]
interfaces = lo
bind interfaces only = yes
private dir = $w.smb/private
lock directory = $w.smb
state directory = $w.smb
cache directory = $w.smb
pid directory = $w.smb
log file = $w.smb/log
server min protocol = SMB3
ea support = yes
store dos attributes = no
disable spoolss = yes
[s]
path = $w
read only = no
force user = root
END
smbd -s "$w.smb/conf" -D; printf 'x\\nx\\n' | smbpasswd -c "$w.smb/conf" -a -s root
for try in {1..50}; do
    mount -t cifs -o username=root,password=x,vers=3.1.1,mfsymlinks //127.0.0.1/s "$m" 2>"$w.smb/error" && break; sleep 0.2
done
mountpoint -q "$m" || { cat "$w.smb/error"; exit 1; }
"""


def acl(entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


ACL = acl([(1, 6, 0xffffffff), (2, 4, 77), (4, 4, 0xffffffff), (16, 4, 0xffffffff), (32, 0, 0xffffffff)])


def write(path, data=b"text\n"):
    with open(path, "wb") as file:
        file.write(data)


# --- things: how each is made below a directory, and whether a copy of that directory has it


def make_mode(top):
    write(f"{top}/f")
    os.chmod(f"{top}/f", 0o640)


def make_owner(top):
    write(f"{top}/f")
    os.chown(f"{top}/f", 1234, 2345)


def make_time(top):
    write(f"{top}/f")
    os.utime(f"{top}/f", ns=(LONG_AGO, LONG_AGO))


def make_links(top):
    write(f"{top}/f")
    os.link(f"{top}/f", f"{top}/g")


def make_holes(top):
    write(f"{top}/f", b"begin")
    with open(f"{top}/f", "r+b") as file:
        file.seek(8 * MIB)
        file.write(b"end")


def make_xattr(top):
    write(f"{top}/f")
    os.setxattr(f"{top}/f", "user.test", b"value")


def make_acl(top):
    write(f"{top}/f")
    os.setxattr(f"{top}/f", "system.posix_acl_access", ACL)


def make_case(top):
    write(f"{top}/name", b"one\n")
    write(f"{top}/NAME", b"two\n")


def make_big(top):
    write(f"{top}/f")
    os.truncate(f"{top}/f", 5 << 30)


def names_maker(*names):
    def make(top):
        for name in names:
            write(os.fsencode(top) + b"/" + name, name)
    return make


def has_names(*names):
    def has(top):
        for name in names:
            with open(os.fsencode(top) + b"/" + name, "rb") as file:
                if file.read() != name:
                    return False
        return True
    return has


def has_times(top):
    off = abs(os.stat(f"{top}/f").st_mtime_ns - LONG_AGO)
    for bound, name in ((0, True), (100, "100 ns"), (1000, "1 us"), (10**7, "10 ms"), (10**9, "1 s"), (2 * 10**9, "2 s")):
        if off <= bound:
            return name
    return False


def both_cases(top):
    with open(f"{top}/name", "rb") as one, open(f"{top}/NAME", "rb") as two:
        return (one.read(), two.read()) == (b"one\n", b"two\n")


ODD = (b"a:b", b"question?", b'quote"', b"pipe|")
THINGS = {
    "mode": (make_mode, lambda top: stat.S_IMODE(os.stat(f"{top}/f").st_mode) == 0o640),
    "owner": (make_owner, lambda top: (os.stat(f"{top}/f").st_uid, os.stat(f"{top}/f").st_gid) == (1234, 2345)),
    "time": (make_time, has_times),
    "hard link": (make_links, lambda top: os.path.samefile(f"{top}/f", f"{top}/g")),
    "symlink": (lambda top: os.symlink("a/b", f"{top}/f"), lambda top: os.readlink(f"{top}/f") == "a/b"),
    "fifo": (lambda top: os.mkfifo(f"{top}/f"), lambda top: stat.S_ISFIFO(os.lstat(f"{top}/f").st_mode)),
    "device": (lambda top: os.mknod(f"{top}/f", stat.S_IFCHR | 0o600, os.makedev(1, 3)),
               lambda top: stat.S_ISCHR(os.lstat(f"{top}/f").st_mode)),
    "attribute": (make_xattr, lambda top: os.getxattr(f"{top}/f", "user.test") == b"value"),
    "ACL": (make_acl, lambda top: os.getxattr(f"{top}/f", "system.posix_acl_access") == ACL),
    "holes": (make_holes, lambda top: os.stat(f"{top}/f").st_blocks * 512 < 4 * MIB),
    "a and A": (make_case, both_cases),
    "other bytes": (names_maker(b"\xff\xfe"), has_names(b"\xff\xfe")),
    ": ? \" \\|": (names_maker(*ODD), has_names(*ODD)),
    "5 GiB": (make_big, lambda top: os.stat(f"{top}/f").st_size == 5 << 30),
}


# --- one file system


class Place:
    """A file system that is mounted at m."""

    def __init__(self, name, size):
        self.name = name
        self.work = tempfile.mkdtemp(prefix="ucp-fs.")
        self.m = f"{self.work}/m"
        for each in (self.m, f"{self.work}/w"):
            os.mkdir(each)
        image = f"{self.work}/i"
        with open(image, "wb") as file:
            file.truncate(size)
        script = MADE[name]
        if name.startswith("NFS"):
            ENV["vers"], script = script, NFS
        elif name == "SMB":
            script = SMB
        try:
            shell(script, m=self.m, i=image, w=f"{self.work}/w", size=str(size))
            for each in ("cp", "ucp"):
                os.makedirs(f"{self.m}/{each}", exist_ok=True)
        except (Missing, OSError):
            self.close()
            raise

    def close(self):
        subprocess.run(["bash", "-c", 'pkill -F "$0.smb/smbd.pid" 2>/dev/null; umount "$1"; exportfs -ua 2>/dev/null; '
                        'umount "$0" || umount -l "$0" "$1"', f"{self.work}/w", self.m], capture_output=True, check=False)
        if not os.path.ismount(self.m) and not os.path.ismount(f"{self.work}/w"):
            shutil.rmtree(self.work, ignore_errors=True)


class Judge:
    def __init__(self, args):
        self.args, self.wrong = args, []
        self.programs = {"cp": args.cp, "ucp": args.ucp}
        self.source = tempfile.mkdtemp(prefix="ucp-fs-source.")
        self.things = {}
        for name, (make, has) in THINGS.items():
            top = f"{self.source}/{len(self.things)}"
            os.mkdir(top)
            make(top)
            assert has(top) is True, f"the source does not keep: {name}"
            self.things[name] = top
        self.tree = f"{self.source}/tree"
        for number in range(60):
            os.makedirs(f"{self.tree}/{number % 7}/{number % 3}", exist_ok=True)
            write(f"{self.tree}/{number % 7}/{number % 3}/{number}", os.urandom((0, 10, 4096, 5000, 70_000, 1_300_000)[number % 6]))

    def run(self, program, *args):
        return subprocess.run([self.programs[program], *args], capture_output=True, text=True, errors="replace", env=ENV,
                              stdin=subprocess.DEVNULL, check=False)

    def keeps(self, program, place, name):
        """What a copy has of one thing: "yes", how well, "no", "quietly"; and what was said."""
        to = f"{place.m}/{program}/{os.path.basename(self.things[name])}"
        done = self.run(program, "-a", self.things[name], to)
        try:
            kept = THINGS[name][1](to)
        except OSError:
            kept = False
        said = done.stderr.strip().splitlines()[:1] if done.returncode else []
        subprocess.run(["rm", "-rf", to], check=False)
        if kept:
            return ("yes" if kept is True else kept) + (", error" if said else ""), said
        return ("no" if said else "quietly"), said

    def fault(self, place, text):
        self.wrong.append(f"{place.name}: {text}")

    def row(self, place, messages):
        cells = []
        for name in THINGS:
            (theirs, _), (ours, said) = self.keeps("cp", place, name), self.keeps("ucp", place, name)
            cells.append(ours if ours == theirs else f"{ours} (cp: {theirs})")
            if ours == "quietly" and theirs != "quietly":
                self.fault(place, f"{name} is lost without a word")
            for line in said:
                messages.setdefault(line.rsplit(": ", 1)[-1], []).append(name)
        print(f"| {place.name} | {' | '.join(cells)} |", flush=True)

    def same_content(self, to):
        for where, _, files in os.walk(self.tree):
            for name in files:
                other = os.path.join(to, os.path.relpath(where, self.tree), name)
                if not os.path.isfile(other) or not filecmp.cmp(os.path.join(where, name), other, shallow=False):
                    return False
        return not [name for _, _, names in os.walk(to) for name in names if name.startswith(".ucp")]

    def ways(self, place):
        """A tree in each of ucp's ways, twice: the second time everything is there."""
        for way in (["-r"], ["-r", "--engine=sync"], ["-r", "--engine=uring", "-j4"], ["-r", "--atomic"], ["-r", "--resume"], ["-r", "--verify"],
                    ["-r", "--fsync"], ["-r", "--direct"], ["-ru"], ["-r", "--update=differ", "--preserve=timestamps"],
                    ["-r", "--atomic", "--fsync", "--verify", "--resume"], ["-r", "--delete", "--update=checksum"]):
            to = f"{place.m}/ucp/tree"
            for turn in ("new", "again"):
                done = self.run("ucp", *way, "-T", self.tree, to)
                if done.returncode:
                    self.fault(place, f"{' '.join(way)}, {turn}: {done.stderr.strip()[:300]}")
                elif not self.same_content(to):
                    self.fault(place, f"{' '.join(way)}, {turn}: another content")
            if way[1:] == ["--update=differ", "--preserve=timestamps"]:
                done = self.run("ucp", *way, "--stats", "-T", self.tree, to)
                if "copied: 0 files" not in done.stdout + done.stderr and "60" not in done.stdout:
                    self.fault(place, f"--update=differ copies again: {done.stdout.strip()[:300]}")
            subprocess.run(["rm", "-rf", to], check=False)

    def full(self, name, size):
        """A file system without room for a tree."""
        place = Place(name, size)
        try:
            big = f"{self.source}/big"
            if not os.path.exists(big):
                os.mkdir(big)
                for number in range(8):
                    write(f"{big}/{number}", os.urandom(size // 5))
            for way in (["-r"], ["-r", "--atomic"]):
                to = f"{place.m}/ucp/big"
                done = self.run("ucp", *way, "-T", big, to)
                if done.returncode != 1:
                    self.fault(place, f"full, {' '.join(way)}: exit status {done.returncode}")
                for each in os.listdir(to) if os.path.isdir(to) else []:
                    if each not in os.listdir(big):
                        self.fault(place, f"full, {' '.join(way)}: {each} is left")
                    elif not filecmp.cmp(f"{big}/{each}", f"{to}/{each}", shallow=False) and (
                            "--atomic" in way or f"{to}/{each}" not in done.stderr):
                        self.fault(place, f"full, {' '.join(way)}: {each} passes for whole")
                subprocess.run(["rm", "-rf", to], check=False)
        finally:
            place.close()

    def judge(self, name, messages):
        place = Place(name, 1024 * MIB)
        try:
            self.row(place, messages.setdefault(name, {}))
            self.ways(place)
        finally:
            place.close()
        self.full(name, 320 * MIB)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cp", default="/bin/cp")
    parser.add_argument("--ucp", default="build/release/ucp")
    parser.add_argument("--list", action="store_true", help="only the names")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    if args.list:
        print("\n".join(MADE))
        return 0
    os.umask(0o022)
    subprocess.run(["mount", "--make-rprivate", "/"], check=False)
    judge, messages, missing = Judge(args), {}, []
    print(f"Linux {os.uname().release}\n\n| file system | {' | '.join(THINGS)} |\n|{' --- |' * (len(THINGS) + 1)}")
    for name in args.names or MADE:
        try:
            judge.judge(name, messages)
        except Missing as why:
            missing.append(f"{name}: {why}")
    print()
    for name, said in messages.items():
        for text, things in said.items():
            print(f"- {name}, {', '.join(things)}: {text}")
    for title, lines in (("left out", missing), ("wrong", judge.wrong)):
        for line in lines:
            print(f"{title}: {line}")
    shutil.rmtree(judge.source)
    return 1 if judge.wrong else 0


if __name__ == "__main__":
    if "UCP_OWN_MOUNTS" not in os.environ and "--list" not in sys.argv:
        os.environ["UCP_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])
    sys.exit(main())
