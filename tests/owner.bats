#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# owner: who maps a frame, and what frames are that nobody maps.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

setup_file() {
	system_prepare
	fixture_start
	kill -STOP "$FIXTURE_PID"
}

teardown_file() {
	kill -CONT "$FIXTURE_PID"
	fixture_stop
	system_restore
}

setup() {
	[ "$(id -u)" = 0 ] || skip 'frame numbers are hidden from who is not root'
}

teardown() {
	helpers_stop
}

# pfn_of PID ADDRESS
pfn_of() {
	physlens translate -n -r -o pfn "$1" "$2"
}

@test "a frame of memory that a fork shares: each process with its address" {
	helper_start sharers 3 1
	local children address pfn
	read -ra children < <(sed -n 's/^children //p' "$HELPER_DIR/out")
	address=$(helper_value address)
	pfn=$(pfn_of "$HELPER_PID" "$address")
	run -0 --separate-stderr physlens owner --json "$pfn"
	json_check ".owner | length == 3 and ([.[] | .pfn == \"$pfn\" and .vaddr == \"$address\" and
		.region == \"anon\" and .command == \"sharers\" and .mappers == 3] | all)"
	json_check "[.owner[].pid] == ([$HELPER_PID, ${children[0]}, ${children[1]}] | sort)"
	json_check '.owner[0].kind == "anon" and .owner[0].counted == 3'
	json_check '.owner[0].flags | split(",") | index("anon") != null and index("mmap") != null'
}

@test "--paddr: any byte of the frame; several, each once, in order" {
	local address pfn paddr
	helper_start sharers 1 1
	address=$(helper_value address)
	pfn=$(pfn_of "$HELPER_PID" "$address")
	paddr=$(physlens translate -n -r -o paddr "$HELPER_PID" "$(printf '0x%x' $((address + 0x123)))")
	run -0 --separate-stderr physlens owner -n -r -o pfn,pid --paddr "$paddr"
	[ "$output" = "$pfn $HELPER_PID" ]
	run -0 --separate-stderr physlens owner -n -r -o pfn,pid --paddr "$paddr" "$(printf '%x' $((pfn << 12)))"
	[ "$output" = "$pfn $HELPER_PID" ]
}

@test "--process --region: the frames that map has" {
	helper_start sharers 1 1
	physlens owner -n -r -o pfn,vaddr --process "$HELPER_PID" --region stack |
		sort >"$BATS_TEST_TMPDIR/owner"
	physlens map --pages -n -r -o state,pages,vaddr --region stack "$HELPER_PID" |
		while read -r state pages vaddr; do
			[ "$state" = present ] || continue
			for ((i = 0; i < pages; i++)); do
				address=$(printf '0x%x' $((vaddr + i * PAGE_SIZE)))
				echo "$(pfn_of "$HELPER_PID" "$address") $address"
			done
		done | sort >"$BATS_TEST_TMPDIR/map"
	[ -s "$BATS_TEST_TMPDIR/map" ]
	# Pages that a fork shares have its rows as well.
	[ -z "$(comm -13 "$BATS_TEST_TMPDIR/owner" "$BATS_TEST_TMPDIR/map")" ]
	run -2 --separate-stderr physlens owner --process "$HELPER_PID" --region .nonsense
	[[ $stderr == *'is called .nonsense; there are: '* ]]
}

@test "a KSM page has many mappers; each is found" {
	require_kind ksm
	local pfn
	pfn=$(peek_field ksm 7 | head -n 1)
	run -0 --separate-stderr physlens owner --json -o +mappers,counted "$(printf '%x' "$pfn")"
	json_check '.owner[0].kind == "ksm" and .owner[0].mappers == (.owner | length)'
	json_check ".owner | map(select(.pid == $FIXTURE_PID)) | length >= 2"
}

@test "a huge page of hugetlb: order 9, and its head" {
	require_kind hugetlb
	local pfn
	pfn=$(peek_field hugetlb 7 | sed -n 5p)
	run -0 --separate-stderr physlens owner --json "$(printf '%x' "$pfn")"
	json_check '.owner[0].kind == "hugetlb" and .owner[0].order == 9'
	json_check ".owner[0].head == \"$(printf '0x%x' $((pfn & ~511)))\""
}

