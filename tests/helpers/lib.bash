# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the bats files: `load helpers/lib` (or source it). Finds the programs, runs the
# fixture, tells where its pages are, and sets up what of the system a kind needs.
#
#	setup_file()    { system_prepare; fixture_start; }
#	teardown_file() { fixture_stop; system_restore; }
#	@test "…"       { require_kind swapped; physlens map --range "$(kind_start swapped)"… }
#
# PHYSLENS          the program under test
# PHYSLENS_HELPERS  where the helper programs were built
# PHYSLENS_IN_VM    1: the kernel is of our own making, so a kind that cannot be made fails

: "${PHYSLENS:=${BATS_TEST_DIRNAME:?}/../physlens}"
: "${PHYSLENS_HELPERS:=${BATS_TEST_DIRNAME}/helpers}"
export PHYSLENS PHYSLENS_HELPERS

PAGE_SIZE=$(getconf PAGESIZE)
export PAGE_SIZE

# shellcheck source=wait.bash
. "${BASH_SOURCE[0]%/*}/wait.bash"

physlens() {
	"$PHYSLENS" "$@"
}

helper() {
	local name=$1

	shift
	"$PHYSLENS_HELPERS/$name" "$@"
}

require_root() {
	[ "$(id -u)" = 0 ] || skip 'needs root'
}

# Process 2 is kthreadd, except in a PID namespace, as a container's, which has no kernel threads.
has_kernel_thread() { [[ "$(cat /proc/2/stat 2>/dev/null)" == '2 (kthreadd) '* ]]; }

require_kernel_thread() { has_kernel_thread || skip 'no kernel thread here'; }

# A directory that lives as long as what is asking: the test, or else the file.
_lib_tmpdir() {
	mktemp -d "${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:-${TMPDIR:-/tmp}}}/$1.XXXXXX"
}

# ---- programs that wait ----
#
# Such a program holds its state until its standard input ends. Its input is a fifo
# that this shell keeps open, so it ends with the shell whatever happens. What it
# prints goes to a file, which tests can read though they are other processes than
# setup_file.

# _waiting_start DIR PROGRAM ARG…: sets _waiting_pid and _waiting_fd. Its output is
# DIR/out, its messages DIR/err.
_waiting_start() {
	local dir=$1
	shift

	mkfifo "$dir/in" || return 1
	# Opened for both, so that neither side waits for the other to open it.
	exec {_waiting_fd}<>"$dir/in"
	# The program must not hold its own input open, nor bats's output, nor the lock.
	(
		trap - EXIT ERR DEBUG
		exec {_waiting_fd}>&- 3>&- 4>&-
		[ -z "${SYSTEM_LOCK_FD-}" ] || exec {SYSTEM_LOCK_FD}>&-
		TMPDIR=$dir exec "$@" <"$dir/in" >"$dir/out" 2>"$dir/err"
	) &
	_waiting_pid=$!
	_waiting_ready "$dir" "$_waiting_pid"
}

# The program has the fifo open by the time it says that it is ready.
_waiting_ready() {
	local dir=$1 pid=$2 tries

	for ((tries = 0; tries < 1200; tries++)); do
		if [ -e "$dir/out" ] && grep -q '^ready ' "$dir/out"; then
			# What it does between its last line and its rest touches pages, too. It may
			# have been told to end instead.
			asleep "$pid" || true
			return 0
		fi
		if ! _process_lives "$pid"; then
			echo "the helper ended: $(cat "$dir/err")" >&2
			return 1
		fi
		sleep 0.05
	done
	echo "the helper was not ready within 60 s" >&2
	kill -KILL "$pid"
	return 1
}

