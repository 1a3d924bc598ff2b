#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# census: USS, PSS and RSS against smaps_rollup, RAM against iomem, and what adds up.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib
load helpers/rollup

setup_file() {
	system_prepare
	# A C library of its own: whoever comes and goes meanwhile maps another one.
	cp "$(ldd "$PHYSLENS_HELPERS/pagekinds" | awk '$1 == "libc.so.6" { print $3 }')" "$BATS_FILE_TMPDIR"
	LD_LIBRARY_PATH=$BATS_FILE_TMPDIR fixture_start
	kill -STOP "$FIXTURE_PID"
}

teardown_file() {
	kill -CONT "$FIXTURE_PID"
	fixture_stop
	system_restore
}

setup() {
	[ "$(id -u)" = 0 ] || skip 'frame numbers are hidden from who is not root'
}

teardown() {
	started_stop
	helpers_stop
}

# so_many N ARG…: pgrep finds so many.
so_many() { [ "$(pgrep -c "${@:2}")" = "$1" ]; }

@test "every kind of page: USS, PSS, RSS and HUGETLB are those of smaps_rollup" {
	same_as_rollup 30 '' "$FIXTURE_PID"
}

@test "memory that forks share: exact in every process" {
	LD_LIBRARY_PATH=$BATS_FILE_TMPDIR helper_start sharers 5 16 --private 100
	local children
	read -ra children < <(sed -n 's/^children //p' "$HELPER_DIR/out")
	local pid=${children[3]}
	asleep "${children[@]}"
	same_as_rollup 30 '' "$HELPER_PID" "${children[@]}"
	run -0 --separate-stderr physlens census --json -o pid,uss,rss,cow
	# Of 4096 pages each child has copied 100, and 3996 would be copied by a write.
	json_check "[.census[] | select(.pid == $pid)] | .[0].cow >= 3996 and .[0].uss >= 100"
}

