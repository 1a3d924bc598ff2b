#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# The lab kernel has what the other tests rely on, and it works: a test that
# fails here says so before twenty others fail for it.

load guest

setup_file() { all_kinds_possible; }

has() { zcat /proc/config.gz | grep -qx "$1"; }

@test "/dev/mem is there and not strict" {
	has CONFIG_DEVMEM=y
	has '# CONFIG_STRICT_DEVMEM is not set'
	[ -c /dev/mem ]
}

@test "RAM above 1 MiB is read through /dev/mem" {
	[ "$("$programs/devmem-peek" "$(ram_address)" 4096 | wc -c)" -eq 4096 ]
}

@test "mmap of RAM through /dev/mem is refused while PAT is on: read is the way" {
	run -1 "$programs/devmem-peek" --mmap "$(ram_address)" 4096
	[[ "$output" == *'Invalid argument'* ]]
}

@test "the kernel's own banner is in RAM where iomem and kallsyms say" {
	text=$(awk '$3 == "_text" { print "0x" $1 }' /proc/kallsyms)
	banner=$(awk '$3 == "linux_banner" { print "0x" $1 }' /proc/kallsyms)
	code=$(awk -F'[- ]+' '/Kernel code/ { print "0x" $2 }' /proc/iomem)
	"$programs/devmem-peek" $((code + banner - text)) 64 >"$BATS_TEST_TMPDIR/banner"
	grep -a -q "^Linux version $(uname -r)" "$BATS_TEST_TMPDIR/banner"
}

@test "/proc/kcore, BTF, kallsyms with data, debugfs and tracefs are there" {
	run -0 readelf -l /proc/kcore
	[[ "$output" == *LOAD* ]]
	[ -s /sys/kernel/btf/vmlinux ]
	grep -q ' page_offset_base$' /proc/kallsyms
	grep -q ' init_task$' /proc/kallsyms
	[ -e /sys/kernel/tracing/uprobe_events ]
	[ -e /sys/kernel/tracing/kprobe_events ]
	[ -s /sys/kernel/vmcoreinfo ]
}

@test "lockdown can be asked for and is off" {
	run -0 cat /sys/kernel/security/lockdown
	[ "$output" = '[none] integrity confidentiality' ]
}

@test "swap, huge pages of both sizes, KSM and cgroups work" {
	grep -q zram0 /proc/swaps
	[ "$(cat /proc/sys/vm/nr_hugepages)" -eq 16 ]
	[ "$(cat /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages)" -eq 1 ]
	[ "$(cat /sys/kernel/mm/ksm/run)" -eq 1 ]
	mkdir /sys/fs/cgroup/probe
	[ -e /sys/fs/cgroup/probe/cgroup.freeze ]
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	[ -e /sys/fs/cgroup/probe/memory.reclaim ]
	rmdir /sys/fs/cgroup/probe
}

@test "idle pages, hardware poison, namespaces and 32-bit programs are supported" {
	[ -e /sys/kernel/mm/page_idle/bitmap ]
	has CONFIG_MEMORY_FAILURE=y
	has CONFIG_SECRETMEM=y
	run -0 unshare -Urpf --mount-proc sh -c 'echo $$'
	[ "$output" = 1 ]
	has CONFIG_IA32_EMULATION=y
}

@test "a file system on a disk can be had" {
	truncate -s 16M "$BATS_TEST_TMPDIR/disk"
	mke2fs -q -t ext4 "$BATS_TEST_TMPDIR/disk"
	mkdir "$BATS_TEST_TMPDIR/mnt"
	mount -o loop "$BATS_TEST_TMPDIR/disk" "$BATS_TEST_TMPDIR/mnt"
	echo bytes >"$BATS_TEST_TMPDIR/mnt/file"
	sync
	run -0 dd if="$BATS_TEST_TMPDIR/mnt/file" iflag=direct bs=4096 status=none
	[ "$output" = bytes ]
	umount "$BATS_TEST_TMPDIR/mnt"
}
