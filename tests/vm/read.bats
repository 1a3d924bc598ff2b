#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 2048
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-newest --cpus 1 --mem 2048
# vm: --kernel stock-cloud --cpus 1 --mem 2048
# vm-deep: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel stock-6.1 --cpus 1 --mem 2048
# `read` through every source that this kernel leaves open, of memory of every kind. (Which sources
# are open, and that they read what a process put there, is in sources.bats.)
# shellcheck disable=SC2154 # set by guest.bash

load guest

teardown() { stop_all; }

@test "what they read is what /proc/PID/mem says, of PID 1" {
	local source region start end
	"$physlens" map -r -n -o REGION,START,END 1 >"$BATS_TEST_TMPDIR/regions"
	for source in $(open_sources); do
		for region in .text .data heap stack; do
			read -r _ start end < <(grep "^$region " "$BATS_TEST_TMPDIR/regions")
			"$physlens" --source "$source" read --verify -O /dev/null "1:$start" \
				$((end - start)) 2>"$BATS_TEST_TMPDIR/said" || [ $? = 2 ]
			grep -q ', 0 different$' "$BATS_TEST_TMPDIR/said"
			# Gaps are pages that are not in RAM.
			run ! grep -vE 'not in RAM|no frame|pages compared' "$BATS_TEST_TMPDIR/said"
		done
	done
}

@test "huge pages of 2 MiB read as well" {
	local source start
	# The files share one process that has some of them.
	echo 20 >/proc/sys/vm/nr_hugepages
	start pagekinds --only hugetlb
	start=$(awk -F'\t' '$1 == "hugetlb" { print $2 }' "$made")
	[ -n "$start" ]
	for source in $(open_sources); do
		run --separate-stderr "$physlens" --source "$source" read --verify -O /dev/null \
			"$pid:$start" 2M
		echo "$stderr"
		[ "$status" = 0 ]
		[[ "$stderr" == *'512 pages compared with /proc/PID/mem: 512 equal, 0 different' ]]
	done
}

@test "an address that is no RAM is never asked of a device" {
	local source address
	for source in $(open_sources); do
		for address in 0xfee00000 0xa0000; do
			run -2 --separate-stderr "$physlens" --source "$source" read $address 64
			[[ "$stderr" == *'not System RAM' ]]
		done
	done
}

@test "RAM can be streamed, and what cannot be read is told" {
	local source
	for source in $(open_sources); do
		run --separate-stderr "$physlens" --source "$source" read -O /dev/null 0 32M
		[ "$status" = 2 ]
		run ! grep -vE 'not System RAM|0x9f000-|not in the kernel|none of its segments' <<<"$stderr"
	done
}

@test "memory that is offline is a gap in kcore, not zeroes" {
	local size block address said offline owner
	[ -e /sys/devices/system/memory/auto_online_blocks ]
	size=$((0x$(cat /sys/devices/system/memory/block_size_bytes)))
	for block in /sys/devices/system/memory/memory[1-9]*; do
		# The kernel tries for ever where somebody holds a page.
		timeout 60 sh -c 'echo offline >"$1"' - "$block/state" 2>/dev/null || continue
		break
	done
	[ "$(cat "$block/state")" = offline ]
	address=$(printf '0x%x' $((${block##*memory} * size)))
	run -2 --separate-stderr "$physlens" --source kcore read "$address" 64
	said=$stderr
	offline=$("$physlens" census --by kind -n -r -o kind,frames | awk '$1 == "offline" { print $2 }')
	owner=$("$physlens" owner --paddr -n -r -o kind "$address")
	echo online >"$block/state"
	[[ "$said" == *': kcore: offline, zeroes are in its place' ]]
	[ "$offline" -ge $((size / 4096)) ]
	[ "$owner" = offline ]
	# Now it is there again.
	run -0 "$physlens" --source kcore read "$address" 64
}

@test "memory that the kernel has not mapped itself is a gap, a page of zeroes of it, too" {
	local source address
	start secretbytes
	address=$(value address)
	[ "$address" != 0x0 ] || return 0
	for source in $(open_sources); do
		run -2 --separate-stderr "$physlens" --source "$source" read --raw "$pid:$address" 8K
		[ -z "$output" ] || run ! grep -q s <<<"$output"
		[[ "$stderr" == *": not in the kernel's map of all memory"* ]]
	done
}
