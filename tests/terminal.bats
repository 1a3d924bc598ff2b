#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Tables on terminals: no line is wider than the screen, the object keeps its end, and what was asked for
# is shown.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

setup_file() {
	command -v script >/dev/null || skip 'no script(1)'
	helper_start sharers 2 1
	SHARERS=$HELPER_PID
	OTHER=$(pgrep -P "$SHARERS" | head -n 1)
	export SHARERS OTHER
}

teardown_file() { helpers_stop; }

# on_screen COLUMNS COMMAND: what is on a terminal so wide, messages left out.
on_screen() {
	LC_ALL=C.UTF-8 TERM=dumb script -qec "stty cols $1 rows 24; '$PHYSLENS' $2 2>/dev/null" /dev/null |
		tr -d '\r'
}

# fits COLUMNS COMMAND: its lines, none of which is wider; sets output.
fits() {
	output=$(on_screen "$1" "$2")
	[ -n "$output" ]
	local wide
	wide=$(LC_ALL=C.UTF-8 perl -CSD -ne 'chomp; print if length > '"$1" <<<"$output")
	[ -z "$wide" ] || {
		echo "$2 at $1: $wide"
		return 1
	}
}

@test "map, at 80 and 120: nothing wraps, the object keeps its end" {
	local columns command
	for columns in 80 120; do
		for command in map 'map --regions' 'map -p' 'map -p --region .text'; do
			fits "$columns" "$command $SHARERS"
			[[ $output == *OBJECT* ]]
			[[ $output == *libc.so.6* ]]
			[[ $command != map || $output == *'[heap]'* ]]
		done
	done
}

@test "share, owner, cow, census and verify, at 80, 100 and 120: nothing wraps" {
	require_root
	local columns command
	for columns in 80 100 120; do
		for command in "share $SHARERS $OTHER" "share -p --region .data $SHARERS $OTHER" \
			"cow $SHARERS $OTHER" "cow -p $SHARERS $OTHER" "cow $SHARERS" census \
			'census --by user' 'census --by cgroup' 'census --by kind' \
			"owner --process $SHARERS --region .data" "verify $SHARERS"; do
			fits "$columns" "$command"
		done
	done
}

@test "what is least important gives way first, what was asked for never" {
	local wide narrow
	wide=$(on_screen 200 "map --regions $SHARERS" | head -n 1)
	narrow=$(on_screen 80 "map --regions $SHARERS" | head -n 1)
	[[ $wide == *START*PERMS*SWAPPED*UNTOUCHED* ]]
	[[ $narrow != *PERMS* && $narrow != *START* ]]
	[[ $narrow == *REGION*PAGES*PRESENT*SHARED*OBJECT ]]
	[[ $(on_screen 80 "map --regions -o +PERMS $SHARERS" | head -n 1) == *PERMS* ]]
	[[ $(on_screen 80 "map -o REGION,START,END,PERMS,PAGES,OFFSET,OBJECT,PRIVATE,SHARED $SHARERS" |
		head -n 1) == *START*END*PERMS*PAGES*OFFSET*OBJECT*PRIVATE*SHARED* ]]
	# A pipe has all of them.
	[[ $(physlens map --regions "$SHARERS" | head -n 1) == "${wide% *}"* ]]
}

@test "sentences below a table end a line at a blank" {
	fits 60 "map --regions $SHARERS"
	# The last two lines are one sentence, and no word of it was cut.
	[[ $(physlens map --regions "$SHARERS" | tail -n 1) == *"$(tail -n 1 <<<"$output")" ]]
}

@test "sizes on a terminal, pages elsewhere, as --human says" {
	require_root
	[[ $(on_screen 80 'census --limit 1' | sed -n 2p) =~ \ [0-9.]+[KMG]\  ]]
	[[ ! $(on_screen 80 'census --limit 1 --human=never' | sed -n 2p) =~ \ [0-9.]+[KMG]\  ]]
	[[ ! $(physlens census --limit 1 2>/dev/null | sed -n 2p) =~ \ [0-9.]+[KMG]\  ]]
	[[ $(physlens census --limit 1 --human 2>/dev/null | sed -n 2p) =~ \ [0-9.]+[KMG]\  ]]
	[[ $(on_screen 80 'census --limit 1 -b' | sed -n 2p) =~ \ [0-9]{5,}\  ]]
	# Programs get numbers whatever is asked for, and so do tables that are printed as they are filled.
	physlens map --regions --human --json "$SHARERS" | jq -e '.map | map(.pages | type == "number") | all'
	[[ $(physlens map --human -p --region heap "$SHARERS" | sed -n 2p) =~ ^0x[0-9a-f]+\ +[0-9]+\  ]]
	run -0 physlens map --regions --human -o PAGES --region heap -n "$SHARERS"
	[[ $output =~ ^\ *[0-9.]+[KM]$ ]]
	run -2 physlens map --human=perhaps "$SHARERS"
	[[ $output == *'--human: not auto, always or never: perhaps'* ]]
}
