# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `physlens lab --step` from outside, for the bats files of host and guests:
#
#	lab_begin fork; lab_pause; … lab_check; lab_enter; … lab_end
#
# In a directory of the test's own. LAB is the process, LAB_SUBJECT the program that it looks at,
# LAB_STEPS how many steps have been seen; the drawing of the last one is in $LAB_DIR/step.

# lab_begin NAME [OPTION…]
lab_begin() {
	LAB_NAME=$1
	LAB_STEPS=0
	LAB_DIR=$(mktemp -d "$BATS_TEST_TMPDIR/lab.XXXXXX")
	mkfifo "$LAB_DIR/in"
	exec {LAB_IN}<>"$LAB_DIR/in"
	: >"$LAB_DIR/out"
	"${PHYSLENS:?}" lab --plain --step "$@" <"$LAB_DIR/in" >"$LAB_DIR/out" 2>"$LAB_DIR/err" \
		3>&- 4>&- {LAB_IN}>&- &
	LAB=$!
}

# lab_steps: how many steps have been drawn. Nothing is started for it: in a guest that takes as long
# as a step.
lab_steps() {
	local drawn rest

	drawn=$(<"$LAB_DIR/out")
	rest=${drawn//'[Enter]'/}
	LAB_DRAWN=$(((${#drawn} - ${#rest}) / 7))
}

# Not every kernel lists them.
lab_children() {
	tr ' ' '\n' <"/proc/$LAB/task/$LAB/children" 2>/dev/null | grep . || pgrep -P "$LAB"
}

# Waits until the next step has been drawn; false when there was none.
lab_pause() {
	local tries started

	for ((tries = 0; tries < 1200; tries++)); do
		lab_steps
		if ((LAB_DRAWN > LAB_STEPS)); then
			LAB_STEPS=$((LAB_STEPS + 1))
			awk -v n="$LAB_STEPS" 'd == n - 1 && !/^\[Enter\]/ { print } /^\[Enter\]/ { d++ }' \
				"$LAB_DIR/out" >"$LAB_DIR/step"
			[ "$LAB_STEPS" != 1 ] || cp "$LAB_DIR/step" "$LAB_DIR/words"
			# The last that it started: exec and libc have two. (Their numbers rise, but for a wrap.)
			mapfile -t started < <(lab_children)
			LAB_SUBJECT=${started[-1]:-}
			return 0
		fi
		kill -0 "$LAB" 2>/dev/null || return 1
		sleep 0.05
	done
	echo "lab $LAB_NAME: no step in a minute" >&2
	return 1
}

lab_enter() {
	echo >&"$LAB_IN"
}

# The drawing against the kernel; prints how many numbers were compared.
lab_check() {
	LAB_WORDS=$LAB_DIR/words "$BATS_TEST_DIRNAME/${LAB_HELPERS:-helpers}/lab-check.pl" \
		"$LAB_NAME" "$LAB_SUBJECT" <"$LAB_DIR/step"
}

# Its exit status; after the last step.
lab_end() {
	local status=0

	wait "$LAB" || status=$?
	exec {LAB_IN}>&-
	return "$status"
}

# lab_compare NAME [OPTION…]: every step of an experiment. LAB_STEPS of them, LAB_COMPARED numbers. One
# program drives it and compares: there are sixty steps, and a guest is slow at starting programs.
lab_compare() {
	local said status=0

	LAB_DIR=$(mktemp -d "$BATS_TEST_TMPDIR/lab.XXXXXX")
	said=$("$BATS_TEST_DIRNAME/${LAB_HELPERS:-helpers}/lab-check.pl" --run "$LAB_DIR" "${PHYSLENS:?}" "$@" \
		3>&- 4>&-) || status=$?
	# shellcheck disable=SC2034 # for the tests
	read -r LAB_STEPS LAB_COMPARED <<<"$said"
	return $status
}
