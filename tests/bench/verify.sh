#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measures `physlens verify --all` against reading the same files once with O_DIRECT: every file of
# which a process has an executable or read-only mapping. Run in the build directory, as root:
#
#	tests/bench/verify.sh [RUNS]
set -euo pipefail

runs=${1:-11}
# shellcheck source=record.bash
. "${BASH_SOURCE[0]%/*}/record.bash"

die() {
	printf 'bench: %s\n' "$*" >&2
	exit 2
}

# The files, each once. A process that ends meanwhile takes its maps along.
list_files() {
	{ cat /proc/[0-9]*/maps 2>/dev/null || true; } |
		awk '$6 ~ /^\// && ($2 ~ /x/ || $2 !~ /w/) && $0 !~ /\(deleted\)$/ { print $6 }' | sort -u |
		while read -r path; do
			[[ ! -f $path ]] || printf '%s\n' "$path"
		done
}

main() {
	[[ $EUID -eq 0 ]] || die 'not root: other processes are closed: sudo tests/bench/verify.sh'
	[[ -x ./physlens && -x tests/bench/bench-direct ]] ||
		die 'not built: run make and make check in the build directory'
	local list status=0
	list=$(mktemp)
	# shellcheck disable=SC2064 # now
	trap "rm -f '$list'" EXIT
	list_files >"$list"
	printf 'kernel %s, %s CPUs; verify --all: %s; the floor reads %s\n' "$(uname -r)" "$(nproc)" \
		"$(./physlens verify --all --json 2>/dev/null | tail -n 1 |
			sed 's/.*"frames":\([0-9]*\).*/\1 frames/')" "$(tests/bench/bench-direct "$list")"
	# Findings are no failure here.
	tests/bench/bench-run --runs "$runs" --warm-up 1 \
		sh -c './physlens verify --all 2>/dev/null; [ $? -le 2 ]' --against \
		tests/bench/bench-direct "$list" >"$list.result" || status=$?
	[[ $status -eq 0 ]] || die 'a program failed'
	awk '
		$1 == "ratio" { ratio[$2] = $4; low[$2] = $6; high[$2] = $7 }
		$1 == "a" { printf "  verify --all   cpu %.3f s, wall %.3f s, peak %.1f MiB (target: at most 64 MiB)\n",
			$6, $11, $13 / 1024 }
		$1 == "b" { printf "  direct reading cpu %.3f s, wall %.3f s\n", $6, $11 }
		END { printf "  ratio of wall time %.2f, half of the pairs in %.2f..%.2f (target: at most 1.3)\n",
			ratio["wall"], low["wall"], high["wall"] }' "$list.result"
	record 'verify --all: wall time against reading the same files with O_DIRECT' \
		"$(awk '$1 == "ratio" && $2 == "wall" { print $4 }' "$list.result")" ratio '<= 1.3'
	rm -f "$list.result"
}

main
