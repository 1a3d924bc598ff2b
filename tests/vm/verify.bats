#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 2048
# vm-deep: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# verify against what a kernel exploit does: a page-cache frame of the C library is altered, and nothing
# becomes dirty. And uprobes, which the host's kernel may lack. The guest's own root cannot be read past
# its cache (9p), so what runs lies on a disk of its own.

load guest

setup_file() {
	disk=$BATS_FILE_TMPDIR/disk
	export mnt=$BATS_FILE_TMPDIR/mnt
	truncate -s 64M "$disk"
	mke2fs -q -t ext4 "$disk"
	mkdir "$mnt"
	mount -o loop "$disk" "$mnt"
	libc=$(ldd "$(command -v sleep)" | awk '$1 == "libc.so.6" { print $3 }')
	loader=$(ldd "$(command -v sleep)" | awk '/ld-linux/ { print $1 }')
	cp "$(command -v sleep)" "$libc" "$loader" "$mnt"
	export loader=$mnt/${loader##*/} original=$libc
	sync
}

teardown_file() {
	umount "$mnt"
}

setup() {
	sleepers=()
}

teardown() {
	kill "${sleepers[@]}" 2>/dev/null || true
	for pid in "${sleepers[@]}"; do wait "$pid" || true; done
}

# start_sleepers N: as many processes whose program, loader and C library are on the disk, and nothing else of theirs.
start_sleepers() {
	local i

	for ((i = 0; i < $1; i++)); do
		LC_ALL=C "$loader" --library-path "$mnt" "$mnt/sleep" 300 </dev/null 3>&- &
		sleepers+=($!)
	done
	asleep "${sleepers[@]}"
}

address() { "$physlens" translate -n -r -o vaddr "$1" "$2"; }

paddr() { "$physlens" translate -n -r -o paddr "$1" "$2"; }

@test "what is on 9p is unverifiable, not a match" {
	sleep 300 3>&- &
	sleepers+=($!)
	asleep "${sleepers[@]}"
	run -2 "$physlens" verify --json "${sleepers[0]}"
	jq -e '.verify | length > 2 and ([.[].kind] | unique == ["unverifiable"])' <<<"$output"
}

@test "what is on the disk is clean" {
	start_sleepers 3
	run -0 "$physlens" verify "${sleepers[@]}"
	[[ "$output" == *' 3 processes compared, memory read through devmem.'* ]]
}

@test "a page-cache frame of libc altered through /dev/mem: found from every process, where cmp is blind" {
	local pid flags at old
	start_sleepers 3
	# Nobody calls it while they sleep, and it is in RAM where it is compared.
	at=$(paddr "${sleepers[0]}" 'libc.so.6!getenv')
	[ -n "$at" ]
	old=$("$programs/tamper" devmem "$at" 31c0c3)
	run -1 "$physlens" verify --json "${sleepers[@]}"
	jq -e '.verify | length == 3 and ([.[].kind] | unique == ["page-cache"])' <<<"$output"
	jq -e '[.verify[] | .symbol == "getenv" and .after == "31 c0 c3"] | all' <<<"$output"
	jq -e "[.verify[].pid] | sort == ([$(IFS=,; echo "${sleepers[*]}")] | sort)" <<<"$output"
	jq -e '[.verify[] | .object | endswith("/mnt/libc.so.6")] | all' <<<"$output"
	for pid in "${sleepers[@]}"; do
		jq -e --arg at "$(address "$pid" 'libc.so.6!getenv')" \
			"[.verify[] | select(.pid == $pid)][0].vaddr == \$at" <<<"$output"
	done
	# An ordinary read gives the tampered cache; a direct one what is on the disk.
	run -1 cmp "$mnt/libc.so.6" "$original"
	dd if="$mnt/libc.so.6" iflag=direct bs=4096 status=none | cmp - "$original"
	# A machine's examiner finds it without knowing where to look.
	run -1 "$physlens" verify --all --json --allow 'unverifiable=*'
	jq -e '[.verify[].kind] | unique == ["page-cache"]' <<<"$output"
	jq -e '.verify | length == 3' <<<"$output"
	# Also from a private page's neighbours nothing else is said; put back, all is well.
	"$programs/tamper" devmem "$at" "$old" >/dev/null
	run -0 "$physlens" verify "${sleepers[@]}"
}

@test "without a source it is found, too: /proc/PID/mem shows the frame" {
	local at old
	start_sleepers 1
	at=$(paddr "${sleepers[0]}" 'libc.so.6!getenv')
	old=$("$programs/tamper" devmem "$at" cc)
	run -1 "$physlens" --source none verify --json "${sleepers[0]}"
	[[ "$output" == *page-cache* ]]
	"$programs/tamper" devmem "$at" "$old" >/dev/null
}

@test "the same through the other sources: kcore and bpf" {
	local at old source
	start_sleepers 1
	at=$(paddr "${sleepers[0]}" 'libc.so.6!getenv')
	old=$("$programs/tamper" devmem "$at" 9090)
	for source in kcore bpf; do
		run -1 "$physlens" --source $source verify "${sleepers[0]}"
		[[ "$output" == *"page-cache"*"getenv"*"→ 90 90"*"read through $source."* ]]
	done
	"$programs/tamper" devmem "$at" "$old" >/dev/null
}

@test "a uprobe: a breakpoint that has a name" {
	local offset
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	start_sleepers 2
	offset=$(readelf -sW --dyn-syms "$mnt/libc.so.6" | awk '$8 ~ /^getenv@@/ { print $2; exit }')
	echo "p:spy/getenv $mnt/libc.so.6:0x$offset" >/sys/kernel/tracing/uprobe_events
	run -0 "$physlens" verify "${sleepers[@]}"
	echo 1 >/sys/kernel/tracing/events/spy/getenv/enable
	run -1 "$physlens" verify --json "${sleepers[@]}"
	echo 0 >/sys/kernel/tracing/events/spy/getenv/enable
	echo >/sys/kernel/tracing/uprobe_events
	jq -e '.verify | length == 2 and ([.[].kind] | unique == ["breakpoint"])' <<<"$output"
	jq -e '[.verify[] | .why == "uprobe spy/getenv" and .symbol == "getenv" and .after == "cc"] | all' \
		<<<"$output"
	# The kernel has put the instruction back, in the page that it copied for it.
	run "$physlens" verify --json "${sleepers[@]}"
	jq -e '[.verify[].kind] | unique - ["copied"] == []' <<<"$output"
}

@test "a library on a disk that is patched in one process: only there" {
	start_sleepers 2
	"$programs/tamper" mem "${sleepers[1]}" "$(address "${sleepers[1]}" 'libc.so.6!getenv')" 9090 >/dev/null
	run -1 "$physlens" verify --json "${sleepers[@]}"
	jq -e ".verify | length == 1 and .[0].kind == \"patched\" and .[0].pid == ${sleepers[1]}" <<<"$output"
}
