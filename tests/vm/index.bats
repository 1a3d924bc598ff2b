#!/usr/bin/env bats
# vm: --kernel lab --mem 4096
# vm: --kernel stock-6.1 --mem 4096
# vm: --kernel stock-6.12 --mem 4096
# share, owner and census on other kernels, where all kinds of pages are made and nothing else runs.

load guest
load ../helpers/rollup

setup_file() {
	all_kinds_possible
	start pagekinds
	kill -STOP "$pid"
	export made pid
}

teardown_file() {
	kill -CONT "$pid"
	kill "$pid"
}

@test "census: USS, PSS, RSS and HUGETLB are those of smaps_rollup, to the KiB" {
	local children
	mapfile -t children < <(pgrep -P "$pid")
	PAGE_SIZE=4096 PHYSLENS=$physlens same_as_rollup 10 '' "$pid" "${children[@]}"
}

@test "census --freeze --watch: the whole machine is held, its reader too, and goes on" {
	local children task
	mapfile -t children < <(pgrep -P "$pid")
	PAGE_SIZE=4096 PHYSLENS=$physlens same_as_rollup 10 --freeze "$pid" "${children[@]}"
	# Only the fixture was stopped before, and is.
	for task in /proc/[0-9]*/task/*; do
		[[ $(awk '/^TracerPid:/ { print $2 }' "$task/status" 2>/dev/null) != [1-9]* ]]
	done
	stands_still
}

crowd=()

teardown() {
	[ "${#crowd[@]}" = 0 ] || kill "${crowd[@]}" 2>/dev/null || true
}

# busy: threads that run, a shell that forks all the time, one that waits by vfork.
busy() {
	python3 -c '
import threading
def run():
	while True: pass
for _ in range(4):
	threading.Thread(target=run, daemon=True).start()
run()' 3>&- 4>&- &
	crowd+=($!)
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

# running PID…: nobody traces them, and they do not stand still.
running() {
	local one task tries state
	for one; do
		for task in "/proc/$one/task"/*; do
			for ((tries = 0; tries < 100; tries++)); do
				state=$(awk '/^State:/ { s = $2 } /^TracerPid:/ { print s, $2 }' "$task/status")
				[[ $state != [RSD]\ 0 ]] || break
				sleep 0.02
			done
			[[ $state == [RSD]\ 0 ]]
		done
	done
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
	for ((tries = 0; tries < 5; tries++)); do
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

@test "census --by kind: the rows sum to System RAM" {
	local frames=0 start end
	while IFS=- read -r start end; do
		frames=$((frames + (0x$end + 1) / 4096 - (0x$start + 4095) / 4096))
	done < <(awk '/^ *[0-9a-f]+-[0-9a-f]+ : System RAM$/ { print $1 }' /proc/iomem)
	"$physlens" census --by kind -n -r -o frames,kind
	[ $(($("$physlens" census --by kind -n -r -o frames | paste -sd +))) -eq "$frames" ]
}

@test "census --crosscheck: the kernel counts as many mappers" {
	run --separate-stderr "$physlens" census --freeze --crosscheck
	# shellcheck disable=SC2154 # bats sets stderr
	[[ $stderr =~ ([0-9]+)\ frames\ compared.*more\ mappers\ of\ ([0-9]+),\ fewer\ of\ ([0-9]+) ]]
	echo "$stderr"
	[ "${BASH_REMATCH[1]}" -gt 1000 ]
	# What ended or was copied since then: next to nothing, in a machine where nothing runs.
	[ $((BASH_REMATCH[2] + BASH_REMATCH[3])) -le $((BASH_REMATCH[1] / 10)) ]
}

@test "owner: a frame of the fixture leads back to it" {
	local pfn
	pfn=$("$physlens" map --pages -n -r -o state,pfn --region stack "$pid" |
		awk '$1 == "present" { print $2; exit }')
	"$physlens" owner -n -r -o pid,region "$pfn" | grep -q "^$pid stack$"
}

@test "share: the fixture and its children" {
	local children
	mapfile -t children < <(pgrep -P "$pid")
	[ "${#children[@]}" -ge 1 ]
	"$physlens" share -n -r -o region,pid,shared --region .text "$pid" "${children[0]}" >"$BATS_TEST_TMPDIR/rows"
	grep -q "$pid" "$BATS_TEST_TMPDIR/rows"
}
