#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 2048
# vm: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --cpus 1 --mem 2048 --append 'nopat nokaslr pti=off numa=fake=2 memmap=16M$0x20000000' --qemu-arg -device --qemu-arg "loader,file=$dir/pattern.txt,addr=0x20000000,force-raw=on"
# vm: --kernel lab --cpus 1 --append lockdown=integrity
# vm: --kernel lab --cpus 1 --append lockdown=confidentiality
# vm: --kernel stock-6.1 --cpus 1 --mem 2048
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-newest --cpus 1 --mem 2048
# vm: --kernel stock-cloud --cpus 1 --mem 2048
# vm-deep: --kernel lab --cpus 1 --mem 2048 --append 'pti=on nokaslr'
# Every source of physical memory that this kernel leaves open reads what a process put there; every
# other one is refused by name; `doctor` says which are which.
# shellcheck disable=SC2154 # set by guest.bash

load guest

pattern=$BATS_TEST_DIRNAME/pattern.txt

setup_file() {
	export gates=$BATS_FILE_TMPDIR/gates
	"$physlens" doctor -n -r -o gate,state,remedy >"$gates"
}

teardown() { stop_all; }

# is GATE STATE [REMEDY]: by doctor; REMEDY is a part of what it recommends.
is() {
	grep "^$1 " "$gates"
	grep -q "^$1 $2\( .*${3:-}\|$\)" "$gates"
}

@test "doctor: lockdown is said as the kernel says it" {
	is lockdown "$(lockdown)"
}

@test "doctor: /dev/mem is open, strict or locked down, and what opens it is said" {
	if [[ $(lockdown) != none ]]; then
		is devmem lockdown lockdown=none
	elif configured CONFIG_STRICT_DEVMEM=y; then
		is devmem strict CONFIG_STRICT_DEVMEM
	else
		is devmem open
	fi
}

@test "doctor: kcore and eBPF survive integrity lockdown and not confidentiality" {
	local state=open
	[[ $(lockdown) != confidentiality ]] || state=lockdown
	is kcore $state
	is bpf $state
}

@test "every open source reads the same pages, identical to what the process put there" {
	local source address page
	start lockedbytes "$pattern"
	address=$(value address)
	for page in 0 7 15; do
		# Physically: where an independent read of pagemap says.
		printf '0x%x 1\n' $((address + page * 4096))
	done >"$BATS_TEST_TMPDIR/places"
	in_pagemap "$pid" "$BATS_TEST_TMPDIR/places" >"$BATS_TEST_TMPDIR/frames"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/frames")" = 3 ]
	for source in $(open_sources); do
		while read -r page pfn; do
			"$physlens" --source "$source" read --raw "$(printf 0x%x $((pfn * 4096)))" 4096 |
				cmp - <(tail -c +$((page - address + 1)) "$pattern" | head -c 4096)
		done <"$BATS_TEST_TMPDIR/frames"
		"$physlens" --source "$source" read --raw "$pid:$(printf 0x%x "$address")" 64K |
			cmp - "$pattern"
	done
}

@test "auto takes the first that is open" {
	local first code auto
	first=$(open_sources | head -n 1)
	if [[ -n $first ]]; then
		# The kernel's own code: other bytes may change between two looks.
		code=$(awk '/ : Kernel code$/ { split($1, ends, "-"); print "0x" ends[1] }' /proc/iomem)
		[ -n "$code" ]
		run -0 "$physlens" read "$code" 64
		auto=$output
		run -0 "$physlens" --source "$first" read "$code" 64
		[ "$auto" = "$output" ]
	else
		run -2 "$physlens" read "$(ram_address)" 64
		[[ "$output" == *'no source of physical memory works: devmem: denied'*'lockdown=confidentiality'*'; kcore: denied'*'; bpf: denied: the kernel is locked down (lockdown=confidentiality)'* ]]
		[[ "$output" == *'(remedy: '*lockdown* ]]
	fi
}

@test "each closed source says why, and what opens it" {
	local source
	for source in devmem kcore bpf; do
		! open_sources | grep -qx $source || continue
		run -2 "$physlens" --source $source read "$(ram_address)" 64
		case $source:$(lockdown) in
		devmem:none) [[ "$output" == *'devmem: strict: RAM above 1 MiB is refused; below it reads as zeros (remedy: a kernel without CONFIG_STRICT_DEVMEM'* ]] ;;
		bpf:*) [[ "$output" == *'bpf: denied: the kernel is locked down (lockdown=confidentiality) (remedy: boot with lockdown=integrity'* ]] ;;
		kcore:*) [[ "$output" == *"kcore: denied: open: Operation not permitted: the kernel is locked down (lockdown=$(lockdown)) (remedy: boot with lockdown=integrity"* ]] ;;
		*) [[ "$output" == *"$source: denied: open: Operation not permitted: the kernel is locked down (lockdown=$(lockdown)) (remedy: boot with lockdown="* ]] ;;
		esac
	done
}

@test "walk, too, names lockdown where it closes every source, and not the verifier's words" {
	[[ $(lockdown) == confidentiality ]] || return 0
	run -2 "$physlens" walk $$ main
	[[ "$output" == *'bpf: denied: the kernel is locked down (lockdown=confidentiality)'* ]]
	[[ "$output" != *probe_read_kernel* ]]
	run -0 "$physlens" doctor
	[[ "$output" == *'walk '*'not, it needs a source'* ]]
}
