#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# cow PARENT CHILD and cow PID: every page of a fixture that writes known pages is classed as it is.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib
load helpers/cow

setup_file() {
	[ "$(id -u)" = 0 ] || skip 'frame numbers are hidden from who is not root'
	system_lock
	thp_on
	ksm_on
	helper_start cowpages
	PARENT=$HELPER_PID
	CHILD=$(helper_value child)
	export PARENT CHILD
}

teardown_file() {
	[ -z "${HELPER_PID-}" ] || _waiting_stop "$HELPER_PID" ''
	system_restore
}

teardown() {
	started_stop
}

# check_kind KIND: each of its pages is as the fixture says.
check_kind() {
	local start want
	cow_kind "$HELPER_DIR/out" "$1"
	[ "$start" != skip ] || skip "$1: $want"
	[ "${#want}" = 16 ]
	cow_same_classes "$1" "$want" "$(cow_classes "$PARENT" "$CHILD" "$start")"
}

@test "anonymous memory: every page as it was written" { check_kind anon; }
@test "heap: every page as it was written" { check_kind heap; }
@test "stack: every page as it was written" { check_kind stack; }
@test ".data: every page as it was written" { check_kind data; }
@test ".bss: every page as it was written" { check_kind bss; }
@test "a private mapping of a file: every page as it was written" { check_kind file; }
@test "a transparent huge page: every page as it was written" { check_kind thp; }
@test "shared memory: never diverges" { check_kind shared; }
@test "locked memory: every page as it was written" { check_kind mlocked; }
@test "KSM: who wrote is known only where both did" { check_kind ksm; }

# all_pages PARENT CHILD [OPTION…]: all that either has.
all_pages() { physlens cow --pages --all -n -r "${@:3}" "$1" "$2"; }

@test "without PAGEMAP_SCAN, and with --freeze, it is the same" {
	all_pages "$PARENT" "$CHILD" >"$BATS_TEST_TMPDIR/a"
	[ -s "$BATS_TEST_TMPDIR/a" ]
	PHYSLENS_NO_SCAN=1 all_pages "$PARENT" "$CHILD" >"$BATS_TEST_TMPDIR/b"
	all_pages "$PARENT" "$CHILD" --freeze >"$BATS_TEST_TMPDIR/c"
	diff "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	diff "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/c"
}

@test "regions are cut to their pages, and the total is their sum" {
	run -0 --separate-stderr physlens cow --json "$PARENT" "$CHILD"
	[ -z "$stderr" ]
	json_check '.cow[-1].region == "total"'
	local column
	for column in shared diverged by-parent by-child by-both unknown parent-only child-only saves costs; do
		json_check "([.cow[:-1][][\"$column\"]] | add) == .cow[-1][\"$column\"]"
	done
	json_check '[.cow[] | .diverged == ."by-parent" + ."by-child" + ."by-both" + .unknown] | all'
	json_check '[.cow[] | .costs == .diverged * 4096] | all'
	# 16 pages of a file: four by each, four by both.
	json_check '[.cow[] | select(.region == "file" and (.object | test("/cowpages")))] |
		.[0]."by-parent" == 4 and .[0]."by-child" == 4 and .[0]."by-both" == 4'
	json_check '.cow[] | select(.region == "shm") | .diverged == 0 and .shared == 6'
}

@test "the frames that --pages names are those of map" {
	local vaddr parent child
	physlens cow --pages -n -r -o VADDR,PARENT-PFN,CHILD-PFN --region heap "$PARENT" "$CHILD" \
		>"$BATS_TEST_TMPDIR/rows"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/rows")" -ge 4 ]
	while read -r vaddr parent child; do
		[ "$(physlens translate -n -r -o pfn "$PARENT" "$vaddr")" = "$parent" ]
		[ "$(physlens translate -n -r -o pfn "$CHILD" "$vaddr")" = "$child" ]
	done <"$BATS_TEST_TMPDIR/rows"
}

