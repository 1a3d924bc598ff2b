# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# TAP logs for scripts/check: counted, shown, and how long each test took. Sourced, never run.

# count_tap LOG STATUS: prints "PASSED FAILED SKIPPED". cmocka's skips say "not ok". Tests that were
# planned and are not there have failed: their program died. So has a log without any failure if
# STATUS, that of its program, says so.
count_tap() {
	awk -v status="$2" '
		/^1\.\.[0-9]+$/ { planned += substr($0, 4) }
		/^(not )?ok / && tolower($0) ~ /# skip/ { skipped++; next }
		/^ok / { passed++ }
		/^not ok / { failed++ }
		END {
			seen = passed + failed + skipped
			if (planned > seen)
				failed += planned - seen
			if (status && !failed)
				failed = 1
			print passed + 0, failed + 0, skipped + 0
		}' "$1"
}

# Filters: the failures of a TAP log with what is said about them, and its skips.
tap_failures() {
	awk '/^not ok / && tolower($0) !~ /# skip/ { on = 1; n = 0 }
		/^ok / { on = 0 }
		on && n++ < 40 && lines++ < 300'
}

tap_skips() { grep -iE '^(not )?ok .*# skip' | sed -E 's/^(not )?ok [0-9]+ //' || true; }

# tap_flaky: what failed once and then passed.
tap_flaky() {
	awk '/^(not )?ok / { test = $0 } /^# flaky: / { sub(/^(not )?ok [0-9]+ /, "", test); print test }'
}

# gather LOG…: one log a test program, beside automake's verdict about it; all as one TAP log.
gather() {
	local log verdict
	for log; do
		verdict=$(sed -n 's/^:test-result: *\([A-Z]*\).*/\1/p' -- "${log%.log}.trs" 2>/dev/null)
		printf '# %s: %s\n' "$log" "$verdict"
		cat -- "$log"
		# A program that said nothing about single tests is one test.
		grep -qE '^(not )?ok ' -- "$log" && [[ $verdict != @(FAIL|ERROR) ]] && continue
		case $verdict in
		PASS) printf 'ok 1 %s\n' "$log" ;;
		SKIP) printf 'ok 1 %s # skip %s\n' "$log" "$(tail -n 1 -- "$log")" ;;
		*) grep -q '^not ok ' -- "$log" || printf 'not ok 1 %s: %s\n' "$log" "$verdict" ;;
		esac
	done
}

# tap_times WHERE LOG: "MILLISECONDS<TAB>WHERE: FILE: NAME" of each test that says its time, as bats
# (--timing) and tests/vm/run do. FILE is the gathered log's, or in NAME.
tap_times() {
	sed -nE 's/^# tests\/([^ ]*)\.log: .*/@\1/p; s/^(not )?ok [0-9]+ (.*) (# )?in ([0-9]+) ?ms.*/\4\t\2/p' -- "$2" |
		awk -F'\t' -v where="$1" '
			/^@/ { file = substr($0, 2) ": "; next }
			{ print $1 "\t" where ": " file $2 }'
}
