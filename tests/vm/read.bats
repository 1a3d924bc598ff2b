#!/usr/bin/env bats
# vm: --kernel lab
# vm: --kernel lab --append 'nopat nokaslr'
# vm: --kernel lab --cpu-flag la57=on
# vm: --kernel lab --append lockdown=integrity
# vm: --kernel lab --append lockdown=confidentiality
# vm: --kernel stock-6.1
# vm: --kernel stock-6.12
# `read` through every source that this kernel leaves open is what the process put there, and every
# source that it does not is refused by name.
# shellcheck disable=SC2154 # set by guest.bash

load guest

pattern=$BATS_TEST_DIRNAME/pattern.txt

lockdown() { sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/security/lockdown; }

# Sources that must work here, by what the kernel was made of and told.
open_sources() {
	local level
	level=$(lockdown)
	if [[ $level = none ]] && configured '# CONFIG_STRICT_DEVMEM is not set'; then
		echo devmem
	fi
	[[ $level = confidentiality ]] || printf '%s\n' kcore bpf
}

teardown() { stop_all; }

@test "every open source reads the same page, identical to what the process put there" {
	start lockedbytes "$pattern"
	address=$(value address)
	for source in $(open_sources); do
		for page in 0 7 15; do
			paddr=$(($(pfn_of "$pid" $((address + page * 4096))) * 4096))
			"$physlens" --source "$source" read --raw "$(printf 0x%x $paddr)" 4096 |
				cmp - <(tail -c +$((page * 4096 + 1)) "$pattern" | head -c 4096)
		done
		"$physlens" --source "$source" read --raw "$pid:$(printf 0x%x "$address")" 64K |
			cmp - "$pattern"
	done
}

@test "what they read is what /proc/PID/mem says, of PID 1" {
	for source in $(open_sources); do
		for region in .text .data heap stack; do
			read -r start end < <("$physlens" map -r -n -o START,END --region $region 1)
			"$physlens" --source "$source" read --verify -O /dev/null "1:$start" \
				$((end - start)) 2>"$BATS_TEST_TMPDIR/said" || [ $? = 2 ]
			grep -q ', 0 different$' "$BATS_TEST_TMPDIR/said"
			# Gaps are pages that are not in RAM.
			run ! grep -vE 'not in RAM|no frame|pages compared' "$BATS_TEST_TMPDIR/said"
		done
	done
}

@test "huge pages of 2 MiB read as well" {
	[[ $(lockdown) != confidentiality ]] || return 0
	echo 2 >/proc/sys/vm/nr_hugepages
	start pagekinds --only hugetlb
	start=$(awk -F'\t' '$1 == "hugetlb" { print $2 }' "$made")
	[ -n "$start" ]
	for source in $(open_sources); do
		run -0 --separate-stderr "$physlens" --source "$source" read --verify -O /dev/null \
			"$pid:$start" 2M
		[[ "$stderr" == *'512 pages compared with /proc/PID/mem: 512 equal, 0 different' ]]
	done
}

@test "auto takes the first that is open" {
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
		[[ "$output" == *'no source of physical memory works: devmem: denied'*'; kcore: denied'*'; bpf: refused'* ]]
		[[ "$output" == *'(remedy: '*lockdown* ]]
	fi
}

@test "each closed source says why, and what opens it" {
	for source in devmem kcore bpf; do
		! open_sources | grep -qx $source || continue
		run -2 "$physlens" --source $source read "$(ram_address)" 64
		case $source:$(lockdown) in
		devmem:none) [[ "$output" == *'devmem: strict: RAM above 1 MiB is refused; below it reads as zeros (remedy: a kernel without CONFIG_STRICT_DEVMEM'* ]] ;;
		bpf:*) [[ "$output" == *'bpf: refused: '*'(remedy: boot with lockdown=integrity'* ]] ;;
		kcore:*) [[ "$output" == *'kcore: denied: open: Operation not permitted (remedy: boot with lockdown=integrity'* ]] ;;
		*) [[ "$output" == *"$source: denied: open: Operation not permitted (remedy: boot with lockdown="* ]] ;;
		esac
	done
}

@test "the zeros of a strict /dev/mem below 1 MiB are not data" {
	configured CONFIG_STRICT_DEVMEM=y && [[ $(lockdown) = none ]] || return 0
	run -2 --separate-stderr "$physlens" --source devmem read --any-address 0x1000 64
	[[ "$output" == *'# gap 0x1000-0x1040, 64 bytes: devmem: strict: '* ]]
	# What is no RAM it does serve: the BIOS.
	run -0 --separate-stderr "$physlens" --source devmem read --any-address 0xffff0 16
	[[ "$stderr" == *'--any-address'* ]]
}

@test "an address that is no RAM is never asked of a device" {
	[[ -n $(open_sources) ]] || return 0
	for source in $(open_sources); do
		run -2 --separate-stderr "$physlens" --source "$source" read 0xfee00000 64
		[[ "$stderr" == *'not System RAM' ]]
		run -2 --separate-stderr "$physlens" --source "$source" read 0xa0000 64
		[[ "$stderr" == *'not System RAM' ]]
	done
}

@test "RAM can be streamed, and what cannot be read is told" {
	for source in $(open_sources); do
		run --separate-stderr "$physlens" --source "$source" read -O /dev/null 0 32M
		[ "$status" = 2 ]
		run ! grep -vE 'not System RAM|0x9f000-|not in the kernel|none of its segments' <<<"$stderr"
	done
}

@test "memory that is offline is a gap in kcore, not zeroes" {
	[[ -e /sys/devices/system/memory/auto_online_blocks ]] || return 0
	open_sources | grep -qx kcore || return 0
	size=$((0x$(cat /sys/devices/system/memory/block_size_bytes)))
	for block in /sys/devices/system/memory/memory[1-9]*; do
		# The kernel tries for ever where somebody holds a page.
		timeout 60 sh -c 'echo offline >"$1"' - "$block/state" 2>/dev/null || continue
		break
	done
	[ "$(cat "$block/state")" = offline ]
	run -2 --separate-stderr "$physlens" --source kcore read \
		"$(printf '0x%x' $((${block##*memory} * size)))" 64
	echo online >"$block/state"
	[[ "$stderr" == *': kcore: offline, zeroes are in its place' ]]
}