@test "Private_Dirty of the child is at least what it has written" {
	local dirty wrote
	dirty=$(awk '/^Private_Dirty/ { sum += $2 } END { print sum / 4 }' "/proc/$CHILD/smaps")
	wrote=$(physlens cow --json "$PARENT" "$CHILD" |
		jq '.cow[-1] | ."by-child" + ."by-both"')
	((dirty >= wrote))
}

@test "the hardware's write bit: the writer's alone, none where it is shared" {
	local start source=bpf
	if ! physlens --source bpf read --json 0x1000 1 >/dev/null 2>&1 &&
		! physlens --source bpf walk "$PARENT" main >/dev/null 2>&1; then
		[ "${PHYSLENS_IN_VM-}" != 1 ] || false
		skip 'no source of physical memory here'
	fi
	start=$(awk -F'\t' '$1 == "anon" { print $2 }' "$HELPER_DIR/out")
	physlens cow --source "$source" --pages --all -n -r -o STATE,PARENT-PTE,CHILD-PTE \
		--range "$start-$(printf '0x%x' $((start + 16 * 4096)))" "$PARENT" "$CHILD" |
		sort -u >"$BATS_TEST_TMPDIR/rows"
	diff "$BATS_TEST_TMPDIR/rows" - <<-'END'
		by-both rw rw
		by-child r rw
		by-parent rw r
		child-only - rw
		parent-only rw -
		shared r r
	END
}

@test "--grid: a letter a page, with a legend, and no colour unless asked for" {
	local start
	start=$(awk -F'\t' '$1 == "anon" { print $2 }' "$HELPER_DIR/out")
	COLUMNS=100 run -0 --separate-stderr physlens cow --grid \
		--range "$start-$(printf '0x%x' $((start + 16 * 4096)))" "$PARENT" "$CHILD"
	[[ $output == *' SCPBB..oSCPBB..o '*' SCPBB.o.SCPBB.o.'* ]]
	[[ $output == *'written by the child'* ]]
	[[ $output != *$'\033'* ]]
	COLUMNS=100 run -0 --separate-stderr physlens cow --grid --color "$PARENT" "$CHILD"
	[[ $output == *$'\033'* ]]
	# No line is wider than the terminal.
	COLUMNS=60 run -0 --separate-stderr physlens cow --grid --region heap "$PARENT" "$CHILD"
	run ! grep -E '^ *0x.{59}' <<<"$output"
}

@test "a family: a row a descendant, with its erosion" {
	run -0 --separate-stderr physlens cow --json "$PARENT"
	json_check ".cow | length == 1 and .[0].pid == $CHILD and .[0].ppid == $PARENT"
	local pair
	pair=$(physlens cow --json "$PARENT" "$CHILD" | jq -c '.cow[-1] | [.shared, .diverged, .cow]')
	json_check "[.cow[0].shared, .cow[0].diverged, .cow[0].cow] == $pair"
	json_check '.cow[0].erosion | test("^[0-9.]+%$")'
	run -0 --separate-stderr physlens cow "$CHILD"
	[[ $stderr == *"process $CHILD has no descendants"* ]]
}

# start_watch OPTION…: a sample a second, in the file "samples".
start_watch() {
	STARTED_OUTPUT=$BATS_TEST_TMPDIR/samples start "$PHYSLENS" cow --watch 1 "$@"
}

# Whether that is true of the samples, one JSON object each.
samples_are() { jq -s -e "$1" "$BATS_TEST_TMPDIR/samples" >/dev/null 2>&1; }

# sampled FILTER: until it is.
sampled() {
	wait_for samples_are "$1" || {
		cat "$BATS_TEST_TMPDIR/samples"
		return 1
	}
}

@test "--watch: who comes and goes is shown as that" {
	local master
	mkfifo "$BATS_TEST_TMPDIR/go"
	start bash -c 'sleep 300 & one=$!; read -r <"$1"; kill $one; (sleep 300; :) & sleep 300; :' - \
		"$BATS_TEST_TMPDIR/go"
	master=${STARTED[0]}
	wait_for pgrep -P "$master" sleep >/dev/null
	start_watch --json "$master"
	sampled 'length >= 2'
	echo >"$BATS_TEST_TMPDIR/go"
	sampled '[.[].cow[].state] | index("new") and index("exited") and index("exec")'
	sampled 'length >= 5'
	kill "$PID"
	pkill -KILL -P "$master" || true
}

