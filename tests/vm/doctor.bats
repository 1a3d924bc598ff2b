#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.1 --cpus 1 --mem 2048
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-newest --cpus 1 --mem 2048
# vm: --kernel stock-cloud --cpus 1 --mem 2048
# vm-deep: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel lab --cpus 1 --mem 2048 --append 'pti=on nokaslr'
# What `doctor` says of a kernel is what that kernel is. (What lockdown leaves is in sources.bats.)

load guest

setup_file() {
	export gates=$BATS_FILE_TMPDIR/gates
	"$physlens" doctor -n -r -o gate,state >"$gates"
}

# is GATE STATE: says what it saw instead.
is() {
	grep -qx "$1 \($2\)" "$gates" || {
		echo "$1: expected $2; doctor says: $(grep "^$1 " "$gates")"
		return 1
	}
}

@test "frames, their flags and their counts are open" {
	is pagemap open
	is pfn open
	is kpageflags open
	is kpagecount exact
	is iomem open
	is btf open
	is vmcoreinfo open
}

@test "what came with later kernels is absent in earlier ones" {
	if newer_than 6.7; then
		is pagemap-scan 'open\|partial'
	else
		is pagemap-scan absent
	fi
	if newer_than 6.11; then is procmap-query open; else is procmap-query absent; fi
	if newer_than 6.13; then is guard open; else is guard absent; fi
}

@test "kallsyms and soft-dirty are as the kernel was configured" {
	if configured CONFIG_KALLSYMS_ALL=y; then is kallsyms open; else is kallsyms functions; fi
	if configured CONFIG_MEM_SOFT_DIRTY=y; then is soft-dirty open; else is soft-dirty absent; fi
}

@test "swap, KSM and huge pages are off, and on when they are on" {
	swapoff -a
	echo 0 >/sys/kernel/mm/ksm/run
	echo 0 >/proc/sys/vm/nr_hugepages
	"$physlens" doctor -n -r -o gate,state >"$gates"
	is swap off
	is ksm off
	# Some boots reserve a page of 1 GiB, for good.
	if [ "$(cat /sys/kernel/mm/hugepages/*/nr_hugepages | sort -u)" = 0 ]; then
		is hugetlb off
	fi
	all_kinds_possible
	"$physlens" doctor -n -r -o gate,state >"$gates"
	is swap on
	is ksm on
	is thp on
	is hugetlb on
}
