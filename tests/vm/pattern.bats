#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 2048 --append 'nopat nokaslr pti=off numa=fake=2 memmap=16M$0x20000000' --qemu-arg -device --qemu-arg "loader,file=$dir/pattern.txt,addr=0x20000000,force-raw=on"
# QEMU put pattern.txt at a physical address that the kernel was told to leave
# alone: bytes in RAM that no process and no kernel ever handled.

load guest

at=0x20000000

@test "the kernel leaves the hole alone" {
	grep -q '^20000000-20ffffff : Reserved' /proc/iomem
}

@test "the pattern is read back through /dev/mem by read" {
	"$programs/devmem-peek" $at 65536 | cmp - "$BATS_TEST_DIRNAME/pattern.txt"
	"$programs/devmem-peek" $((at + 4096 + 32)) 31 >"$BATS_TEST_TMPDIR/line"
	[ "$(cat "$BATS_TEST_TMPDIR/line")" = 'physlens pattern line 00129 ...' ]
}

@test "the pattern is read back through /dev/mem by mmap" {
	"$programs/devmem-peek" --mmap $at 65536 | cmp - "$BATS_TEST_DIRNAME/pattern.txt"
}
