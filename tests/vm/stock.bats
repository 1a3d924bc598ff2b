#!/usr/bin/env bats
# vm: --kernel stock-6.1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.12 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# Debian's own kernels: /dev/mem is strict, /proc/kcore is the way in.

load guest

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

@test "/proc/kcore and BTF are there" {
	run -0 readelf -l /proc/kcore
	[[ "$output" == *LOAD* ]]
	[ -s /sys/kernel/btf/vmlinux ]
}