@test "--watch: it ends with the master, in order" {
	local master watch
	start bash -c '(sleep 300; :) & sleep 300; :'
	master=${STARTED[0]}
	wait_for pgrep -P "$master" >/dev/null
	timeout 60 "$PHYSLENS" cow --watch 1 "$master" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" \
		3>&- 4>&- &
	watch=$!
	until grep -q EROSION "$BATS_TEST_TMPDIR/out"; do
		kill -0 "$watch"
		sleep 0.05
	done
	kill -KILL "$master"
	wait "$watch"
	grep -q "process $master" "$BATS_TEST_TMPDIR/err"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/err")" = 1 ]
}

# let_go PID: nobody traces it, and it sleeps.
let_go() {
	local tries state
	for ((tries = 0; tries < 100; tries++)); do
		state=$(awk '/^State:/ { s = $2 } /^TracerPid:/ { print s, $2 }' "/proc/$1/status")
		[ "$state" != 'S 0' ] || return 0
		sleep 0.02
	done
	echo "process $1: $state"
	return 1
}

@test "--freeze: pair and family are held, and let go" {
	local signal delay tool
	run -0 --separate-stderr physlens cow --freeze "$PARENT" "$CHILD"
	[ -z "$stderr" ]
	let_go "$PARENT"
	let_go "$CHILD"
	run -0 --separate-stderr physlens cow --freeze --json "$PARENT"
	[ -z "$stderr" ]
	json_check ".cow | length == 1 and .[0].pid == $CHILD and .[0].shared > 0"
	let_go "$PARENT"
	let_go "$CHILD"
	for signal in INT TERM KILL; do
		for delay in 0.005 0.02 1.05; do
			env --default-signal=INT "$PHYSLENS" cow --freeze --watch 1 "$PARENT" \
				>/dev/null 2>&1 3>&- 4>&- &
			tool=$!
			become "$tool" "$PHYSLENS"
			sleep $delay
			kill -$signal "$tool" 2>/dev/null || true
			wait "$tool" || true
			let_go "$PARENT"
			let_go "$CHILD"
		done
	done
}

@test "--freeze: one that is traced already is named, and read while it runs" {
	command -v strace >/dev/null || skip 'strace is not installed'
	local tries
	STARTED_OUTPUT=$BATS_TEST_TMPDIR/strace start strace -qq -o /dev/null -p "$CHILD"
	for ((tries = 0; tries < 100; tries++)); do
		! grep -q "^TracerPid:[[:space:]]*$PID\$" "/proc/$CHILD/status" || break
		sleep 0.05
	done
	run -0 --separate-stderr physlens cow --freeze --json "$PARENT" "$CHILD"
	[[ $stderr == *"process $CHILD cannot be held still: process $PID traces it already"* ]]
	json_check '.cow[-1].diverged > 0'
	run -0 --separate-stderr physlens cow --freeze --json "$PARENT"
	[[ $stderr == *"process $CHILD cannot be held still: process $PID traces it already"* ]]
	json_check ".cow[0].pid == $CHILD and .cow[0].diverged > 0"
	kill "$PID"
	let_go "$CHILD"
}

