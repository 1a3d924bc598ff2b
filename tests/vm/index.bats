#!/usr/bin/env bats
# vm: --kernel lab --mem 4096
# vm: --kernel stock-6.1 --mem 4096
# vm: --kernel stock-6.12 --mem 4096
# share, owner and census on other kernels, where all kinds of pages are made and nothing else runs.

load guest

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

# rollup PID: "USS PSS RSS HUGETLB" in KiB, as smaps_rollup has them.
rollup() {
	awk '/^Rss:/ { rss = $2 } /^Pss:/ { pss = $2 } /^Private_(Clean|Dirty):/ { uss += $2 }
		/^(Shared|Private)_Hugetlb:/ { huge += $2 } END { print uss, pss, rss, huge }' \
		"/proc/$1/smaps_rollup"
}

@test "census: every process's USS, PSS and RSS are those of smaps_rollup" {
	local one uss pss rss huge compared=0
	"$physlens" census --freeze -b -n -r -o pid,uss,pss,rss,hugetlb >"$BATS_TEST_TMPDIR/census"
	while read -r one uss pss rss huge; do
		read -ra want < <(rollup "$one" 2>/dev/null) || continue
		# Only this shell and what it runs are not quiet.
		[[ $one == "$pid" || $(cat "/proc/$one/comm") == pagekinds ]] || continue
		echo "$one: $((uss / 1024)) $((pss / 1024)) $((rss / 1024)) $((huge / 1024)), ${want[*]}"
		[[ $((uss / 1024)) -ge $((want[0] - 4)) && $((uss / 1024)) -le $((want[0] + 4)) ]]
		[[ $((rss / 1024)) -eq ${want[2]} && $((huge / 1024)) -eq ${want[3]} ]]
		# Who else maps libc changes with each program that this test runs.
		[[ $((pss / 1024)) -ge $((want[1] * 99 / 100 - 16)) ]]
		[[ $((pss / 1024)) -le $((want[1] * 101 / 100 + 16)) ]]
		compared=$((compared + 1))
	done <"$BATS_TEST_TMPDIR/census"
	[ "$compared" -ge 1 ]
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
