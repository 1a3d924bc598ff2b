#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/vm/run: every test that was announced is reported, whatever becomes of the guest.

bats_require_minimum_version 1.5.0

setup() {
	run=$BATS_TEST_DIRNAME/vm/run
	export TMPDIR=$BATS_TEST_TMPDIR
	# The bats in the guests is not to find the inside of this one.
	PATH=${PATH//"$BATS_LIBEXEC:"/}
	cd "$BATS_TEST_TMPDIR" || return
}

# file NAME: a bats file from standard input, where @test is written TEST: bats would
# take its lines for tests of this file.
file() { sed 's/^TEST /@test /' >"$BATS_TEST_TMPDIR/$1"; }

@test "results come back one line a test, numbered through; a failure shows why" {
	file a.bats <<'END'
# vm: --kernel lab
TEST "passes" { true; }
TEST "fails" { echo because; false; }
END
	file b.bats <<'END'
# vm: --kernel lab
# vm: --kernel lab --append 'marker="a b"'
TEST "sees the command line" { grep -q marker /proc/cmdline; }
END
	run -1 "$run" --jobs 1 --no-rerun a.bats b.bats
	echo "$output"
	[ "${lines[0]}" = 1..4 ]
	# Each with its time, and with what failed behind it.
	[[ $output =~ $'\n''ok '[0-9]' a: passes [--kernel lab] in '[0-9]+'ms'$'\n' ]]
	[[ $output =~ $'\n''not ok '[0-9]' a: fails [--kernel lab] in '[0-9]+'ms'$'\n#'.*'# because' ]]
	[[ $output == *' b: sees the command line [--kernel lab] in '* ]]
	[[ $output == *' b: sees the command line [--kernel lab --append '* ]]
	[ "$(sed -nE 's/^(not )?ok ([0-9]+) .*/\2/p' <<<"$output" | sort -n | xargs)" = '1 2 3 4' ]
	[ "${lines[-1]}" = '2 passed, 2 failed, 0 skipped' ]
	[ "$(grep -c '^# boot:' <<<"$output")" -eq 2 ]
	# And at the end how long boots and files took.
	[[ $output =~ $'\n# seconds of each boot:\n#  '.*'--kernel lab --append'.*$'\n# seconds of each file:\n#  '.*'a [--kernel lab]' ]]
}

@test "what failed is run again, alone: flaky is said, and counts as passed only if it is listed" {
	cp -r "$(dirname "$run")" "$BATS_TEST_TMPDIR/vm"
	mkdir "$BATS_TEST_TMPDIR/root"
	ln -s "$(realpath "$BATS_TEST_DIRNAME/../scripts")" "$BATS_TEST_TMPDIR/../scripts"
	printf -- '--kernel\ta: fails (after another)\tit was made so\n' >"$BATS_TEST_TMPDIR/vm/flaky"
	file a.bats <<'END'
# vm: --kernel lab
TEST "begins" { : >/tmp/begun; }
TEST "fails (after another)" { [ ! -e /tmp/begun ]; }
TEST "fails after another, too" { [ ! -e /tmp/begun ]; }
TEST "always fails" { false; }
END
	run -1 "$BATS_TEST_TMPDIR/vm/run" a.bats
	rm "$BATS_TEST_TMPDIR/../scripts"
	[[ $output =~ $'\n''ok '[0-9]' a: fails (after another) [--kernel lab] in '[0-9]+'ms'$'\n''# flaky: it passed when run again, alone; listed: it was made so'$'\n' ]]
	[[ $output =~ $'\n''not ok '[0-9]' a: fails after another, too [--kernel lab] in '[0-9]+'ms'$'\n''# flaky: it passed when run again, alone'$'\n' ]]
	[[ ! $output =~ 'always fails [--kernel lab] in '[0-9]+'ms'$'\n''# flaky' ]]
	[ "${lines[-1]}" = '2 passed, 2 failed, 0 skipped' ]
}

@test "guests at once: the results are those of one after the other" {
	local one_by_one
	file a.bats <<'END'
# vm: --kernel lab
# vm: --kernel lab --append 'second=1'
TEST "passes" { sleep "$(grep -c -v second /proc/cmdline)"; }
TEST "fails in the second" { ! grep -q second /proc/cmdline; }
END
	# Without numbers, times, and the line of the test file; each result with what is said behind it.
	results() {
		sed -E '/ in test file /d; /^# +[0-9.]+  /d; s/^(not )?ok [0-9]+ /\1ok /; s/ in [0-9]+ms$//' |
			awk '/^#/ && text { text = text "|" $0; next } { if (text) print text; text = $0 }
				END { print text }' | sort
	}
	run -1 "$run" --jobs 1 --no-rerun a.bats
	one_by_one=$(results <<<"$output")
	[ "${lines[-1]}" = '3 passed, 1 failed, 0 skipped' ]
	run -1 "$run" --jobs 2 --no-rerun a.bats
	[ "${lines[-1]}" = '3 passed, 1 failed, 0 skipped' ]
	diff <(grep -v '^# boot' <<<"$one_by_one" | sed 's/|# boot.*//; s/|# seconds.*//') \
		<(results <<<"$output" | grep -v '^# boot' | sed 's/|# boot.*//; s/|# seconds.*//')
}

@test "guests at once: TERM ends all of them, and a lost one is a failure" {
	file a.bats <<'END'
# vm: --kernel lab
# vm: --kernel lab --append 'second=1'
TEST "begins" { true; }
TEST "the end of one" { if grep -q second /proc/cmdline; then echo c >/proc/sysrq-trigger; fi; }
END
	run -1 "$run" --jobs 2 --no-rerun a.bats
	[[ $output =~ $'\n''ok '[0-9]' a: the end of one [--kernel lab] in ' ]]
	[[ $output =~ $'\n''not ok '[0-9]' a: the end of one [--kernel lab --append ' ]]
	[ "${lines[-1]}" = '3 passed, 1 failed, 0 skipped' ]

	echo 'TEST "endless" { sleep 100000; }' | sed 's/^TEST /@test /' >>a.bats
	sed -i '/sysrq/d' a.bats
	setsid "$run" --jobs 2 "$PWD/a.bats" >out 2>&1 3>&- &
	pid=$!
	until [ "$(pgrep -fc -- "qemu-system-x86_64.*$BATS_TEST_TMPDIR/physlens-vm")" -ge 2 ]; do
		kill -0 "$pid"
		sleep 0.2
	done
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 143 ]
	run -1 pgrep -f -- "qemu-system-x86_64.*$BATS_TEST_TMPDIR/physlens-vm"
	run ! compgen -G "$BATS_TEST_TMPDIR/physlens-vm.*"
}

