#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 2048 --append 'nopat nokaslr pti=off numa=fake=2 memmap=16M$0x20000000' --qemu-arg -device --qemu-arg "loader,file=$dir/pattern.txt,addr=0x20000000,force-raw=on"
# Two NUMA nodes, which the kernel makes of one machine's memory.

load guest

setup_file() { all_kinds_possible; }

# on_node N: a process with 8 MiB that the kernel was told to take from node N. Sets pid, and
# `pages`: addresses of some of them.
on_node() {
	local start
	mkfifo "$BATS_TEST_TMPDIR/hold.$1"
	# set_mempolicy(MPOL_BIND)
	perl -e 'syscall(238, 2, pack("Q", 1 << $ARGV[0]), 64) == 0 or die;
		# Not a constant, which perl would make before.
		$n = 8 << 20; $x = "x" x $n;
		$| = 1; print "ready\n"; <STDIN>' "$1" <>"$BATS_TEST_TMPDIR/hold.$1" \
		>"$BATS_TEST_TMPDIR/said.$1" 3>&- &
	pid=$!
	started+=("$pid")
	until grep -q ready "$BATS_TEST_TMPDIR/said.$1"; do
		kill -0 "$pid"
		sleep 0.05
	done
	# The kernel's own word for where they are: "7f… bind:1 anon=2049 dirty=2049 N1=2049 …".
	start=$(awk -v want="^N$1=" '/ anon=/ {
		for (i = 3; i <= NF; i++)
			if ($i ~ /^N[0-9]=/ && $i ~ want && substr($i, 4) + 0 >= 2048) print $1
	}' "/proc/$pid/numa_maps" | tail -n 1)
	[ -n "$start" ]
	mapfile -t pages < <(for page in 1 2 700 2047; do printf '0x%x\n' $((0x$start + page * 4096)); done)
}

@test "there are two nodes" {
	[ "$(cat /sys/devices/system/node/online)" = 0-1 ]
	"$physlens" doctor -J | jq -e '.doctor[] | select(.gate == "numa") | .state == "open"'
}

@test "a page's node is the one that the kernel was told to take it from" {
	for node in 0 1; do
		on_node "$node"
		run -0 "$physlens" translate -n -r -o node "$pid" "${pages[@]}"
		[ "$output" = "$(printf '%s\n' "$node" "$node" "$node" "$node")" ]
		pfn=$("$physlens" translate -n -r -o pfn "$pid" "${pages[0]}")
		run -0 "$physlens" owner -n -r -o node "$pfn"
		[ "$(sort -u <<<"$output")" = "$node" ]
	done
	stop_all
}

@test "lab hierarchy: the RAM of each node is what /proc/zoneinfo says is present" {
	run -0 "$physlens" lab -J hierarchy
	for node in 0 1; do
		drawn=$(jq -r --arg name "RAM, node $node" '.lab[] | select(.name == $name) | .text' \
			<<<"$output" | sed -n 's/^\([0-9]*\) MiB.*/\1/p')
		present=$(awk -v node="$node," '/^Node/ { on = $2 == node }
			on && $1 == "present" { pages += $2 } END { print pages * 4 / 1024 }' /proc/zoneinfo)
		echo "node $node: drawn $drawn MiB, present $present MiB"
		awk -v a="$drawn" -v b="$present" 'BEGIN { exit !(a > 100 && a - b < 2 && b - a < 2) }'
	done
	[ "$(jq '[.lab[] | select(.kind == "ram" and (.text | test("the 1st byte")))] | length' <<<"$output")" = 1 ]
}
