#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# read: bytes that we put into memory, read back through their frames.
# shellcheck disable=SC2001,SC2016,SC2154
bats_require_minimum_version 1.5.0
load helpers/lib

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	physlens doctor --json >"$BATS_FILE_TMPDIR/doctor.json"
	jq -e '[.doctor[] | select(.gate == ("devmem", "kcore", "bpf") and .state == "open")] |
		length > 0' "$BATS_FILE_TMPDIR/doctor.json" >/dev/null &&
		touch "$BATS_FILE_TMPDIR/source"
	PROGRAM=$BATS_FILE_TMPDIR/physlens
	cp "$PHYSLENS" "$PROGRAM"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR/.." "$PROGRAM"
	export PROGRAM
}

setup() {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	[ -e "$BATS_FILE_TMPDIR/source" ] || skip 'no source of physical memory is open here'
	pattern=$BATS_TEST_DIRNAME/vm/pattern.txt
}

teardown() { helpers_stop; }

# locked: a process with the pattern's 16 pages; sets pid and address.
locked() {
	helper_start lockedbytes "$pattern"
	pid=$HELPER_PID
	address=$(helper_value address)
}

# plus N: the address, so many bytes further.
plus() { printf '0x%x\n' $((address + $1)); }

paddr_of() { physlens translate --raw --noheadings --output PADDR "$pid" "$1"; }

@test "known bytes come back by physical address, page by page" {
	locked
	for page in 0 7 15; do
		paddr=$(paddr_of "$(plus $((page * PAGE_SIZE)))")
		physlens read --raw "$paddr" "$PAGE_SIZE" >"$BATS_TEST_TMPDIR/ram"
		dd if="$pattern" bs="$PAGE_SIZE" skip=$page count=1 status=none |
			cmp - "$BATS_TEST_TMPDIR/ram"
	done
}

@test "known bytes come back by the process's address, across frames" {
	locked
	physlens read --raw "$pid:$address" 64K | cmp - "$pattern"
	physlens read --raw "$pid:$(plus 4090)" 20 >"$BATS_TEST_TMPDIR/part"
	dd if="$pattern" bs=1 skip=4090 count=20 status=none | cmp - "$BATS_TEST_TMPDIR/part"
}

@test "the hexdump is hexdump -C's, with the frames marked" {
	command -v hexdump >/dev/null || skip 'no hexdump'
	locked
	run -0 physlens read --noheadings "$pid:$address" 8192
	diff <(sed 's/^[0-9a-f]* *//' <<<"$output") \
		<(head -c 8192 "$pattern" | hexdump -v -C | sed 's/^[0-9a-f]* *//')
	run -0 physlens read "$pid:$(plus 4080)" 32
	[[ "${lines[0]}" == "# frame "*", present" ]]
	[[ "${lines[1]}" == *'|'*'|' ]]
	[[ "${lines[2]}" == "# frame "*", present" ]]
	[ "${#lines[@]}" = 5 ]
}

@test "JSON has a row a frame, with the bytes" {
	locked
	run -0 physlens read --json "$pid:$(plus 4080)" 32
	json_check '.read | length == 2 and all(.length == 16 and .state == "present" and .cause == null)'
	jq -j '.read[].bytes' <<<"$output" | perl -ne 'print pack("H*", $_)' >"$BATS_TEST_TMPDIR/bytes"
	dd if="$pattern" bs=1 skip=4080 count=32 status=none | cmp - "$BATS_TEST_TMPDIR/bytes"
	[ "$(jq -r '.read[1].paddr' <<<"$output")" = "$(paddr_of "$(plus 4096)")" ]
	[ "$(jq -r '.read[1].vaddr' <<<"$output")" = "$(plus 4096)" ]
}

@test "256 bytes unless a length is given; decimal, hexadecimal, with a suffix" {
	locked
	[ "$(physlens read --raw "$pid:$address" | wc -c)" = 256 ]
	[ "$(physlens read --raw "$pid:$address" 0x10 | wc -c)" = 16 ]
	[ "$(physlens read --raw "$pid:$address" 4K | wc -c)" = 4096 ]
	[ "$(physlens read --raw "$pid:$address" 0x4K | wc -c)" = 4096 ]
}