@test "a skip in the guest is a failure" {
	file a.bats <<'END'
# vm: --kernel lab
TEST "cannot" { skip "no such thing here"; }
END
	run -1 "$run" --no-rerun a.bats
	[[ $output =~ $'\n''not ok 1 a: cannot [--kernel lab] in '[0-9]+'ms'$'\n''# skipped in the guest: no such thing here' ]]
}

@test "a lost guest fails what it still owed, also of files that it never began" {
	file a.bats <<'END'
# vm: --kernel lab
TEST "before" { true; }
TEST "the end" { echo c >/proc/sysrq-trigger; }
TEST "after" { true; }
END
	file b.bats <<'END'
# vm: --kernel lab
TEST "never" { true; }
END
	run -1 "$run" --no-rerun a.bats b.bats
	[ "${lines[0]}" = 1..4 ]
	[[ $output =~ $'\n''ok 1 a: before [--kernel lab] in ' ]]
	[[ $output == *$'\nnot ok 2 a: the end [--kernel lab]\n# lost: panic: '* ]]
	[[ $output == *$'\nnot ok 3 a: after [--kernel lab]\n'* ]]
	[[ $output == *$'\nnot ok 4 b: never [--kernel lab]\n# lost: panic: '* ]]
	[ "${lines[-1]}" = '1 passed, 3 failed, 0 skipped' ]
}

@test "a guest that is lost behind its last test is no pass" {
	file a.bats <<'END'
# vm: --kernel lab
teardown_file() { echo c >/proc/sysrq-trigger; }
TEST "passes" { true; }
END
	run -1 "$run" --no-rerun a.bats
	[[ $output == *'vm: lost: panic'* ]]
}