@test "an address space that two processes have is counted once, with both PIDs" {
	helper_start sharers 1 1 --clone-vm
	local clone
	clone=$(helper_value clone)
	run -0 --separate-stderr physlens census --json -o pid,pids
	# By the lower number, which is not always the older's: they begin anew at pid_max.
	json_check "[.census[] | select(.pid == ($HELPER_PID, $clone))] | length == 1 and
		(.[0].pids | split(\" \") | map(tonumber)) == ([$HELPER_PID, $clone] | sort)"
}

@test "--by kind: every frame of System RAM is in one row" {
	local frames start end
	frames=0
	while IFS=- read -r start end; do
		frames=$((frames + (0x$end + 1) / PAGE_SIZE - (0x$start + PAGE_SIZE - 1) / PAGE_SIZE))
	done < <(awk '/^ *[0-9a-f]+-[0-9a-f]+ : System RAM( \(.*\))?$/ { print $1 }' /proc/iomem)
	[ "$frames" -gt 0 ]
	run -0 --separate-stderr physlens census --json --by kind
	json_check "[.census[].frames] | add == $frames"
	json_check '[.census[].kind] | unique | length == 18'
	json_check '.census[] | select(.kind == "anon") | .frames >= .mapped and .mapped > 0'
	run -0 --separate-stderr physlens census -n -r -b --by kind -o frames
	[ $(($(paste -sd + <<<"$output"))) = $((frames * PAGE_SIZE)) ]
}

# pss_where BY FILTER: the PSS of all rows that pass, added up.
pss_where() {
	physlens census --json --by "$1" 2>/dev/null |
		jq "[.census[] | select($2) | .pss] | add"
}

# Everything else on the machine may come and go between two runs of census: so the memory is that
# of two processes with a user, a cgroup and a program of their own. What they share with others is
# little, but some.
@test "--by user, cgroup and object: the same frames, added up otherwise" {
	local pss cgroup=/sys/fs/cgroup
	[ -e $cgroup/cgroup.procs ] || [ -d $cgroup/memory ] || skip 'no cgroup file system'
	cp /usr/bin/perl "$BATS_TEST_TMPDIR/perl-of-its-own"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/perl-of-its-own"
	[ ! -d $cgroup/memory ] || cgroup+=/memory
	mkdir "$cgroup/physlens-test.$$"
	start bash -c 'echo $$ >"$1/cgroup.procs"
		exec setpriv --reuid=54321 --clear-groups "$2" -e "\$x = qq(y) x (64 << 20); fork; sleep 300"' \
		- "$cgroup/physlens-test.$$" "$BATS_TEST_TMPDIR/perl-of-its-own"
	wait_for so_many 2 -r S -u 54321 perl-of-its-own
	pss=$(pss_where process '.user == "54321"')
	[ "$pss" -ge 16384 ]
	for by in user cgroup; do
		near "$pss" "$(pss_where $by "(.user == \"54321\") or
			(.cgroup // \"\" | endswith(\"/physlens-test.$$\"))")"
	done
	# Who maps the program is the two alone: their parts of it are the whole.
	run -0 --separate-stderr physlens census --json --by object
	json_check '.census[] | select(.object | endswith("/perl-of-its-own")) |
		.processes == 2 and .pss == .rss and .rss > 0'
	started_stop
	wait_for rmdir "$cgroup/physlens-test.$$"
}

# near A B: within one of a hundred.
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && b > a * 0.99 && b < a * 1.01) }'; }

@test "--by object: libc once, with who pays" {
	run -0 --separate-stderr physlens census --json --by object
	json_check '[.census[] | select(.object | test("/libc.so.6$"))] | length >= 1 and
		.[0].processes > 1 and .[0].rss > 100 and (.[0].payers | test("%"))'
	json_check '[.census[] | select(.file != null) | .file] | length == (unique | length)'
}

@test "--sort, and what is not a column" {
	run -0 --separate-stderr physlens census -n -r -o rss --sort rss
	[ "$output" = "$(sort -rn <<<"$output")" ]
	run -0 --separate-stderr physlens census -n -r -o command --sort COMMAND
	[ "$output" = "$(LC_ALL=C sort <<<"$output")" ]
	run -2 --separate-stderr physlens census --sort nonsense
	[[ $stderr == *'--sort: unknown column: nonsense'* ]]
	run -2 --separate-stderr physlens census --by nonsense
	[[ $stderr == *'--by: unknown: nonsense (there are: process object user cgroup container kind)'* ]]
	run -2 --separate-stderr physlens census 1
	[[ $stderr == *'no argument is expected'* ]]
	run -2 --separate-stderr physlens census --watch 0
	[[ $stderr == *'--watch: not a number of seconds: 0'* ]]
}

# Slab counts buffers, too, that the kernel took as whole pages, and of page tables the topmost are
# counted in some kernels only: hence how many per cent they may differ.
@test "--by kind: as much is the kernel's objects, page tables and anonymous as /proc/meminfo says" {
	local kind name percent tries
	# So much that what census itself has while it counts does not matter, sanitizers' memory least.
	helper_start dying --mib 768
	while read -r kind name percent; do
		for ((tries = 0; tries < 5; tries++)); do # the machine goes on meanwhile
			run -0 --separate-stderr physlens census --json --by kind
			mine=$(jq --arg kinds "$kind" '[.census[] | select(.kind | IN($kinds | split(",")[])) |
				if .kind | test("anon|ksm") then .mapped else .frames end] | add' <<<"$output")
			theirs=$(($(awk -v name="$name:" '$1 == name { print $2 }' /proc/meminfo) * 1024 / PAGE_SIZE))
			echo "$kind: $mine, $name: $theirs"
			((mine * 100 < theirs * (100 - percent) || mine * 100 > theirs * (100 + percent))) || continue 2
		done
		false
	done <<-END
		slab Slab 20
		page-table PageTables 30
		anon,anon-huge,ksm AnonPages 12
	END
}

@test "--watch: an object each time, until it is ended" {
	: >"$BATS_TEST_TMPDIR/out"
	"$PHYSLENS" census --by kind --json --watch 1 >"$BATS_TEST_TMPDIR/out" 2>&1 </dev/null 3>&- 4>&- &
	local pid=$! tries
	for ((tries = 0; tries < 300; tries++)); do
		[ "$(grep -c '^{"time":' "$BATS_TEST_TMPDIR/out")" -lt 2 ] || break
		sleep 0.1
	done
	kill "$pid"
	wait "$pid" || true
	# A line each, with its time; the last one may be cut.
	head -n 2 "$BATS_TEST_TMPDIR/out" | jq -es 'length == 2 and (map((.census | length > 5) and
		(.time | test("^20[0-9-]{8}T[0-9:]{8}[.][0-9]{3}Z$"))) | all) and .[0].time < .[1].time'
}

