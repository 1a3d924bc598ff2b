# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the benches found, for the table at the end of `make bench` (tests/bench/all): read by each.

# record WHAT VALUE UNIT TARGET: TARGET is "<= NUMBER", ">= NUMBER", or "-" for none.
record() {
	[[ -z ${BENCH_RESULTS-} ]] || printf '%s\t%s\t%s\t%s\n' "$@" >>"$BENCH_RESULTS"
}