@test "a symbol is read as well as an address" {
	locked
	run -0 --separate-stderr physlens read --verify "$pid:main" 16
	[[ "$stderr" == *': 1 page compared with /proc/PID/mem: 1 equal, 0 different' ]]
}

@test "--verify agrees with /proc/PID/mem for everything that is present" {
	locked
	run -0 --separate-stderr physlens read --verify --output-file /dev/null "$pid:$address" 64K
	[[ "$stderr" == *': 16 pages compared with /proc/PID/mem: 16 equal, 0 different' ]]
	# A busy process too: our own shell, with what it has not touched left out.
	run --separate-stderr physlens read --verify -O /dev/null \
		"$$:$(physlens map -r -n -o START --region heap $$ | head -n 1)" 64K
	[[ "$stderr" == *', 0 different' ]]
}

@test "--verify is for processes" {
	run -2 physlens read --verify 0x100000
	[[ "$output" == *'--verify is for an address of a process'* ]]
}

@test "pages that are not in RAM are gaps, named by their state" {
	fixture_start --only anon-untouched
	require_kind anon-untouched
	run -2 --separate-stderr physlens read "$FIXTURE_PID:$(kind_start anon-untouched)" 4096
	[[ "$output" == *'# gap '*'4096 bytes: untouched: no frame yet'* ]]
	[[ "$stderr" == *': untouched: no frame yet' ]]
	run -2 --separate-stderr physlens read -J "$FIXTURE_PID:$(kind_start anon-untouched)" 4096
	json_check '.read == [{paddr: null, vaddr: .read[0].vaddr, length: 4096,
		state: "untouched", bytes: null, cause: "untouched: no frame yet"}]'
	fixture_stop
}

@test "what can be read is written, the rest keeps its place and is listed" {
	run -2 --separate-stderr physlens read 0x0 0x2000
	[[ "$stderr" == *'0x0-0x1000: not System RAM'* ]]
	physlens read --raw 0x0 0x2000 2>/dev/null >"$BATS_TEST_TMPDIR/both" || [ $? = 2 ]
	physlens read --raw 0x1000 0x1000 >"$BATS_TEST_TMPDIR/ram"
	cmp <(tail -c 4096 "$BATS_TEST_TMPDIR/both") "$BATS_TEST_TMPDIR/ram"
	head -c 4096 "$BATS_TEST_TMPDIR/both" | cmp -n 4096 - /dev/zero
	[ "$(wc -c <"$BATS_TEST_TMPDIR/both")" = 8192 ]
}

@test "a file is sparse, of the same bytes, for its owner only" {
	locked
	physlens read -O "$BATS_TEST_TMPDIR/file" "$pid:$address" 64K
	cmp "$BATS_TEST_TMPDIR/file" "$pattern"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/file")" = 600 ]
	run -2 --separate-stderr physlens read -O "$BATS_TEST_TMPDIR/hole" 0x0 0x2000
	[ -z "$output" ]
	[[ "$stderr" == *'0x0-0x1000: not System RAM'* ]]
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/hole")" = 8192 ]
	physlens read --raw 0x1000 0x1000 | cmp - <(tail -c 4096 "$BATS_TEST_TMPDIR/hole")
	(($(stat -c '%b * %B' "$BATS_TEST_TMPDIR/hole") <= 4096))
}

@test "a file that others may read, or have open, is replaced, never written to" {
	local file=$BATS_TEST_TMPDIR/file
	locked
	echo shown >"$file"
	chmod 644 "$file"
	ln -s file "$BATS_TEST_TMPDIR/link"
	exec {reader}<"$file"
	physlens read -O "$BATS_TEST_TMPDIR/link" "$pid:$address" 64K
	[ "$(cat <&"$reader")" = shown ]
	exec {reader}<&-
	cmp "$file" "$pattern"
	[ -L "$BATS_TEST_TMPDIR/link" ] && [ "$(stat -c %a "$file")" = 600 ]
	# Another user's file, where names cannot be taken away.
	mkdir "$BATS_TEST_TMPDIR/fixed"
	echo shown >"$BATS_TEST_TMPDIR/fixed/file"
	chown 65534 "$BATS_TEST_TMPDIR/fixed/file"
	chattr +i "$BATS_TEST_TMPDIR/fixed" 2>/dev/null || skip 'no chattr here'
	run -2 --separate-stderr physlens read -O "$BATS_TEST_TMPDIR/fixed/file" "$pid:$address" 64K
	chattr -i "$BATS_TEST_TMPDIR/fixed"
	[[ $stderr == *'others may read it'* && $(cat "$BATS_TEST_TMPDIR/fixed/file") = shown ]]
}