@test "--watch --format: a time in each row, headings once, a remark once" {
	local format
	for format in csv tsv ndjson; do
		timeout -s INT 10 "$PHYSLENS" census --limit 2 --watch 1 --format "$format" \
			2>"$BATS_TEST_TMPDIR/err" | head -n 6 >"$BATS_TEST_TMPDIR/out"
		[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 6 ]
		case $format in
		ndjson) jq -es 'length == 6 and (map(.time + (.pid | tostring)) | unique | length == 6)' \
			"$BATS_TEST_TMPDIR/out" ;;
		csv) [ "$(grep -c '^time,pid,' "$BATS_TEST_TMPDIR/out")" -eq 1 ] ;;
		tsv) [ "$(grep -c $'^time\tpid\t' "$BATS_TEST_TMPDIR/out")" -eq 1 ] ;;
		esac
		[ -z "$(sort "$BATS_TEST_TMPDIR/err" | uniq -d)" ]
	done
}

@test "--limit: the first rows, and what is said of them is of all" {
	run -0 --separate-stderr physlens census --sort RSS
	[[ ${lines[-1]} == *' rows; their PSS sum to '* ]]
	run -0 --separate-stderr physlens census --sort RSS --limit 2
	[ "$(wc -l <<<"$output")" -eq 5 ]
	[[ ${lines[-1]} == *' rows, of which 2 are shown; their PSS sum to '* ]]
	run -0 --separate-stderr physlens census --json --by kind --limit 3
	json_check '.census | length == 3'
	run -2 --separate-stderr physlens census --limit 0
	[[ $stderr == *'--limit: not a number of rows: 0'* ]]
	run -2 --separate-stderr physlens census --limit 3 --openmetrics
	run -2 --separate-stderr physlens census --top
	[[ $stderr == *'--top is for a terminal'* ]]
}

