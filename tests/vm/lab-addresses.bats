#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --cpus 1 --mem 2048 --append 'pti=on nokaslr'
# vm: --kernel lab --cpus 1 --mem 2048 --append 'nopat nokaslr pti=off numa=fake=2 memmap=16M$0x20000000' --qemu-arg -device --qemu-arg "loader,file=$dir/pattern.txt,addr=0x20000000,force-raw=on"
# The guest's page tables are what its command line asked for.

load guest

@test "five levels where the processor has them, else four" {
	if grep -q -w la57 /proc/cpuinfo; then want=1; else want=0; fi
	[[ "$(uname -m)" == x86_64 ]]
	# The note in VMCOREINFO is the kernel's own word.
	read -r address size </sys/kernel/vmcoreinfo
	"$programs/devmem-peek" "$address" "0x$size" |
		grep -a -q "^NUMBER(pgtable_l5_enabled)=$want$"
}

@test "KASLR moved the kernel unless nokaslr was said" {
	text=$(awk '$3 == "_text" { print $1 }' /proc/kallsyms)
	if grep -q -w nokaslr /proc/cmdline; then
		[ "$text" = ffffffff81000000 ]
	else
		[ "$text" != ffffffff81000000 ]
	fi
}

@test "the kernel is isolated from user mode when pti=on was said" {
	if grep -q -w pti=on /proc/cmdline; then
		grep -q -w pti /proc/cpuinfo
	elif grep -q -w pti=off /proc/cmdline; then
		run ! grep -q -w pti /proc/cpuinfo
	fi
}

@test "bytes in a locked page are in RAM at the address that pagemap gives" {
	start lockedbytes "$BATS_TEST_DIRNAME/pattern.txt"
	address=$(value address)
	for page in 0 7 15; do
		pfn=$(pfn_of "$pid" $((address + page * 4096)))
		"$programs/devmem-peek" $((pfn * 4096)) 4096 >"$BATS_TEST_TMPDIR/ram"
		dd if="$BATS_TEST_DIRNAME/pattern.txt" bs=4096 skip=$page count=1 status=none |
			cmp - "$BATS_TEST_TMPDIR/ram"
	done
	stop_all
}