@test "a file that cannot be read by bats is a failure, not nothing" {
	file a.bats <<'END'
# vm: --kernel lab
setup_file() { false; }
TEST "one" { true; }
TEST "two" { true; }
END
	run -1 "$run" --no-rerun a.bats
	[ "${lines[0]}" = 1..2 ]
	[ "${lines[-1]}" = '0 passed, 2 failed, 0 skipped' ]
}

@test "a kernel that no mirror here has: its tests are skipped, with the reason" {
	mkdir bin
	printf '#!/bin/sh\nexit 100\n' | tee bin/apt-get >bin/apt-cache
	chmod +x bin/*
	file a.bats <<'END'
# vm: --kernel stock-newest
TEST "one" { true; }
TEST "two" { true; }
END
	PATH=$PWD/bin:$PATH PHYSLENS_CACHE=$PWD/cache run -0 "$run" a.bats
	[[ $output == *$'\nok 1 a: one [--kernel stock-newest] # skip stock-newest: no kernel of '* ]]
	[ "${lines[-1]}" = '0 passed, 0 failed, 2 skipped' ]
}

@test "what is known to fail on a kernel is a skip with its reason there, and a failure once it passes" {
	cp -r "$(dirname "$run")" "$BATS_TEST_TMPDIR/vm"
	ln -s "$(realpath "$BATS_TEST_DIRNAME/../scripts")" "$BATS_TEST_TMPDIR/../scripts"
	printf 'marker\ta: fails\tbecause of it\nmarker\ta: passes\tbecause, too\n' >"$BATS_TEST_TMPDIR/vm/known"
	file a.bats <<'END'
# vm: --kernel lab --append 'marker=1'
TEST "fails" { false; }
TEST "passes" { true; }
END
	run -1 "$BATS_TEST_TMPDIR/vm/run" --no-rerun a.bats
	rm "$BATS_TEST_TMPDIR/../scripts"
	[[ $output =~ $'\n''ok '[0-9]' a: fails [--kernel lab --append '.*'] in '[0-9]+'ms # skip known: because of it' ]]
	[[ $output =~ $'\n''not ok '[0-9]' a: passes [--kernel lab --append ' ]]
	[[ $output == *'# it passes, and tests/vm/known says that it does not: because, too'* ]]
	[ "${lines[-1]}" = '0 passed, 1 failed, 1 skipped' ]
}

@test "Ctrl-C and TERM end the guest, too" {
	file a.bats <<'END'
# vm: --kernel lab
TEST "begins" { true; }
TEST "endless" { sleep 100000; }
END
	for signal in INT TERM; do
		local looks=0
		: >out
		env --default-signal=INT,TERM setsid "$run" "$PWD/a.bats" >out 2>&1 3>&- &
		pid=$!
		until grep -q '^ok 1' out; do
			# What it said is why it is gone.
			kill -0 "$pid" && ((++looks < 1500)) || {
				cat out
				false
			}
			sleep 0.2
		done
		kill -s "$signal" "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -gt 128 ]
		run -1 pgrep -f -- "qemu-system-x86_64.*$BATS_TEST_TMPDIR/physlens-vm"
		run ! compgen -G "$BATS_TEST_TMPDIR/physlens-vm.*"
	done
}

@test "a file without a '# vm:' line, one that is not there and a bad option are refused" {
	file a.bats <<<'TEST "one" { true; }'
	run -2 "$run" a.bats
	[[ $output == *"has no '# vm:' line" ]]
	run -2 "$run" nowhere.bats
	run -2 "$run" --nonsense
}

@test "--list, --only and --lab tell and choose the boots" {
	file a.bats <<'END'
# vm: --kernel lab
# vm: --kernel lab --cpu-flag la57=on
# vm: --kernel stock-6.1
TEST "one" { true; }
END
	run -0 "$run" --list a.bats
	[ "${#lines[@]}" -eq 6 ]
	run -0 "$run" --list --only la57 a.bats
	[ "${lines[0]}" = 'scripts/vm --kernel lab --cpu-flag la57=on' ]
	run -0 "$run" --list --lab lab-6.12 a.bats
	[ "${lines[0]}" = 'scripts/vm --kernel lab-6.12' ]
	[ "${lines[4]}" = 'scripts/vm --kernel stock-6.1' ]
	run -2 "$run" --only nothing a.bats
}
