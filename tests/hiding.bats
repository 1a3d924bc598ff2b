#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whoever lives is shown: nothing that a process can say of itself makes it look ended.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

teardown() {
	helpers_stop
}

# shown PID: by whatever looks at it, however often, and without a word that it ended.
shown() {
	local pid=$1 look

	for ((look = 0; look < 10; look++)); do
		run -0 --separate-stderr physlens map "$pid"
		[ -z "$stderr" ]
		[ "${#lines[@]}" -gt 5 ]
	done
	run -0 --separate-stderr physlens map --pages --noheadings --output VADDR "$pid"
	[ "${#lines[@]}" -gt 5 ]
}

# counted PID: by what reads all processes.
counted() {
	local pid=$1 look

	require_root
	for ((look = 0; look < 3; look++)); do
		run -0 --separate-stderr physlens census --noheadings --raw --output PID
		[[ $stderr != *"process $pid "* ]]
		[[ $'\n'$output$'\n' == *$'\n'"$pid"$'\n'* ]]
	done
	run -0 --separate-stderr physlens share --noheadings "$pid" "$HELPER_PID"
	[[ $stderr != *"left out"* ]]
}

@test "a process that changes in a loop where its program lies is shown" {
	helper_start forger
	shown "$(helper_value forger)"
	counted "$(helper_value forger)"
}

@test "so is one that does it in its parent's memory, and its parent" {
	helper_start forger vfork
	shown "$(helper_value forger)"
	shown "$HELPER_PID"
	require_root
	# One memory is one row, of either.
	run -0 --separate-stderr physlens census --noheadings --raw --output PID
	[[ $stderr != *"process $HELPER_PID "* && $stderr != *"process $(helper_value forger) "* ]]
	grep -qxF -e "$HELPER_PID" -e "$(helper_value forger)" <<<"$output"
}