@test "--top: a screen at a time, the heading stays" {
	command -v script >/dev/null || skip 'no script(1)'
	local screen
	screen=$(TERM=xterm script -qec "stty cols 80 rows 12; timeout 3 '$PHYSLENS' census --top -q" /dev/null |
		tr -d '\r') || true
	# What is behind the last clearing of the screen.
	screen=${screen##*$'\e[2J'}
	[[ $screen == ' '*PID* ]]
	[ "$(wc -l <<<"$screen")" -le 11 ]
	[ "$(wc -l <<<"$screen")" -ge 9 ]
}

@test "--quiet: no remarks, errors all the same" {
	run -0 --separate-stderr physlens census -q
	[ -z "$stderr" ]
	run -2 --separate-stderr physlens map -q 999999999
	[[ $stderr == *'no such process'* ]]
}

@test "--openmetrics: promtool takes it" {
	command -v promtool >/dev/null || skip 'promtool is not installed'
	local by
	for by in process object user cgroup container kind; do
		physlens census --openmetrics --by "$by" >"$BATS_TEST_TMPDIR/metrics" 2>/dev/null
		grep -q "^# TYPE physlens_${by}_" "$BATS_TEST_TMPDIR/metrics"
		run -0 promtool check metrics <"$BATS_TEST_TMPDIR/metrics"
	done
}

@test "--openmetrics: each series once, whatever a process is called" {
	local pid odd=$BATS_TEST_TMPDIR/$'a"b\\c\nd'
	cp "$(command -v sleep)" "$odd"
	"$odd" 300 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	disown
	wait_for grep -q '^d$' "/proc/$pid/comm"
	physlens census --openmetrics >"$BATS_TEST_TMPDIR/metrics" 2>/dev/null
	kill "$pid"
	grep -qF 'command="a\"b\\c\nd"} ' "$BATS_TEST_TMPDIR/metrics"
	[ -z "$(grep -v '^#' "$BATS_TEST_TMPDIR/metrics" | sed 's/ [0-9]*$//' | sort | uniq -d)" ]
	! grep -vE '^(# (HELP|TYPE) |physlens_[a-z_]+\{.*\} [0-9]+$)' "$BATS_TEST_TMPDIR/metrics" || false
}

@test "--crosscheck: the kernel counts what we count, where nothing moves" {
	run -0 --separate-stderr physlens census --crosscheck
	[[ $stderr =~ crosscheck:\ ([0-9]+)\ frames\ compared ]]
	[ "${BASH_REMATCH[1]}" -gt 1000 ]
}

# sums_agree PID: what census says of it without privilege, with $as, is what smaps_rollup says.
sums_agree() {
	local ours theirs
	ours=$("${as[@]}" "$BATS_TEST_TMPDIR/physlens" census --json -o +hugetlb 2>/dev/null |
		jq -r --argjson pid "$1" '.census[] | select(.pid == $pid) |
			[.user, .uss, .pss, .rss, .swap, .cow, .hugetlb] | @tsv')
	theirs=$(awk '{ kib[$1] += $2 } END { OFS = "\t"
		print "nobody", (kib["Private_Clean:"] + kib["Private_Dirty:"]) / 4, int(kib["Pss:"] / 4 + 0.5),
			kib["Rss:"] / 4, kib["Swap:"] / 4, "hidden", 0 }' "/proc/$1/smaps_rollup")
	echo "ours $ours, theirs $theirs"
	[ "$ours" = "$theirs" ]
}

@test "who may not see frames is shown the kernel's sums of own processes, and what is missing" {
	local as=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all) pid
	cp "$PHYSLENS" "$PHYSLENS_HELPERS/sharers" "$BATS_TEST_TMPDIR"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR/.." "$BATS_RUN_TMPDIR"
	# A static program of its own: of another's libraries USS and PSS change with whoever maps them.
	command -v busybox >/dev/null || skip 'no busybox'
	cp "$(command -v busybox)" "$BATS_TEST_TMPDIR/busybox-alone"
	start "${as[@]}" "$BATS_TEST_TMPDIR/busybox-alone" sleep 600
	pid=$PID
	become "$pid" "$BATS_TEST_TMPDIR/busybox-alone"
	asleep "$pid"
	# The kernel may take a page between the two readings.
	wait_for sums_agree "$pid"
	run -0 --separate-stderr "${as[@]}" "$BATS_TEST_TMPDIR/physlens" census --json -o +hugetlb
	[[ $stderr == *'frame numbers are hidden: CAP_SYS_ADMIN is missing'*smaps_rollup* ]]
	[[ $stderr =~ [0-9]+' processes may not be read and are left out: CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH are missing' ]]
	# Of a group the sum of PSS is right, and nothing else can be.
	run -0 --separate-stderr "${as[@]}" "$BATS_TEST_TMPDIR/physlens" census --by user --json
	json_check '.census | length == 1 and (.[0] | .user == "nobody" and .pss > 0 and
		.uss == "hidden" and .rss == "hidden" and .cow == "hidden")'
	run -0 --separate-stderr "${as[@]}" "$BATS_TEST_TMPDIR/physlens" census --by user --openmetrics
	[[ $output == *physlens_user_pss_bytes* && $output != *_uss_* && $output != *_cow_* ]]
	for what in 'census --by object' 'census --crosscheck' "share $pid $pid"; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "${as[@]}" "$BATS_TEST_TMPDIR/physlens" $what
		[[ $stderr == *': frame numbers are hidden: CAP_SYS_ADMIN is missing (run as root)' ]]
	done
	run -2 --separate-stderr "${as[@]}" "$BATS_TEST_TMPDIR/physlens" census --by kind
	[[ $stderr == *'/proc/iomem hides'* ]]
}

@test "what one process is refused for is not the end of all: each is a row, or named" {
	local n rows named all
	# So few descriptors that most threads have none left, at one place or another.
	for n in 8 11 14 17; do
		run --separate-stderr bash -c "ulimit -n $n; PHYSLENS_THREADS=4 exec \"\$PHYSLENS\" census -n -r -o PID"
		[ "$status" -eq 0 ] || { [ "$status" -eq 2 ] && [ -z "$output" ]; }
		rows=$(grep -c . <<<"$output" || true)
		named=$(grep -c ': left out$' <<<"$stderr" || true)
		all=$(grep -lE '^VmRSS' /proc/[0-9]*/status 2>/dev/null | wc -l)
		echo "$n: $rows rows, $named named, of about $all; $stderr"
		((rows + named >= all - 8 && rows + named <= all + 8)) ||
			[[ $rows$named = 00 && $stderr == *'Too many open files' ]]
	done
}

