#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What fails, ends or is ended: calls one after the other (tests/faults/sweep), signals at any moment
# (signals), and many looks beside processes that never rest (soak). All of it in a PID namespace that a
# time limit ends, so that nothing of the machine can be held. scripts/check --deep runs all three for
# longer: FAULTS_DEEP=yes.

# shellcheck disable=SC2154 # bats sets stderr and output

bats_require_minimum_version 1.5.0
load helpers/lib

setup() {
	require_root
	command -v perl >/dev/null || skip 'no perl'
	unshare -m -p -f --mount-proc true 2>/dev/null || skip 'no namespaces of processes'
}

# apart PROGRAM ARG…: as the first process of a namespace.
apart() {
	local program=$1
	shift
	run timeout -s KILL "${limit:-280}" unshare -m -p -f --mount-proc --kill-child \
		"$BATS_TEST_DIRNAME/faults/$program" "$@"
	echo "$output"
}

or_deep() { [ -n "${FAULTS_DEEP-}" ] && echo "$2" || echo "$1"; }

# A sanitizer has to be the first library, and knows what memory is left at the end by itself.
preload() {
	! grep -q __asan_init "$PHYSLENS" || skip 'a sanitizer and a preloaded library do not go together'
	limit=${FAULTS_DEEP:+7200} apart sweep ${FAULTS_DEEP:+--deep} "$@"
	[ "$status" -eq 0 ]
}

# What is much the same is left to the long form.
@test "faults: map" { preload map objects pages ${FAULTS_DEEP:+json}; }
@test "faults: translate, walk" { preload translate walk ${FAULTS_DEEP:+tables}; }
@test "faults: read" { preload read file; }
@test "faults: share" { preload share flat held; }
@test "faults: owner" { preload owner; }
@test "faults: census" { preload census containers frozen ${FAULTS_DEEP:+kinds}; }
@test "faults: cow" { preload cow trace ${FAULTS_DEEP:+family}; }
@test "faults: verify" { preload verify; }
@test "faults: doctor" { preload doctor; }
@test "faults: lab" { preload lab; }

# Of a preloaded library that does nothing all tests would pass.
@test "faults: a call that fails is seen" {
	! grep -q __asan_init "$PHYSLENS" || skip 'a sanitizer and a preloaded library do not go together'
	run -1 env LD_PRELOAD="$PHYSLENS_HELPERS/../faults/inject.so" FAULTS=io FAULTS_AT=1 \
		FAULTS_LOG="$BATS_TEST_TMPDIR/log" cat /proc/self/comm
	[[ $output == *'Input/output error' ]]
	grep -q '^failed ' "$BATS_TEST_TMPDIR/log"
}

@test "signals: at any moment, nobody is left stopped, and no file is half written" {
	limit=${FAULTS_DEEP:+3600} apart signals "$(or_deep 200 5000)"
	[ "$status" -eq 0 ]
}

@test "soak: many looks beside processes that never rest" {
	limit=${FAULTS_DEEP:+7200} apart soak "$(or_deep 8 3600)"
	[ "$status" -eq 0 ]
}
