#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 2048
# vm: --kernel stock-6.1 --cpus 1 --mem 2048
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-newest --cpus 1 --mem 2048
# vm: --kernel stock-cloud --cpus 1 --mem 2048
# vm-deep: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel lab --cpus 1 --mem 2048 --append 'pti=on nokaslr'
# share, owner and census on other kernels, where all kinds of pages are made and nothing else runs.

load guest
load ../helpers/rollup

setup_file() {
	the_pagekinds
	kill -STOP "$pid"
}

teardown_file() { kill -CONT "$pid"; }

@test "census: USS, PSS, RSS and HUGETLB are those of smaps_rollup, to the KiB" {
	local children
	mapfile -t children < <(pgrep -P "$pid")
	[ "${#children[@]}" -ge 1 ]
	PAGE_SIZE=4096 PHYSLENS=$physlens same_as_rollup 10 '' "${children[@]}"
}

# It has the huge zero page, too, which newer kernels show in another way.
@test "census: the same of a process with every kind of page" {
	PAGE_SIZE=4096 PHYSLENS=$physlens same_as_rollup 4 '' "$pid"
}

@test "census --by kind: the rows sum to System RAM" {
	local frames=0 start end
	while IFS=- read -r start end; do
		frames=$((frames + (0x$end + 1) / 4096 - (0x$start + 4095) / 4096))
	done < <(awk '/^ *[0-9a-f]+-[0-9a-f]+ : System RAM$/ { print $1 }' /proc/iomem)
	"$physlens" census --by kind -n -r -o frames,kind
	[ $(($("$physlens" census --by kind -n -r -o frames | paste -sd +))) -eq "$frames" ]
}

@test "census --crosscheck: the kernel counts as many mappers" {
	run --separate-stderr "$physlens" census --freeze --crosscheck
	# shellcheck disable=SC2154 # bats sets stderr
	[[ $stderr =~ ([0-9]+)\ frames\ compared.*more\ mappers\ of\ ([0-9]+),\ fewer\ of\ ([0-9]+) ]]
	echo "$stderr"
	[ "${BASH_REMATCH[1]}" -gt 1000 ]
	# What ended or was copied since then: next to nothing, in a machine where nothing runs.
	[ $((BASH_REMATCH[2] + BASH_REMATCH[3])) -le $((BASH_REMATCH[1] / 10)) ]
}

@test "owner: a frame of the fixture leads back to it" {
	local pfn
	pfn=$("$physlens" map --pages -n -r -o state,pfn --region stack "$pid" |
		awk '$1 == "present" { print $2; exit }')
	"$physlens" owner -n -r -o pid,region "$pfn" | grep -q "^$pid stack$"
}

@test "share: the fixture and its children" {
	local children
	mapfile -t children < <(pgrep -P "$pid")
	[ "${#children[@]}" -ge 1 ]
	"$physlens" share -n -r -o region,pid,shared --region .text "$pid" "${children[0]}" >"$BATS_TEST_TMPDIR/rows"
	grep -q "$pid" "$BATS_TEST_TMPDIR/rows"
}