# elsewhere SCRIPT: in namespaces of its own, where what is mounted may be changed.
elsewhere() {
	unshare -m -p -f --mount-proc true 2>/dev/null || skip 'no namespaces of processes'
	run --separate-stderr timeout -s KILL 60 unshare -m -p -f --mount-proc --kill-child bash -c "$1" \
		- "$PHYSLENS"
	echo "$output" "$stderr"
}

@test "hidepid, no /proc, another one, no /sys: each is called that" {
	cp "$PHYSLENS" "$BATS_TEST_TMPDIR/physlens"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR/.." "$BATS_RUN_TMPDIR"
	export COPY=$BATS_TEST_TMPDIR/physlens
	elsewhere 'mount -t proc -o hidepid=2 none /proc
		as() { setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$COPY" "$@"; }
		as map 1; as census -n -r -o USER; "$1" map 1 >/dev/null && echo root sees'
	[[ $stderr == *'map: no such process, or hidden by hidepid: 1'* ]]
	[[ $stderr == *'processes of other users are hidden: /proc is mounted with hidepid'* ]]
	[[ $output == nobody*'root sees' ]]
	elsewhere 'while umount -l /proc 2>/dev/null; do :; done
		for c in census "map 1" "share 1 2" "owner 1" "verify 1" "walk 1 0" "cow 1"; do "$1" $c; done'
	[ "$(grep -c ': /proc is not mounted$' <<<"$stderr")" = 7 ]
	elsewhere 'while umount -l /proc 2>/dev/null; do :; done; "$1" doctor'
	[[ $stderr == *'doctor: /proc is not mounted: nothing can be said of the kernel without it'* ]]
	[[ $output == *'mount -t proc proc /proc'* ]]
	elsewhere 'unshare -p -f "$1" map 1'
	[[ $stderr == *'/proc is that of another PID namespace'* ]]
	elsewhere 'while umount -l /sys 2>/dev/null; do :; done
		"$1" walk $$ "$(sed "s/-.*//;q" /proc/$$/maps)"; "$1" lab hierarchy; "$1" census -n | head -n 1'
	[[ $stderr == *'/sys is not mounted'* && $output == *'the caches: /sys is not mounted'* ]]
	elsewhere 'while umount -l /sys 2>/dev/null; do :; done; "$1" doctor'
	[[ $stderr == *'doctor: /sys is not mounted'* ]]
}

# A cgroup called as docker calls those of a container, with one process in a PID namespace of its own.
@test "containers: by ID and by cgroup, their PIDs, and all of one in a row" {
	local cgroup=/sys/fs/cgroup id container pid
	[ -e $cgroup/cgroup.procs ] || [ -d $cgroup/memory ] || skip 'no cgroup file system'
	[ ! -d $cgroup/memory ] || cgroup+=/memory
	unshare --pid --fork true || skip 'no PID namespace can be made'
	id=$(printf 'physlens%s' $$ | sha256sum | cut -d ' ' -f 1)
	cgroup+=/docker-$id.scope
	mkdir "$cgroup"
	start bash -c 'echo $$ >"$1/cgroup.procs" && exec unshare --pid --fork --kill-child sleep 300' - "$cgroup"
	wait_for pgrep -x -P "$PID" sleep
	pid=$(pgrep -x -P "$PID" sleep)
	run -0 --separate-stderr physlens census --json --container "${id::8}" -o +CONTAINER,NSPID,CGROUP
	json_check "(.census | length == 2) and (.census | map(.container == \"${id::12}\" and
		(.cgroup | endswith(\"/docker-$id.scope\"))) | all) and
		(.census | map(select(.pid == $pid).nspid) == [1])"
	run -0 --separate-stderr physlens census --json --cgroup "*/docker-$id.scope" --name '^sleep$'
	json_check ".census | map(.pid) == [$pid]"
	run -0 --separate-stderr physlens census --json --by container
	json_check "(.census | map(select(.container == \"${id::12}\").processes) == [2]) and
		(.census | map(select(.container == \"-\")) | length == 1)"
	# The parts of those in a container are what all its row has.
	run -0 --separate-stderr physlens share --json --container "$id"
	json_check '.share | length > 2'
	run -2 --separate-stderr physlens census --container "${id::3}"
	[[ $stderr == *"no process is selected by --container ${id::3}"* ]]
	run -2 --separate-stderr physlens census --by user --name sleep
	started_stop
	wait_for rmdir "$cgroup"
}