# The master reads in a table, and each worker writes to it: its objects count their users.
@test "a prefork server: each worker, by the family, by itself, and by Private_Dirty" {
	local master workers worker
	start_gunicorn 3 <<-END
		table = [str(number) for number in range(100000)]

		def app(environ, start_response):
		    start_response("200 OK", [])
		    return [str(len([one for one in table])).encode()]
	END
	# Requests until every worker has had one, as far as they are shared out.
	/usr/bin/env python3 -S -c '
import socket, sys
for i in range(30):
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	s.sendall(b"GET / HTTP/1.0\r\n\r\n")
	assert b"100000" in s.recv(4096) + s.recv(4096) + s.recv(4096)' "$BATS_TEST_TMPDIR/socket"
	kill -STOP "$master" "${workers[@]}"
	run -0 --separate-stderr physlens cow --json "$master"
	[ -z "$stderr" ]
	json_check '.cow | length == 3 and ([.[] | .state == null and .cow > 0 and .diverged > 0] | all)'
	# One that has walked through the table has copied it: a hundred thousand strings.
	json_check '[.cow[].diverged] | max > 1000'
	local family=$output dirty private
	for worker in "${workers[@]}"; do
		run -0 --separate-stderr physlens cow --json "$master" "$worker"
		json_check '.cow[-1] | .diverged == ."by-parent" + ."by-child" + ."by-both" + .unknown'
		jq -e --argjson pid "$worker" --argjson pair "$output" '.cow[] | select(.pid == $pid) |
			.diverged == $pair.cow[-1].diverged and .shared == $pair.cow[-1].shared' <<<"$family" >/dev/null
		# What smaps calls dirty and private is what nobody else maps, but for pages that are clean.
		dirty=$(awk '/^Private_Dirty/ { sum += $2 } END { print sum / 4 }' "/proc/$worker/smaps")
		private=$(jq --argjson pid "$worker" '.cow[] | select(.pid == $pid).private' <<<"$family")
		((dirty <= private && dirty >= $(jq '.cow[-1] | ."by-child" + ."by-both"' <<<"$output")))
	done
	kill -KILL "$master" "${workers[@]}"
}

@test "unrelated processes are compared, and it is said so" {
	start sleep 300
	start sleep 300
	asleep "${STARTED[@]}"
	run -0 --separate-stderr physlens cow --json "${STARTED[0]}" "${STARTED[1]}"
	[[ $stderr == *"process ${STARTED[1]} does not descend from process ${STARTED[0]}"* ]]
	json_check '.cow[-1].saves == 0 and .cow[-1].region == "total"'
	run -0 --separate-stderr physlens cow "$CHILD" "$PARENT"
	[[ $stderr == *'the other way round'* ]]
}

@test "bad input: exit 2, one message, no rows" {
	run -2 --separate-stderr physlens cow "$PARENT" "$PARENT"
	[ "$stderr" = "physlens: cow: parent and child are the same process: $PARENT" ]
	[ -z "$output" ]
	run -2 --separate-stderr physlens cow "$PARENT" 999999999
	[[ $stderr == *999999999* && -z $output ]]
	run -2 --separate-stderr physlens cow "$PARENT" nonsense
	[[ $stderr == *'not a process ID: nonsense'* ]]
	run -2 --separate-stderr physlens cow
	run -2 --separate-stderr physlens cow 1 2 3
	run -2 --separate-stderr physlens cow --watch 1 "$PARENT" "$CHILD"
	run -2 --separate-stderr physlens cow --grid "$PARENT"
	run -2 --separate-stderr physlens cow --watch 0 "$PARENT"
	run -2 --separate-stderr physlens cow --grid --json "$PARENT" "$CHILD"
}

@test "one address space in two processes is refused" {
	helper_start sharers 1 1 --clone-vm
	local clone
	clone=$(helper_value clone)
	run -2 --separate-stderr physlens cow "$HELPER_PID" "$clone"
	[[ $stderr == *'one and the same address space'* ]]
	run -0 --separate-stderr physlens cow --json "$HELPER_PID"
	json_check ".cow[] | select(.pid == $clone) | .state == \"same-memory\""
	_waiting_stop "$HELPER_PID" "$_waiting_fd"
}

@test "a process that forks again: what is not known is unknown" {
	local parent children
	helper_start sharers 3 1 --private 10
	read -ra children < <(sed -n 's/^children //p' "$HELPER_DIR/out")
	parent=$HELPER_PID
	# The first child wrote ten pages; its parent forked once more, so a clear bit proves nothing.
	run -0 --separate-stderr physlens cow --json "$parent" "${children[0]}"
	json_check '.cow[-1] | ."by-child" + .unknown + ."by-both" >= 10'
	# The last child has no younger sibling.
	run -0 --separate-stderr physlens cow --json "$parent" "${children[1]}"
	json_check '[.cow[] | select(.region == "anon")."by-child"] | add >= 10'
	_waiting_stop "$parent" "$_waiting_fd"
}