@test "a file that was there is not touched before something can be read" {
	echo precious >"$BATS_TEST_TMPDIR/file"
	run -2 physlens read -O "$BATS_TEST_TMPDIR/file" nonsense
	run -2 physlens --source none read -O "$BATS_TEST_TMPDIR/file" 0x100000
	[ "$(cat "$BATS_TEST_TMPDIR/file")" = precious ]
}

@test "memory and disks are no place to write to" {
	mknod "$BATS_TEST_TMPDIR/mem" c 1 1 || skip 'no devices can be made'
	mknod "$BATS_TEST_TMPDIR/disk" b 7 250
	for device in mem disk; do
		run -2 physlens read -O "$BATS_TEST_TMPDIR/$device" 0x100000
	done
}

@test "a full disk is said, and so is /dev/full" {
	run -2 physlens read -O /dev/full 0x100000 64K
	[[ "$output" == *'/dev/full: No space left on device' ]]
	run -2 bash -c '"$1" read --raw 0x100000 64K >/dev/full' - "$PHYSLENS"
	[[ "$output" == *'standard output: '* ]]
	run -2 bash -c '"$1" read 0x100000 64K >/dev/full' - "$PHYSLENS"
	[[ "$output" == *'standard output: '* ]]
	mkdir "$BATS_TEST_TMPDIR/small"
	mount -t tmpfs -o size=64K tmpfs "$BATS_TEST_TMPDIR/small" || skip 'no tmpfs'
	head -c 1M /dev/urandom >"$BATS_TEST_TMPDIR/random"
	helper_start lockedbytes "$BATS_TEST_TMPDIR/random"
	echo precious >"$BATS_TEST_TMPDIR/small/file"
	run -2 physlens read -O "$BATS_TEST_TMPDIR/small/file" "$HELPER_PID:$(helper_value address)" 1M
	# What is not whole has no name: the other one is still there, and nothing beside it.
	[ "$(cat "$BATS_TEST_TMPDIR/small/file")" = precious ]
	[ "$(ls -A "$BATS_TEST_TMPDIR/small")" = file ]
	wait_for umount "$BATS_TEST_TMPDIR/small"
	[[ "$output" == *'small/file: No space left on device' ]]
}

@test "closed and broken standard output" {
	run -2 bash -c '"$1" read 0x100000 >&-' - "$PHYSLENS"
	[[ "$output" == *'standard output: Bad file descriptor'* ]]
	run bash -c 'set -o pipefail; "$1" read --raw 0x100000 64M | head -c 1 >/dev/null' - "$PHYSLENS"
	[ "$status" -ne 0 ] && [ "$status" -lt 192 ]
}

@test "bytes do not go to a terminal" {
	command -v script >/dev/null || skip 'no script(1)'
	run -2 script -qec "$PHYSLENS read --raw 0x100000" /dev/null
	[[ "$output" == *'bytes are not for a terminal'* ]]
}

@test "a bar on a terminal, none elsewhere" {
	command -v script >/dev/null || skip 'no script(1)'
	run -0 script -qec "sh -c '$PHYSLENS read --raw 0x100000 64K >/dev/null'" /dev/null
	[[ "$output" != *MiB* ]]
	run -0 --separate-stderr physlens read -O /dev/null 0x100000 64M
	[ -z "$stderr" ]
}

@test "addresses outside RAM, however far" {
	for where in 0xfffffff000 0xfffffffffff00 0x10000000000000 0xffffffffffffef00; do
		run -2 --separate-stderr physlens read "$where"
		[[ "$stderr" == *"$where-"*': '* ]]
	done
	run -2 physlens read 0xffffffffffffff80 256
	[[ "$output" == *'past the last address'* ]]
	# The end of RAM: what is before is shown.
	last=$(awk -F'[- ]' '/^[0-9a-f].*System RAM/ { end = $2 } END { print end }' /proc/iomem)
	run -2 --separate-stderr physlens read "$(printf '0x%x' $((0x$last - 31)))" 64
	[[ "$output" == *'# gap '*', 32 bytes: not System RAM'* ]]
}

