#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel stock-6.1 --cpus 1 --mem 2048
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-newest --cpus 1 --mem 2048
# vm: --kernel stock-cloud --cpus 1 --mem 2048
# verify --all on Debian's kernels: a system of Debian's programs, each from a disk of its own and
# with its own libraries, is clean. Here every process is ours, so that nothing is excused.

load guest

# install_program PATH: it and what it needs, into the system on the disk.
install_program() {
	local file

	{
		echo "$1"
		ldd "$1" 2>/dev/null | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }'
	} | while read -r file; do
		mkdir -p "$root${file%/*}"
		[[ -e $root$file ]] || cp -L "$file" "$root$file"
	done
}

# run_inside PROGRAM ARG…
run_inside() {
	LC_ALL=C chroot "$root" "$@" </dev/null >/dev/null 3>&- &
	running+=($!)
}

setup_file() {
	local program

	export root=$BATS_FILE_TMPDIR/root
	modprobe -a loop ext4 || true
	truncate -s 192M "$BATS_FILE_TMPDIR/disk"
	mke2fs -q -t ext4 "$BATS_FILE_TMPDIR/disk"
	mkdir "$root"
	mount -o loop "$BATS_FILE_TMPDIR/disk" "$root"
	mkdir "$root"/{tmp,dev}
	mknod "$root/dev/null" c 1 3
	: >"$root/tmp/log"
	for program in bash sleep tail perl busybox; do
		install_program "$(command -v "$program")"
	done
	sync
}

teardown_file() {
	local tries

	# The shell's child, which nobody here can wait for, may still be ending.
	for ((tries = 0; tries < 300; tries++)); do
		! umount "$root" 2>/dev/null || return 0
		sleep 0.1
	done
	umount "$root"
}

setup() {
	running=()
	run_inside "$(command -v bash)" -c 'sleep 300; :'
	run_inside "$(command -v tail)" -f /tmp/log
	run_inside "$(command -v perl)" -e 'sleep 300'
	run_inside "$(command -v busybox)" sleep 300
	run_inside "$(command -v sleep)" 300
	asleep "${running[@]}"
}

teardown() {
	kill "${running[@]}" || true
	wait "${running[@]}" || true
	# The shell's own child.
	pkill -f '^sleep 300' || true
}

@test "every process of a system is clean" {
	run -2 --separate-stderr "$physlens" verify --all --json
	# The guest's own root, which its init and shells come from, has no disk below it.
	jq -e '[.verify[].kind] | unique == ["unverifiable"]' <<<"$output"
	jq -e '[.verify[].why | test("^(9p|fuse|virtiofs|overlay|tmpfs)")] | all' <<<"$output"
	jq -e '.summary | .processes >= 7 and .findings == 0 and .unread == 0 and .frames > 500' <<<"$output"
	run -0 --separate-stderr "$physlens" verify "${running[@]}"
	[[ "$output" == *' 5 processes compared, memory read through kcore.'* ]]
	[[ "$output" == *'No findings; 0 allowed; 0 pages unverifiable.'* ]]
}

@test "one instruction of one of them is changed: one finding among all" {
	local at
	at=$("$physlens" translate -n -r -o vaddr "${running[2]}" 'libc.so.6!getenv')
	"$programs/tamper" mem "${running[2]}" "$at" c3 >/dev/null
	run -1 --separate-stderr "$physlens" verify --all --json --allow 'unverifiable=*'
	jq -e ".verify | length == 1 and .[0].kind == \"patched\" and .[0].pid == ${running[2]} and
		.[0].symbol == \"getenv\" and .[0].after == \"c3\"" <<<"$output"
}

@test "a program called as a thread of this kernel: one finding among all" {
	run_inside "$(command -v perl)" -e '$0 = "[kswapd0]"; sleep 300'
	wait_for grep -qxF '[kswapd0]' "/proc/${running[-1]}/comm"
	asleep "${running[-1]}"
	run -1 --separate-stderr "$physlens" verify --all --json --allow 'unverifiable=*'
	jq -e ".verify | length == 1 and .[0].kind == \"masquerade\" and .[0].pid == ${running[-1]} and
		(.[0].object | endswith(\"/perl\"))" <<<"$output"
}
