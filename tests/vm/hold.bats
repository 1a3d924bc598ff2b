#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --mem 1024
# vm-deep: --kernel stock-6.12 --mem 1024
# vm-deep: --kernel stock-newest --mem 1024
# --freeze of a whole machine, its init and the reader of what is printed among them: bounded, and
# everybody goes on, whatever becomes of the one who holds.

load guest
load ../helpers/rollup

setup_file() {
	the_pagekinds
	kill -STOP "$pid"
}

teardown_file() { kill -CONT "$pid"; }

crowd=()

teardown() {
	[ "${#crowd[@]}" = 0 ] || kill "${crowd[@]}" 2>/dev/null || true
}

# busy: in the crowd, threads that run, and a shell that forks all the time.
busy() {
	local pid
	start spinning 2
	crowd+=("$pid")
	bash -c 'while :; do /bin/true; done' 3>&- 4>&- &
	crowd+=($!)
}

# Who was stopped before it was traced stops again, once it runs.
stands_still() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		[ "$(awk '/^State:/ { print $2 }' "/proc/$pid/status")" != T ] || return 0
		sleep 0.05
	done
	return 1
}

# running PID…: nobody traces any of their threads, and none stands still.
running() {
	perl -e '
		for (1 .. 200) {
			@all = map { glob "/proc/$_/task/*/status" } @ARGV;
			@held = grep {
				local $/;
				open my $file, "<", $_;
				my $text = $file ? <$file> : "State:\tR\nTracerPid:\t0\n";
				$text !~ /^State:\s[RSD]/m || $text !~ /^TracerPid:\s0$/m;
			} @all;
			exit 0 if @all && !@held;
			select undef, undef, undef, 0.05;
		}
		print "held: @held\n";
		exit 1;' "$@"
}

@test "census --freeze --watch: the whole machine is held, its reader too, and goes on" {
	local children
	mapfile -t children < <(pgrep -P "$pid")
	PAGE_SIZE=4096 PHYSLENS=$physlens same_as_rollup 10 --freeze "$pid" "${children[@]}"
	# Only the fixture was stopped before, and is. (cat: processes come and go.)
	run ! grep -E '^TracerPid:.[1-9]' <(cat /proc/[0-9]*/task/*/status 2>/dev/null)
	stands_still
}

@test "--freeze in a crowd: bounded in time, and let go by every signal" {
	local signal one begun
	busy
	begun=$EPOCHSECONDS
	run -0 --separate-stderr timeout 100 "$physlens" census --freeze
	echo "$stderr" >&2
	[ $((EPOCHSECONDS - begun)) -le 60 ]
	running "${crowd[@]}"
	# Early, in the middle and late: where that is differs with the machine.
	for signal in INT:0.05 TERM:0.2 HUP:0.4 QUIT:0.1 PIPE:0.3 KILL:0.05 KILL:0.2 KILL:0.4; do
		env --default-signal=INT,QUIT,PIPE "$physlens" census --freeze >/dev/null 2>&1 3>&- 4>&- &
		one=$!
		sleep "${signal#*:}"
		kill -"${signal%:*}" "$one" 2>/dev/null || true
		wait "$one" || true
		running "${crowd[@]}"
		stands_still
	done
}

@test "--freeze: a terminal or a pipe whose reader is held cannot stop it" {
	# More than a pipe holds, and a reader that takes it slowly, line by line.
	run -0 --separate-stderr timeout 100 bash -c '"$1" share --pages --freeze "$$" "$2" 2>&1 |
		while read -r line; do echo "$line"; done | wc -l' - "$physlens" "$pid"
	[ "$output" -ge 1 ]
	run -0 --separate-stderr timeout 100 bash -c '
		for i in 1 2 3; do "$1" owner -f --process "$2" --region stack; done |
		while read -r line; do echo "$line"; done | wc -l' - "$physlens" "$pid"
	[ "$output" -ge 3 ]
}

@test "--freeze: a signal that comes while it is held is not lost" {
	local one tries looks
	bash -c 'trap "echo got >$1" USR1; : >$1.ready; while :; do sleep 0.01; done' - \
		"$BATS_TEST_TMPDIR/got" 3>&- 4>&- &
	one=$!
	until [ -e "$BATS_TEST_TMPDIR/got.ready" ]; do sleep 0.05; done
	for ((tries = 0; tries < 3; tries++)); do
		sleep 0.2
		"$physlens" census --freeze >/dev/null 2>&1 3>&- 4>&- &
		kill -USR1 "$one"
		wait $!
		for ((looks = 0; looks < 600; looks++)); do
			[ ! -e "$BATS_TEST_TMPDIR/got" ] || break
			sleep 0.05
		done
		rm "$BATS_TEST_TMPDIR/got"
	done
	kill "$one"
}
