#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel stock-6.1 --cpus 1 --mem 2048
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# Debian's own kernels: /dev/mem is strict, /proc/kcore is the way in.

load guest

@test "it is Debian's own, not installed" {
	[[ "$(uname -r)" == 6.*-amd64 && "$(uname -v)" == *' Debian '* ]]
	[ ! -e "/boot/vmlinuz-$(uname -r)" ]
}

@test "a read of RAM through /dev/mem is refused" {
	run -1 "$programs/devmem-peek" "$(ram_address)" 4096
	[[ "$output" == *'Operation not permitted'* ]]
	run -1 "$programs/devmem-peek" --mmap "$(ram_address)" 4096
	[[ "$output" == *'Operation not permitted'* ]]
}

@test "RAM below 1 MiB reads as zeros: restricted, not data" {
	run -0 awk -F'[- ]' '/System RAM/ { print $1; exit }' /proc/iomem
	[ "$output" = 00001000 ]
	"$programs/devmem-peek" 0x1000 4096 | cmp -n 4096 - /dev/zero
}

@test "the zeros of a strict /dev/mem below 1 MiB are not data: a gap, with its reason" {
	run -2 --separate-stderr "$physlens" --source devmem read --any-address 0x1000 64
	[[ "$output" == *'# gap 0x1000-0x1040, 64 bytes: devmem: strict: '* ]]
	# What is no RAM it does serve: the BIOS.
	run -0 --separate-stderr "$physlens" --source devmem read --any-address 0xffff0 16
	[[ "$stderr" == *'--any-address'* ]]
}

@test "/proc/kcore and BTF are there" {
	run -0 readelf -l /proc/kcore
	[[ "$output" == *LOAD* ]]
	[ -s /sys/kernel/btf/vmlinux ]
}
