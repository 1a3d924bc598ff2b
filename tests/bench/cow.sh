#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measures `physlens cow`: of a master and its children against bare reads of the same pagemap
# entries, of a program that forks against strace, and what it costs to look every second. Run in the
# build directory, as root:
#
#	tests/bench/cow.sh [RUNS] [MIB]
set -euo pipefail

runs=${1:-11} mib=${2:-4096} children=8
log=/dev/null
# shellcheck source=record.bash
. "${BASH_SOURCE[0]%/*}/record.bash"

die() {
	printf 'bench: %s\n' "$*" >&2
	exit 2
}

# start_sharers N MIB ARG…: processes that share memory; see tests/helpers/sharers.c. Sets pid, pids
# and address. They live until stop_sharers, or until this script ends.
start_sharers() {
	local key value
	coproc TARGET { exec tests/helpers/sharers "$@"; }
	pid='' pids='' address=''
	while read -r key value <&"${TARGET[0]}"; do
		case $key in
		address) address=$value ;;
		children) pids=${value// /,} ;;
		ready) pid=$value pids=$value,$pids && return ;;
		esac
	done
	die 'sharers: it ended before it was ready (not enough memory?)'
}

stop_sharers() {
	kill "$pid"
	wait "$pid" 2>/dev/null || true
}

# compare TITLE NAME_A NAME_B TARGET COMMAND… --against COMMAND…
compare() {
	local result
	printf '\n%s\n' "$1"
	result=$(tests/bench/bench-run --runs "$runs" --warm-up 1 "${@:5}" 2>/dev/null) ||
		die "$1: a program failed"
	awk -v a="$2" -v b="$3" -v target="$4" '
		$1 == "ratio" { median[$2] = $4; low[$2] = $6; high[$2] = $7 }
		$1 == "a" || $1 == "b" {
			printf "  %-22s cpu %7.3f s (min %.3f)   wall %7.3f s (min %.3f)   peak %.1f MiB\n",
				$1 == "a" ? a : b, $6, $4, $11, $9, $13 / 1024
		}
		END {
			for (i = split("cpu wall", what, " "); i > 0; i--)
				printf "  ratio of %s time %.2f, half of the pairs in %.2f..%.2f%s\n", what[i],
					median[what[i]], low[what[i]], high[what[i]],
					target == "" ? "" : " (target: at most " target ")"
		}' <<<"$result"
	record "$1: $2 against $3" "$(awk '$1 == "ratio" && $2 == "cpu" { print $4 }' <<<"$result")" ratio \
		"${4:+<= }${4:--}"
}

family() {
	start_sharers $((children + 1)) "$mib" "$@"
	compare "cow of a master of $mib MiB with $children children${1:+ ($1)}" \
		'physlens cow' 'bare pagemap loop' 1.3 ./physlens cow "$pid" --against \
		tests/bench/bench-pagemap "$pids" "$address" $((mib * 256))
	stop_sharers
}

# A program that forks a thousand times; its children end at once.
forks() {
	# shellcheck disable=SC2016 # for that shell
	local program=("$1" -c 'i=0; while [ $i -lt 1000 ]; do (:); i=$((i + 1)); done')
	compare "$1 that forks a thousand times" 'physlens cow' strace 2 \
		./physlens cow -O "$log" -- "${program[@]}" --against \
		strace -f -o "$log" -e trace=fork,vfork,clone,clone3,execve,exit_group "${program[@]}"
	compare 'the same, against nobody that traces it' 'physlens cow' 'nobody' '' \
		./physlens cow -O "$log" -- "${program[@]}" --against "${program[@]}"
}

# ticks PID: processor time until now.
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

# share_of TITLE PID SECONDS
share_of() {
	local before begun share
	begun=$EPOCHREALTIME before=$(ticks "$2")
	sleep "$3"
	share=$(awk -v ticks=$(($(ticks "$2") - before)) -v hz="$(getconf CLK_TCK)" \
		-v seconds="$(awk "BEGIN { print $EPOCHREALTIME - $begun }")" 'BEGIN {
		printf "%.1f", ticks / hz / seconds * 100 }')
	printf '  %-40s %s %% of a processor, of %s s (target: at most 3 %%)\n' "$1" "$share" "$3"
	record "$1, two processes that share 1 GiB" "$share" % '<= 3'
}

sampling() {
	local tool hold
	printf '\na look every second at two processes that share 1024 MiB\n'
	start_sharers 2 1024
	./physlens cow --watch 1 "$pid" >/dev/null &
	tool=$!
	sleep 2
	share_of 'cow PID --watch 1' "$tool" 20
	kill "$tool"
	stop_sharers
	hold=$(mktemp -u)
	mkfifo "$hold"
	exec {held}<>"$hold"
	./physlens cow --interval 1 -O "$log" -- tests/helpers/sharers 2 1024 <"$hold" >/dev/null &
	tool=$!
	sleep 4
	share_of 'cow --interval 1 -- COMMAND' "$tool" 20
	exec {held}>&-
	kill "$tool" && wait "$tool" || true
	rm "$hold"
}

main() {
	[[ $EUID -eq 0 ]] || die 'not root: frame numbers are hidden: sudo tests/bench/cow.sh'
	[[ -x ./physlens && -x tests/bench/bench-pagemap && -x tests/helpers/sharers ]] ||
		die 'not built: run make and make check in the build directory'
	printf 'kernel %s, %s CPUs; medians of %s runs of whole processes\n' "$(uname -r)" "$(nproc)" "$runs"
	family
	family --scattered
	if command -v strace >/dev/null; then
		forks bash
		forks dash
	else
		printf '\na program that forks a thousand times\n  skipped: strace is not installed\n'
	fi
	sampling
}

main