@test "a length of ages does not take ages" {
	run -2 timeout 20 "$PHYSLENS" read -O /dev/null 0x100000000000 0xe000000000000
	[[ "$output" == *'not System RAM' ]]
}

@test "bad arguments" {
	locked
	while IFS='|' read -r words message; do
		# shellcheck disable=SC2086
		run -2 physlens read $words
		[[ "$output" == *"$message"* ]] || {
			echo "$words: $output"
			return 1
		}
	done <<END
|an address and at most a length are needed
0 1 2|an address and at most a length are needed
nonsense|not a physical address
-1|unknown or ambiguous option
0x11111111111111111|not a physical address
0x1000 0|a length of 0
0x1000 0x0|a length of 0
0x1000 -5|unknown or ambiguous option
0x1000 5x|not a length
0x1000 K|not a length
0x1000 18446744073709551616|not a length
0x1000 18446744073709551615K|length too large
0x1000 16777216T|length too large
:0x1000|not a process ID
0:0x1000|not a process ID
999999999:0x1000|999999999
$pid:|not an address or symbol
$pid:no_such_symbol|unknown symbol
$pid:0x800000000000000|not a canonical address
$pid:0x1000|nothing is mapped here
$pid:0xffffffff81000000|nothing is mapped here
--json -O x 0x1000|--json does not go into a file
-O|needs an argument
--source tape 0x1000|no such source
END
}

@test "a kernel thread has no memory of its own" {
	require_kernel_thread
	run -2 physlens read 2:0x1000
	[[ "$output" == *'kernel thread'* ]]
}

@test "--source means the same before and after the command" {
	for words in '--source none read' '--source=none read' 'read --source none' 'read --source=none'; do
		# shellcheck disable=SC2086
		run -2 physlens $words 0x100000
		[[ "$output" == *'--source none'* ]]
	done
	run -2 physlens --source tape read 0x100000
	[[ "$output" == *'no such source'* ]]
	run -2 physlens --source
	[[ "$output" == *'needs an argument'* ]]
}

@test "a source that is closed says why, and its gate says what opens it" {
	for source in devmem kcore bpf; do
		state=$(jq -r --arg gate $source '.doctor[] | select(.gate == $gate).state' \
			"$BATS_FILE_TMPDIR/doctor.json")
		if [ "$state" = open ]; then
			run -0 physlens --source $source read 0x100000 16
		else
			run -2 physlens --source $source read 0x100000 16
			[[ "$output" == *"read: $source: "*'(remedy: '* ]]
			remedy=$(jq -r --arg gate $source \
				'.doctor[] | select(.gate == $gate).remedy' \
				"$BATS_FILE_TMPDIR/doctor.json")
			[[ "$output" == *"$remedy"* ]]
		fi
	done
}

@test "without privilege there is one short line, and doctor for the rest" {
	local command
	for command in 'read 0x100000' 'walk self main'; do
		# shellcheck disable=SC2086 # words
		run -2 setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \
			"$PROGRAM" $command
		[ "$(wc -l <<<"$output")" -eq 1 ]
		[ "${#output}" -lt 120 ]
		[[ "$output" == *"physical memory is not open to this user (run as root; 'physlens doctor'"* ]]
	done
	# Who asks for one source hears what is in its way.
	run -2 setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \
		"$PROGRAM" read --source bpf 0x100000
	[[ "$output" == *'bpf: denied'*'(remedy: '* ]]
}

@test "without privilege a process's frames are hidden" {
	run -2 setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \
		bash -c '"$1" read $$:0x1000; exit' - "$PROGRAM"
	[[ "$output" == *'frame numbers are hidden: CAP_SYS_ADMIN is missing'* ]]
}

@test "any address, with a warning; RAM is still RAM" {
	locked
	run -0 --separate-stderr physlens read --any-address --raw "$(paddr_of "$address")" 32
	[ "$output" = "$(head -c 31 "$pattern")" ]
	[[ "$stderr" == *'--any-address: '*'devices'* ]]
}
