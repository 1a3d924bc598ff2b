#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The table in physlens-verify(1): what is printed of what. Each of its lines is a test of that name here,
# which makes the cause and holds the kinds that are printed and the exit status against the line.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

# table: its lines, as "CAUSE<tab>KINDS<tab>STATUS".
table() {
	awk '/^\.Bl -column/ { within = 1; next } /^\.El/ { within = 0 }
		within && /^\.It / && !/^\.It Em/ {
			sub(/^\.It /, ""); gsub(/Fl -/, "--"); gsub(/ Ta /, "\t"); print
		}' "$BATS_TEST_DIRNAME/../man/physlens-verify.1"
}

# What was built or installed just now may not be on the disk yet.
setup_file() {
	sync "$PHYSLENS" "$PHYSLENS_HELPERS"/{tamper,mapfile,flickering,poser}
	{ command -v sleep perl bash && ldd "$(command -v perl)" "$(command -v bash)"; } 2>/dev/null |
		grep -o '/[^ :]*' | xargs -r sync || true
}

setup() {
	work=$BATS_TEST_TMPDIR
	STARTED_OUTPUT=$work/output
	shared_files=()
}

teardown() {
	helpers_stop
	started_stop
	[ "${#shared_files[@]}" = 0 ] || rm -f -- "${shared_files[@]}"
	# Who looks at all processes just then has a file of it open.
	[ -z "${mounted-}" ] || wait_for umount "$mounted" || umount -l "$mounted"
	[ -z "${probed-}" ] || {
		echo 0 >"/sys/kernel/tracing/events/$probed/enable"
		echo "-:$probed" >>/sys/kernel/tracing/uprobe_events
	}
	system_restore
}

# as_listed ARG…: verify prints the kinds and has the status that this test's line says; of a line with
# "any" status no other kinds.
as_listed() {
	local line kinds want

	line=$(table | awk -F'\t' -v cause="$BATS_TEST_DESCRIPTION" '$1 == cause')
	[ -n "$line" ] || {
		echo "no such line in the table: $BATS_TEST_DESCRIPTION"
		return 1
	}
	IFS=$'\t' read -r _ kinds want <<<"$line"
	[ "$kinds" != none ] || kinds=
	kinds=$(jq -Rc 'split(", ") | sort' <<<"$kinds")
	run --separate-stderr "${LOOK[@]:-$PHYSLENS}" verify --json "$@"
	if [ "$want" = any ]; then
		json_check "[.verify[].kind] | unique - $kinds == []"
	else
		json_check "[.verify[].kind] | unique == $kinds"
		[ "$status" = "$want" ]
	fi
}

# Where the disk below this cannot be read past its cache there is always a row.
require_disk() {
	require_root
	run --separate-stderr physlens verify --json "$1"
	json_check '.summary.unverifiable == 0' 2>/dev/null || skip 'the disk cannot be read past its cache'
}

sleeper() {
	start sleep 300
	asleep "$PID"
	require_disk "$PID"
}

holder() {
	require_root
	helper_start "$@"
	PID=$HELPER_PID
}

# A helper that the kernel did not let.
poser() {
	require_root
	helper_start poser "$@" || {
		grep -q '^prctl: ' "$HELPER_DIR/err" && skip 'the kernel lets nobody change what it noted'
		return 1
	}
	PID=$HELPER_PID
}

address() { physlens translate -n -r -o vaddr "$PID" "$1"; }

tamper() { helper tamper mem "$PID" "$@"; }

patch() { tamper "$(address 'libc.so.6!getenv')" 9090; }

# copy_of PROGRAM NAME: PID is a process of a copy of it, on the disk.
copy_of() {
	cp "$(type -P "$1")" "$work/$2"
	sync "$work/$2"
	start "$work/$2" 300
	wait_for grep -qx "$2" "/proc/$PID/comm"
	asleep "$PID"
	require_disk "$PID"
}

