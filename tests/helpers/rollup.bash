# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the bats files: census held against /proc/PID/smaps_rollup. Who else maps a library counts in
# both, and every program that is started to look changes it: so census goes on (--watch), and this
# shell reads both by itself.

# rollup PID: sets ROLLUP, "USS PSS RSS HUGETLB" in KiB.
rollup() {
	local key value rest uss=0 pss=0 rss=0 huge=0

	while read -r key value rest; do
		case $key in
		Rss:) rss=$value ;;
		Pss:) pss=$value ;;
		Private_Clean: | Private_Dirty:) uss=$((uss + value)) ;;
		Shared_Hugetlb: | Private_Hugetlb:) huge=$((huge + value)) ;;
		esac
	done <"/proc/$1/smaps_rollup"
	ROLLUP="$uss $pss $rss $huge"
}

# rollups PID…: sets ROLLUPS, a line each.
rollups() {
	local one

	ROLLUPS=''
	for one; do
		rollup "$one"
		ROLLUPS+="$one $ROLLUP"$'\n'
	done
}

# sample PID…: the next count, as rollups has it, in SAMPLE. From descriptor $from.
sample() {
	local one pid uss pss rss huge
	local -A rows=()

	while read -r -t 120 -u "$from" pid uss pss rss huge && [[ -n $pid ]]; do
		rows[$pid]="$pid $((uss / 1024)) $((pss / 1024)) $((rss / 1024)) $((huge / 1024))"
	done
	SAMPLE=''
	for one; do
		SAMPLE+="${rows[$one]-$one missing}"$'\n'
	done
}

# are_close SLACK: SAMPLE and ROLLUPS are equal but for SLACK KiB in USS and PSS.
are_close() {
	local pid uss pss rss huge ours

	while read -r pid uss pss rss huge && [[ -n $pid ]]; do
		read -r -a ours
		[[ "${ours[*]}" == "$pid "*" $rss $huge" ]] || return 1
		((ours[1] - uss <= $1 && uss - ours[1] <= $1)) || return 1
		((ours[2] - pss <= $1 && pss - ours[2] <= $1)) || return 1
	done < <(paste -d '\n' <(printf %s "$ROLLUPS") <(printf %s "$SAMPLE"))
}

# Its number is the kernel's own (PROC_PID_INIT_INO).
in_first_pid_namespace() { [[ "$(readlink /proc/self/ns/pid)" == 'pid:[4026531836]' ]]; }

# same_as_rollup TRIES OPTIONS PID…: some sample agrees to the KiB with what the kernel says both
# before and after it. OPTIONS are census's. Where the kernel keeps a process from root (some have
# such an init) nobody can know that it maps the vdso, too: there it is one page.
same_as_rollup() {
	local tries=$1 options=$2 before from counter agrees=1 slack=0
	shift 2

	head -c 0 /proc/1/pagemap 2>/dev/null && in_first_pid_namespace || slack=$((PAGE_SIZE / 1024))
	# shellcheck disable=SC2086 # options are words
	exec {from}< <(exec "$PHYSLENS" census $options --watch 1 -b -n \
		-o pid,uss,pss,rss,hugetlb 2>/dev/null 3>&- 4>&-)
	counter=$!
	sample "$@"
	while ((agrees && tries-- > 0)); do
		rollups "$@"
		before=$ROLLUPS
		sample "$@"
		rollups "$@"
		if [[ $before == "$ROLLUPS" ]] && are_close "$slack"; then agrees=0; fi
	done
	kill "$counter" 2>/dev/null || true
	wait "$counter" 2>/dev/null || true
	exec {from}<&-
	((agrees == 0)) || printf 'smaps_rollup:\n%sand\n%scensus:\n%s' "$before" "$ROLLUPS" "$SAMPLE"
	return "$agrees"
}