# _waiting_stop PID FD
_waiting_stop() {
	local pid=$1 fd=$2 tries

	[ -z "$fd" ] || exec {fd}>&-
	kill -TERM "$pid" 2>/dev/null || true
	for ((tries = 0; tries < 200; tries++)); do
		_process_lives "$pid" || break
		sleep 0.05
	done
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

# Not a zombie: one that a shell has not waited for yet is as good as gone. One whose first thread
# has exited is alive all the same; that thread may exit right after it has made another, so that
# what was listed before is looked at when it is over: the list is taken once more.
_process_lives() {
	local file stat

	for _ in 1 2; do
		for file in "/proc/$1/task/"*/stat; do
			{ read -r stat <"$file"; } 2>/dev/null || continue
			[[ ${stat##*) } == Z* ]] || return 0
		done
	done
	return 1
}

# helper_start NAME ARG…: starts a waiting helper program. HELPER_PID is its PID, and
# helper_value KEY the value of a line "KEY VALUE" that it printed. Of several, the last.
helper_start() {
	local name=$1
	shift

	HELPER_DIR=$(_lib_tmpdir "$name") || return 1
	_waiting_start "$HELPER_DIR" "$PHYSLENS_HELPERS/$name" "$@" || return 1
	HELPER_PID=$_waiting_pid
	HELPERS+=("$_waiting_pid:$_waiting_fd")
	export HELPER_PID HELPER_DIR
}

helper_value() {
	awk -v key="$1" '$1 == key { print $2; found = 1; exit } END { exit !found }' \
		"$HELPER_DIR/out"
}

# Stops all that helper_start has started in this shell.
helpers_stop() {
	local one

	for one in "${HELPERS[@]}"; do
		_waiting_stop "${one%:*}" "${one#*:}"
	done
	HELPERS=()
}

# ---- any other program in the background ----

STARTED=()

# start COMMAND…: runs it until started_stop, in a process group of its own, so that what it has
# started ends with it. PID is its process; STARTED are all. Its output is STARTED_OUTPUT, if set.
start() {
	(
		trap - EXIT ERR DEBUG
		[ -z "${SYSTEM_LOCK_FD-}" ] || exec {SYSTEM_LOCK_FD}>&-
		exec setsid "$@" </dev/null >"${STARTED_OUTPUT:-/dev/null}" 2>&1 3>&- 4>&-
	) &
	PID=$!
	STARTED+=("$PID")
	disown
}

# become PID PROGRAM: until the process runs that file. Before, it is a shell's, which has its background
# jobs ignore INT and QUIT: such a signal would be lost.
become() {
	local end=$((SECONDS + 60))
	# Without a rest: what is done at once afterwards is to come early in its life.
	until [ "/proc/$1/exe" -ef "$2" ]; do
		((SECONDS < end)) || {
			echo "process $1 does not become $2"
			return 1
		}
	done
}

# traced_by PID TRACER: until it is.
traced_by() { wait_for grep -q "^TracerPid:[[:space:]]*$2\$" "/proc/$1/status"; }

# A PID as of a group is no error where there is none: it may have ended, or not begun.
started_stop() {
	[ "${#STARTED[@]}" = 0 ] ||
		kill -KILL -- "${STARTED[@]}" "${STARTED[@]/#/-}" 2>/dev/null || true
	STARTED=()
}

# start_gunicorn N: a prefork server of the application on standard input, on the socket
# $BATS_TEST_TMPDIR/socket. Sets master and workers, N of them. Skips where it is not installed.
start_gunicorn() {
	local tries
	command -v gunicorn >/dev/null || skip 'gunicorn is not installed'
	cat >"$BATS_TEST_TMPDIR/app.py"
	start gunicorn --preload --workers "$1" --bind "unix:$BATS_TEST_TMPDIR/socket" \
		--pythonpath "$BATS_TEST_TMPDIR" --log-level critical app:app
	master=$PID
	for ((tries = 0; tries < 1200; tries++)); do
		[ "$(pgrep -c -r S -P "$master")" != "$1" ] || break
		sleep 0.05
	done
	mapfile -t workers < <(pgrep -P "$master")
	[ "${#workers[@]}" = "$1" ]
}

# ---- the fixture: every page kind ----

# fixture_start ARG…: runs pagekinds. FIXTURE_PID, and the kind_* functions below.
fixture_start() {
	FIXTURE_DIR=$(_lib_tmpdir fixture) || return 1
	_waiting_start "$FIXTURE_DIR" "$PHYSLENS_HELPERS/pagekinds" "$@" || return 1
	FIXTURE_PID=$_waiting_pid
	FIXTURE_FD=$_waiting_fd
	export FIXTURE_DIR FIXTURE_PID FIXTURE_FD
}

# FIXTURE_FD is this shell's only where fixture_start was called; elsewhere TERM is enough.
fixture_stop() {
	[ -n "${FIXTURE_PID-}" ] || return 0
	_waiting_stop "$FIXTURE_PID" "${FIXTURE_FD-}"
	unset FIXTURE_PID FIXTURE_FD
}

# The line of a kind that was made; false if it was not.
kind_line() {
	awk -F'\t' -v kind="$1" '$1 == kind && $2 != "skip" { print; found = 1 }
		END { exit !found }' "$FIXTURE_DIR/out"
}

_kind_field() {
	local line

	line=$(kind_line "$1") || {
		echo "no such kind was made: $1" >&2
		return 1
	}
	cut -f "$2" <<<"$line"
}

kind_start() { _kind_field "$1" 2; }
kind_pages() { _kind_field "$1" 3; }
kind_state() { _kind_field "$1" 4; }
kind_region() { _kind_field "$1" 5; }
kind_facts() { _kind_field "$1" 6; }

# First address behind the kind's pages.
kind_end() {
	local start pages

	start=$(kind_start "$1") && pages=$(kind_pages "$1") || return 1
	printf '0x%x\n' $((start + pages * PAGE_SIZE))
}

# kind_has KIND FACT: a fact such as cow, private, excl.
kind_has() {
	[[ ,$(kind_facts "$1"), == *,$2,* ]]
}

# kind_value KIND NAME: the value of a fact NAME=VALUE.
kind_value() {
	kind_facts "$1" | tr ',' '\n' | awk -F= -v name="$2" \
		'$1 == name { print $2; found = 1; exit } END { exit !found }'
}

# Names of all kinds that were made, and of those that could not be, one a line.
kinds_made() {
	awk -F'\t' 'NF == 6 { print $1 }' "$FIXTURE_DIR/out"
}

kinds_skipped() {
	awk -F'\t' '$2 == "skip" { print $1 }' "$FIXTURE_DIR/out"
}

kind_skip_reason() {
	awk -F'\t' -v kind="$1" '$1 == kind && $2 == "skip" { print $3 }' "$FIXTURE_DIR/out"
}

# require_kind KIND…: skips the test, with the reason, where a kind could not be made.
# In the VM that is a failure: its kernel was chosen to be able to, except for what
# PHYSLENS_VM_WITHOUT names (words; for kernels older than a kind).
require_kind() {
	local kind

	for kind; do
		kind_line "$kind" >/dev/null && continue
		[ -n "$(kind_skip_reason "$kind")" ] || {
			echo "$kind: the fixture knows no such kind" >&2
			return 1
		}
		if [ "${PHYSLENS_IN_VM-}" = 1 ] && [[ " ${PHYSLENS_VM_WITHOUT-} " != *" $kind "* ]]; then
			echo "$kind: $(kind_skip_reason "$kind")" >&2
			return 1
		fi
		skip "$kind: $(kind_skip_reason "$kind")"
	done
}

# kinds_problems ROWS: what of the kinds that were made is not in ROWS (see map_rows) as
# the fixture says, a line each: "state: KIND: …", "region: …", "cow: …", "pages: …".
kinds_problems() {
	local kind start rest

	while IFS=$'\t' read -r kind start rest; do
		# As pages: an address of the upper half is negative to the shell.
		printf '%s\t%d\t%s\n' "$kind" $(((start >> 12) & 0xfffffffffffff)) "$rest"
	done < <(awk -F'\t' 'NF == 6' "$FIXTURE_DIR/out") | awk -F'\t' '
		BEGIN { n = 0 }
		function bad(what, got, wanted) {
			print what ": " $1 ": " got " at page " v[i] ", not " wanted
		}
		NR == FNR { v[n] = $1; pages[n] = $2; state[n] = $4; cow[n] = $5; region[n++] = $6; next }
		{
			from = $2; to = $2 + $3; covered = 0; facts = "," $6 ","
			for (i = 0; i < n && v[i] < to; i++) {
				a = v[i] > from ? v[i] : from
				b = v[i] + pages[i] < to ? v[i] + pages[i] : to
				if (a >= b)
					continue
				covered += b - a
				if ($4 != "-" && state[i] != $4)
					bad("state", state[i], $4)
				if ($5 != "-" && region[i] != $5)
					bad("region", region[i], $5)
				if (facts ~ /,cow,/ && cow[i] != "true")
					bad("cow", cow[i], "true")
				if (facts ~ /,nocow,/ && cow[i] != "false")
					bad("cow", cow[i], "false")
			}
			if (covered != $3)
				print "pages: " $1 ": " covered " of " $3
		}' "$1" -
}

# ---- what physlens says ----

# map_rows FILE: rows of `map --pages --json`, tabs between: page number, pages, PFN (both
# decimal; "-" for none), state, cow, region, perms, object.
map_rows() {
	jq -r 'def hex: ltrimstr("0x") | explode |
			reduce .[] as $c (0; . * 16 + (if $c > 96 then $c - 87 else $c - 48 end));
		.map[] | [(.vpn | hex), .pages, (if .pfn then .pfn | hex else "-" end), .state, .cow,
			.region, .perms, .object] | @tsv' "$1"
}

# ---- the independent reader ----

# peek KIND: its lines for a kind; peek_field KIND N: one of their columns (1 vaddr,
# 2 entry, 3 present, 4 swapped, 5 file, 6 exclusive, 7 pfn, 8 kpageflags, 9 kpagecount).
peek() {
	helper peek "$FIXTURE_PID" "$(kind_start "$1")" "$(kind_pages "$1")"
}

peek_field() {
	peek "$1" | cut -d ' ' -f "$2"
}

# ---- JSON ----

# json_check [FILTER]: $output is one JSON document, and FILTER is true of it.
json_check() {
	# Of no input at all jq 1.6 says that all is well.
	if [ -z "${output?}" ] || ! jq -e "${1:-true}" >/dev/null <<<"$output"; then
		echo "not so: ${1:-valid JSON}" >&2
		head -c 2000 <<<"$output" >&2
		return 1
	fi
}

# ---- the system ----
#
# Swap, KSM and huge pages are the whole machine's: a lock keeps test files from
# taking them from each other, and each function notes how to undo what it did. All
# are content without privilege: what cannot be set up makes the kinds skip.

# How to undo is kept in a file, a command a line: teardown_file may be another process.
_system_undo_file() {
	echo "${SYSTEM_UNDO:=$(_lib_tmpdir system)/undo}"
}

_system_undo() {
	SYSTEM_UNDO=$(_system_undo_file)
	export SYSTEM_UNDO
	printf '%s\n' "$*" >>"$SYSTEM_UNDO"
}

# library_with_text_relocation FILE: the loader writes into its code, at entry+2; the rest are nops.
library_with_text_relocation() {
	"${CC:-cc}" -x assembler-with-cpp -shared -nostdlib -Wl,-z,notext -o "$1" - <<-'END' || skip 'no compiler'
		.section .note.GNU-stack,"",@progbits
		.text
		.globl entry
		entry:
			movabs $entry, %rax
			ret
			.fill 64, 1, 0x90
	END
	sync "$1"
}

# Where mounts of our own cannot be made, as in a chroot whose root is no mount point.
require_own_mounts() {
	unshare -m true 2>/dev/null || skip 'no mounts of our own here'
}

# Held until system_restore or the end of this shell. The number is exported for tests, whose programs
# are not to inherit the descriptor: one that outlives its test would keep the lock.
system_lock() {
	local dir=/run/lock

	[ -z "${SYSTEM_LOCK_FD-}" ] || return 0
	[ -d "$dir" ] && [ -w "$dir" ] || dir=${TMPDIR:-/tmp}
	exec {SYSTEM_LOCK_FD}>>"$dir/physlens-tests.lock"
	export SYSTEM_LOCK_FD
	# Half a dozen files take turns, of two builds perhaps, on a machine that may be busy.
	flock --wait 3600 "$SYSTEM_LOCK_FD" || {
		echo "another test run has held $dir/physlens-tests.lock for an hour" >&2
		return 1
	}
}

# _system_set FILE VALUE: writes one, and has the old value written at the end.
_system_set() {
	local old

	[ -w "$1" ] || return 1
	old=$(cat "$1") || return 1
	# As in "always [madvise] never".
	[[ $old != *\[*\]* ]] || {
		old=${old#*\[}
		old=${old%%\]*}
	}
	{ echo "$2" >"$1"; } 2>/dev/null || return 1
	_system_undo "echo '$old' >'$1'"
}

# swap_on_zram [MIB]: a compressed swap area of its own, before all others.
swap_on_zram() {
	local mib=${1:-256} n

	[ "$(id -u)" = 0 ] || return 0
	if [ ! -e /sys/class/zram-control/hot_add ]; then
		modprobe zram num_devices=0 2>/dev/null || return 0
		_system_undo 'modprobe -r zram 2>/dev/null'
	fi
	n=$(cat /sys/class/zram-control/hot_add 2>/dev/null) || return 0
	# Whoever looks at new block devices (udev) may still have it open.
	_system_undo "for i in 1 2 3 4 5 6 7 8 9 10; do" \
		"echo $n 2>/dev/null >/sys/class/zram-control/hot_remove && break; sleep 0.2; done"
	_system_undo "echo 1 >/sys/block/zram$n/reset"
	echo "${mib}M" >"/sys/block/zram$n/disksize" || return 0
	_system_node "$n"
	mkswap "/dev/zram$n" >/dev/null || return 0
	swapon --priority 32767 "/dev/zram$n" || return 0
	_system_undo "swapoff /dev/zram$n"
}

# Where /dev is not the kernel's own, as in a chroot, nobody makes the node.
_system_node() {
	local numbers

	[ ! -e "/dev/zram$1" ] || return 0
	numbers=$(cat "/sys/block/zram$1/dev") || return 0
	mknod "/dev/zram$1" b "${numbers%:*}" "${numbers#*:}"
	_system_undo "rm -f /dev/zram$1"
}

# ksm_on: ksmd at work, and fast. Those of its knobs that a kernel lacks are left out.
ksm_on() {
	local ksm=/sys/kernel/mm/ksm

	_system_set $ksm/sleep_millisecs 10 || return 0
	_system_set $ksm/pages_to_scan 5000 || true
	_system_set $ksm/smart_scan 0 || true
	_system_set $ksm/run 1 || true
}

# hugetlb_reserve N [KIB]: N huge pages more than there are, of 2 MiB unless told.
hugetlb_reserve() {
	local file=/sys/kernel/mm/hugepages/hugepages-${2:-2048}kB/nr_hugepages old

	[ -w "$file" ] || return 0
	old=$(cat "$file")
	_system_set "$file" $((old + $1)) || true
}

# thp_on: transparent huge pages where a program asks for them, and the huge zero page.
# khugepaged is to wait: it would make pages huge, in other frames, while they are looked at.
thp_on() {
	local thp=/sys/kernel/mm/transparent_hugepage

	[ -r $thp/enabled ] || return 0
	_system_set $thp/khugepaged/scan_sleep_millisecs 3600000 || true
	grep -q '\[never\]' $thp/enabled && _system_set $thp/enabled madvise
	[ "$(cat $thp/use_zero_page 2>/dev/null)" = 0 ] && _system_set $thp/use_zero_page 1
	return 0
}

# Everything that pagekinds can use.
system_prepare() {
	system_lock || return 1
	thp_on
	ksm_on
	hugetlb_reserve 3
	swap_on_zram 256
}

# Undoes all of it, the last first. Stop the fixture before.
system_restore() {
	if [ -n "${SYSTEM_UNDO-}" ] && [ -e "$SYSTEM_UNDO" ]; then
		tac "$SYSTEM_UNDO" >"$SYSTEM_UNDO.now"
		rm "$SYSTEM_UNDO"
		bash "$SYSTEM_UNDO.now" || true
	fi
	if [ -n "${SYSTEM_LOCK_FD-}" ]; then
		exec {SYSTEM_LOCK_FD}>&-
		unset SYSTEM_LOCK_FD
	fi
}