@test "every line of the table has a test here, and every test a line" {
	local lines tests kinds listed status kind

	lines=$(table | cut -f 1 | sort)
	tests=$(sed -n 's/^@test "\(.*\)" {$/\1/p' "$BATS_TEST_FILENAME" | grep -v '^every line of the table' | sort)
	[ "$(wc -l <<<"$lines")" -gt 30 ]
	diff <(echo "$lines") <(echo "$tests")
	kinds=$(physlens verify --allow x=x 1 2>&1 | sed 's/.*there are: //; s/[,)]/ /g')
	[[ " $kinds " == *' patched '*' moved '* ]]
	while IFS=$'\t' read -r _ listed status; do
		[[ $status =~ ^([012]|any)$ ]]
		for kind in ${listed//,/}; do
			[[ " none $kinds " == *" $kind "* ]]
		done
	done < <(table)
	# Each kind is in a line.
	for kind in $kinds; do
		table | cut -f 2 | grep -qw -- "$kind" || {
			echo "no line has $kind"
			false
		}
	done
	# And a terminal has room for it.
	! command -v mandoc >/dev/null ||
		mandoc -T ascii -O width=80 "$BATS_TEST_DIRNAME/../man/physlens-verify.1" | col -bx |
		awk 'length > 80 { print; wide = 1 } END { exit wide }'
	# Debian's man has it by groff, whose columns lie further apart: a cell too wide goes to a line of its own.
	! command -v groff >/dev/null ||
		groff -k -mdoc -Tascii -P-c -rLL=78n "$BATS_TEST_DIRNAME/../man/physlens-verify.1" | col -bx |
		awk 'length > 80 { print; wide = 1 } END { exit wide }'
}

@test "nobody touched anything" {
	sleeper
	as_listed "$PID"
}

@test "code is changed in one process" {
	sleeper
	patch
	as_listed "$PID"
}

@test "the same, then moved to swap" {
	sleeper
	system_lock
	swap_on_zram 64
	patch
	helper tamper pageout "$PID" "$(address 'libc.so.6!getenv')" || skip 'the kernel pages nothing out for others'
	[ "$(physlens translate -n -r -o state "$PID" 'libc.so.6!getenv')" = swapped ] || skip 'it does not go to swap'
	as_listed "$PID"
}

# on_tmpfs: PID is a process whose program is on a tmpfs.
on_tmpfs() {
	require_root
	mkdir "$work/m"
	unshare -m mount -t tmpfs none "$work/m" || skip 'no mount namespaces'
	start unshare -m bash -c "cd $work && mount -t tmpfs none m && cp $(type -P sleep) m/program && exec m/program 300"
	wait_for grep -qx program "/proc/$PID/comm"
	asleep "$PID"
}

@test "the same in a program on tmpfs" {
	sleeper
	on_tmpfs
	tamper "$(physlens map -n -r -o start --region .text --object 'program*' "$PID")" 9090
	as_listed "$PID"
}

@test "a program on tmpfs, btrfs or overlay" {
	sleeper
	on_tmpfs
	as_listed "$PID"
}

@test "code is changed, and changed back" {
	local at

	sleeper
	at=$(address 'libc.so.6!getenv')
	tamper "$at" "$(tamper "$at" 9090)"
	as_listed "$PID"
}

@test "code changed and restored repeatedly" {
	local look

	sleeper
	cp "$(type -P perl)" "$work/file"
	sync "$work/file"
	holder flickering patch "$work/file"
	PID=$(helper_value flickering)
	for look in 1 2 3 4 5; do as_listed "$PID"; done
}

@test "a file and other memory in turn" {
	local look

	sleeper
	cp "$(type -P perl)" "$work/file"
	sync "$work/file"
	holder flickering memory "$work/file"
	PID=$(helper_value flickering)
	# What is mapped is the beginning of the file, which is no code.
	for look in 1 2 3 4 5; do as_listed --allow data-exec=flickering "$PID"; done
}

@test "a cached page that is not the disk's" {
	local at

	sleeper
	truncate -s 64M "$work/disk"
	mke2fs -q -t ext4 "$work/disk"
	mkdir "$work/m"
	mount -o loop "$work/disk" "$work/m" || skip 'no loop devices'
	mounted=$work/m
	perl -e 'print "the only place of its kind" x 400' >"$work/m/file"
	sync -f "$work/m/file"
	holder mapfile -t "$work/m/file"
	physlens verify "$PID"
	# The disk is changed beneath the file system, which has its pages in RAM already.
	at=$(grep -abo -m 1 'the only place of its kind' "$work/disk" | head -n 1 | cut -d : -f 1)
	printf THE | dd of="$work/disk" bs=1 seek="$at" conv=notrunc status=none
	as_listed "$PID"
	helpers_stop
}

@test "another file over code of a library" {
	holder tamper hold remap
	require_disk "$PID"
	as_listed "$PID"
}

@test "another page of the library there" {
	holder tamper hold repage
	require_disk "$PID"
	as_listed "$PID"
}

@test "a page of the vdso is written to" {
	sleeper
	tamper "$(printf '0x%x' $(($(physlens map -n -r -o start --region vdso "$PID" | head -n 1) + 9)))" 41
	as_listed "$PID"
}

@test "the same of a 32-bit one, no other" {
	require_root
	"${CC:-cc}" -m32 -ffreestanding -nostdlib -static -no-pie -fno-stack-protector -o "$work/tiny32" \
		"$BATS_TEST_DIRNAME/helpers/tiny32.c" 2>/dev/null || skip 'no compiler for 32 bits'
	sync "$work/tiny32"
	_waiting_start "$work" "$work/tiny32" || skip 'the kernel runs no 32-bit programs'
	HELPERS+=("$_waiting_pid:$_waiting_fd")
	PID=$_waiting_pid
	require_disk "$PID"
	tamper "$(printf '0x%x' $(($(physlens map -n -r -o start --region vdso "$PID" | head -n 1) + 9)))" 41
	as_listed "$PID"
}

@test "a debugger's breakpoint" {
	sleeper
	tamper "$(address 'libc.so.6!getenv')" cc
	as_listed "$PID"
}

# Of a program that nobody else runs: a probe is in all processes that map the file.
@test "a uprobe" {
	local at

	copy_of sleep program
	[ -w /sys/kernel/tracing/uprobe_events ] || skip 'no uprobes in tracefs'
	at=$(readelf -SW "$work/program" | sed -n 's/.* [.]text *PROGBITS *[0-9a-f]* \([0-9a-f]*\).*/\1/p')
	probed=physlens$$/text
	echo "p:$probed $work/program:0x$at" >>/sys/kernel/tracing/uprobe_events
	echo 1 >"/sys/kernel/tracing/events/$probed/enable"
	as_listed "$PID"
}

@test "text relocations" {
	sleeper
	library_with_text_relocation "$work/text.so"
	start env LD_PRELOAD="$work/text.so" sleep 300
	wait_for grep -qx sleep "/proc/$PID/comm"
	asleep "$PID"
	as_listed "$PID"
}

@test "a JIT compiler's code" {
	holder tamper hold anon
	require_disk "$PID"
	as_listed "$PID"
}

@test "the same, with --allow" {
	holder tamper hold anon
	require_disk "$PID"
	as_listed --allow anon-exec=tamper "$PID"
}

@test "the same, writable as well" {
	holder tamper hold wx
	require_disk "$PID"
	as_listed "$PID"
}

@test "code in a memfd" {
	holder tamper hold memfd
	require_disk "$PID"
	as_listed "$PID"
}

@test "code in a file that is no program" {
	sleeper
	head -c 8192 /dev/urandom >"$work/file"
	sync "$work/file"
	holder mapfile -x -t "$work/file"
	as_listed "$PID"
}

@test "code of a PE file, as wine's" {
	sleeper
	perl -e 'print pack "a60 V a4 v v V3 v v a8 V4 V v4 V a*", "MZ", 64, "PE", 0x8664, 1, 0, 0, 0, 0, 2, ".text",
		4096, 4096, 4096, 4096, 0, 0, 0, 0, 0, 0x60000020, "\0" x 8192' >"$work/file.dll"
	sync "$work/file.dll"
	holder mapfile -x -t "$work/file.dll"
	as_listed "$PID"
}

@test "a program that was removed" {
	copy_of sleep program
	rm "$work/program"
	as_listed "$PID"
}

@test "an upgrade of a running program" {
	copy_of sleep program
	rm "$work/program"
	cp "$(type -P cat)" "$work/program"
	as_listed "$PID"
}

@test "a library, preloaded and removed" {
	local libm

	sleeper
	libm=$(ldd "$(type -P perl)" | awk '$1 ~ /^libm[.]/ { print $3 }')
	[ -n "$libm" ] || skip 'perl is not linked to libm'
	cp "$libm" "$work/early.so"
	sync "$work/early.so"
	start env LD_PRELOAD="$work/early.so" sleep 300
	wait_for grep -qx sleep "/proc/$PID/comm"
	asleep "$PID"
	rm "$work/early.so"
	as_listed "$PID"
}

@test "called [kworker/0:1], with memory" {
	poser title '[kworker/0:1]'
	require_disk "$PID"
	as_listed "$PID"
}

@test "another program in /proc/PID/exe" {
	poser guest "$(type -P true)"
	require_disk "$PID"
	as_listed "$PID"
}

@test "a mount over /proc/PID" {
	sleeper
	require_own_mounts
	# shellcheck disable=SC2016 # of the inner shell
	LOOK=(unshare -m --propagation private bash -c 'mount -t tmpfs none "/proc/$0" && exec "$@"' "$PID" "$PHYSLENS")
	as_listed "$PID"
}

@test "data that the program made read-only" {
	poser protect -
	require_disk "$PID"
	as_listed "$PID"
}

@test "text the program moved to huge pages" {
	poser move -
	require_disk "$PID"
	as_listed "$PID"
}

# written: PID maps a file that was written, and is not on the disk.
written() {
	sleeper
	head -c 16384 /dev/urandom >"$work/file"
	sync "$work/file"
	holder mapfile -t "$work/file"
	printf tampered | dd of="$work/file" bs=1 seek=5000 conv=notrunc status=none
}

@test "a file that was written a moment ago" {
	written
	as_listed "$PID"
}

@test "the same, with --sync" {
	written
	as_listed --sync "$PID"
}

@test "a file truncated while it is read" {
	local look

	sleeper
	head -c 8M /dev/urandom >"$work/file"
	sync "$work/file"
	holder mapfile -t "$work/file"
	(
		while [ -e "$work/file" ]; do
			truncate -s 4096 "$work/file"
			truncate -s 8M "$work/file"
		done
	) 3>&- 4>&- &
	STARTED+=($!)
	for look in 1 2 3; do as_listed "$PID"; done
}

@test "pages 16 TiB into a file" {
	local last=$(((1 << 44) - 8192)) file

	sleeper
	[ "$(stat -f -c %T /dev/shm)" = tmpfs ] || skip '/dev/shm is no tmpfs'
	file=$(mktemp /dev/shm/verify.XXXXXX)
	shared_files+=("$file")
	truncate -s $((last + 16384)) "$file" || skip 'the file system has no such files'
	holder mapfile -t -o $last "$file"
	as_listed "$PID"
}

@test "a process that has ended" {
	require_root
	start sleep 300
	kill -KILL "$PID"
	wait_for test ! -e "/proc/$PID"
	as_listed "$PID"
}