@test "the zero page is nobody's" {
	local pfn
	require_kind anon-read
	pfn=$(peek_field anon-read 7 | head -n 1)
	run -0 --separate-stderr physlens owner --json "$(printf '%x' "$pfn")"
	json_check '.owner | length == 1 and .[0].kind == "zero" and .[0].pid == null'
}

@test "frames that nobody maps are explained: free, slab, device, past RAM" {
	local last free slab
	last=$(sed -n 's/^[0-9a-f]*-\([0-9a-f]*\) : System RAM$/\1/p' /proc/iomem | tail -n 1)
	run -0 --separate-stderr physlens owner --json --paddr "$(printf '%x' $((0x$last + 0x10000000000)))"
	json_check '.owner | length == 1 and .[0].pid == null'
	json_check '.owner[0].kind == "past-ram" or .owner[0].kind == "device"'
	run -0 --separate-stderr physlens owner --json ffffffffffff
	json_check '.owner[0].kind == "past-ram"'
	run -0 --separate-stderr physlens owner --json ffffffffffffffff
	json_check '.owner[0].kind == "past-ram" and .owner[0].paddr == null'
	# The first of each kind: word by word, as 64-bit little-endian numbers.
	free=$(od -A d -t x8 -w8 -v -j $((0x100000)) -N $((1 << 21)) /proc/kpageflags |
		awk '$2 == "0000000000000400" { print $1 / 8; exit }')
	if [ -n "$free" ]; then
		run -0 --separate-stderr physlens owner --json -o pfn,kind,pid,flags "$(printf '%x' "$free")"
		json_check '.owner | length == 1 and .[0].pid == null'
	fi
	slab=$(od -A d -t x8 -w8 -v -j $((0x100000)) -N $((1 << 23)) /proc/kpageflags |
		awk '$2 == "0000000000000080" { print $1 / 8; exit }')
	if [ -n "$slab" ]; then
		run -0 --separate-stderr physlens owner --json "$(printf '%x' "$slab")"
		json_check '.owner[0].pid == null'
	fi
}

@test "a device range is named as iomem does" {
	local start name
	read -r start name < <(sed -n 's/^ *\([0-9a-f]*\)-[0-9a-f]* : \(IOAPIC.*\|Local APIC\|HPET.*\)$/\1 \2/p' \
		/proc/iomem | head -n 1)
	[ -n "$start" ] || skip 'no device that every machine has'
	run -0 --separate-stderr physlens owner --json --paddr "$start"
	json_check ".owner[0].kind == \"device\" and .owner[0].resource == \"$name\""
}

@test "the cgroup that a frame is charged to" {
	local line path pfn
	helper_start sharers 1 1
	pfn=$(pfn_of "$HELPER_PID" "$(helper_value address)")
	[ -r /proc/kpagecgroup ] || skip 'no kpagecgroup'
	# Where that is not mounted, physlens has but the inode's number.
	[ -e /sys/fs/cgroup/cgroup.procs ] || [ -d /sys/fs/cgroup/memory ] || skip 'no cgroup file system'
	run -0 --separate-stderr physlens owner --json -o pfn,cgroup "$pfn"
	line=$(grep -E '^[0-9]+:([^:]*,)?memory(,[^:]*)?:' "/proc/$HELPER_PID/cgroup" ||
		grep '^0::' "/proc/$HELPER_PID/cgroup")
	path=${line#*:*:}
	# A kernel without memory cgroups charges nobody.
	json_check ".owner[0].cgroup as \$c | \$c == null or (\"$path\" | startswith(\$c)) or
		(\$c | startswith(\"$path\")) or (\$c | endswith(\"$path\"))"
}

@test "bad input" {
	run -2 --separate-stderr physlens owner
	[[ $stderr == *'a frame number is needed'* ]]
	run -2 --separate-stderr physlens owner xyz
	[[ $stderr == *'not a frame number (hexadecimal): xyz'* ]]
	run -2 --separate-stderr physlens owner --paddr 1ffffffffffffffff
	[[ $stderr == *'not a physical address'* ]]
	run -2 --separate-stderr physlens owner --region heap 1
	[[ $stderr == *'need --process'* ]]
	run -2 --separate-stderr physlens owner --process 4194303
	[[ $stderr == *'no such process'* ]]
}
