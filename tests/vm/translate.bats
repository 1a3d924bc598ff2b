#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --cpus 1 --mem 2048
# vm-deep: --kernel lab --cpus 1 --mem 2048 --append 'pti=on nokaslr'
# The proof of `translate`: known bytes in a locked page are in RAM at the physical
# address that it gives, also where the kernel uses five levels.

load guest

setup_file() {
	start lockedbytes "$BATS_TEST_DIRNAME/pattern.txt"
	export made pid
}

teardown_file() { kill "$pid"; }

# paddr PID ADDRESS
paddr() { "$physlens" translate -n -r -o paddr "$1" "$2"; }

@test "known bytes in a locked page are in RAM where translate says" {
	for page in 0 1 8 15; do
		at=$(paddr "$pid" "$(printf '0x%x' $(($(value address) + page * 4096)))")
		[ $((at % 4096)) -eq 0 ]
		"$programs/devmem-peek" "$at" 4096 >"$BATS_TEST_TMPDIR/ram"
		dd if="$BATS_TEST_DIRNAME/pattern.txt" bs=4096 skip=$page count=1 status=none |
			cmp - "$BATS_TEST_TMPDIR/ram"
	done
}

@test "the offset in the page is the address's own" {
	at=$(paddr "$pid" "$(printf '0x%x' $(($(value address) + 4096 + 32)))")
	"$programs/devmem-peek" "$at" 31 >"$BATS_TEST_TMPDIR/line"
	[ "$(cat "$BATS_TEST_TMPDIR/line")" = 'physlens pattern line 00129 ...' ]
}

@test "--explain takes the address apart into the levels that this kernel uses" {
	run -0 "$physlens" translate --explain "$pid" "$(value address)"
	if grep -q -w la57 /proc/cpuinfo; then
		[[ "$output" == *'as 5 levels of page tables see it'*'56..48 '*' P4D '* ]]
	else
		[[ "$output" == *'as 4 levels of page tables see it'* ]]
		[[ "$output" != *' P4D '* ]]
	fi
}
