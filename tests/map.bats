#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# map: every kind of page against the fixture that made it, against an independent reader
# of pagemap, and against the sums of smaps.

# shellcheck disable=SC2016,SC2154 # jq's variables; bats sets stderr
# shellcheck disable=SC2030,SC2031 # a test is a subshell, and what it sets is its own

bats_require_minimum_version 1.5.0
load helpers/lib

# Columns that do not change while nothing happens to the process.
STILL=vaddr,vpn,pages,pfn,state,perms,pte,cow,region,object,offset

# What map says of the fixture now: $D/pages.json, rows, regions.json.
look() {
	physlens map --pages --json -o "$STILL" "$FIXTURE_PID" >"$D/pages.json"
	physlens map --json "$FIXTURE_PID" -o +guard,migrating,special,offset >"$D/regions.json"
	map_rows "$D/pages.json" >"$D/rows"
}

# agrees COMMAND…: holds of one look or another. The kernel moves pages to other frames as
# it pleases (khugepaged, compaction), so what two looks in a row do not share proves
# nothing; what never agrees is wrong.
agrees() {
	local _
	for _ in 1 2 3 4 5; do
		look
		if "$@" >"$D/differences"; then return; fi
	done
	head -n 40 "$D/differences"
	return 1
}

setup_file() {
	system_prepare
	fixture_start
	# Nothing of its own doing shall come between two looks.
	kill -STOP "$FIXTURE_PID"
	D=$BATS_FILE_TMPDIR
	export D
	look
	kinds_problems "$D/rows" >"$D/problems"
}

teardown_file() {
	kill -CONT "$FIXTURE_PID"
	fixture_stop
	system_restore
}

teardown() {
	helpers_stop
	started_stop
}

# ---- every kind ----

@test "the kinds that this kernel makes" {
	local kind missing=''
	[ "$(kinds_made | wc -l)" -ge 40 ]
	for kind in $(kinds_skipped); do
		# A page of 1 GiB is asked for in guests alone.
		[ "$kind" != hugetlb-1g ] || continue
		missing+="$kind ($(kind_skip_reason "$kind")) "
	done
	[ -z "$missing" ] || skip "$missing"
}

@test "state: every page of every kind is in the state it was brought to" {
	run ! grep -E '^(state|pages): ' "$D/problems"
}

@test "region: every kind is called by what it is" {
	run ! grep '^region: ' "$D/problems"
}

@test "cow: a write would copy what it would copy, and nothing else" {
	require_root
	run ! grep '^cow: ' "$D/problems"
}

@test "rows are in order, do not overlap, and leave no page of an area out" {
	awk -F'\t' '{
		if ($1 < next_page) { print "overlap at page " $1; bad = 1 }
		next_page = $1 + $2; sum += $2
	} END { printf "%.0f\n", sum; exit bad }' "$D/rows" >"$D/sum"
	local line from to sum=0
	while read -r line; do
		from=${line%%-*} to=${line#*-}
		sum=$((sum + (0x${to%% *} - 0x$from) / PAGE_SIZE))
	done <"/proc/$FIXTURE_PID/maps"
	[ "$(cat "$D/sum")" -eq $sum ]
}

same_without_scan() {
	PHYSLENS_NO_SCAN=1 physlens map --pages --json -o "$STILL" "$FIXTURE_PID" |
		diff "$D/pages.json" - || return
	# Whether others map a library's page too changes from one look to the next.
	PHYSLENS_NO_SCAN=1 physlens map --json "$FIXTURE_PID" -o +guard,migrating,special,offset |
		jq -S 'del(.map[] | .private, .shared)' |
		diff <(jq -S 'del(.map[] | .private, .shared)' "$D/regions.json") -
}

@test "without PAGEMAP_SCAN the answer is the same" {
	agrees same_without_scan
}

# Holes of terabytes have their pages found by the page tables then; --source=none reads every word.
same_without_source() {
	PHYSLENS_NO_SCAN=1 physlens --source=none map --pages --json -o "$STILL" "$FIXTURE_PID" |
		diff <(sed 's/"pte":[^,]*,/"pte":null,/' "$D/pages.json") -
}

@test "without PAGEMAP_SCAN and without page tables, too" {
	agrees same_without_source
}

# pages_of_hole: the rows of a process that reserves 4 TiB and has 64 pages in them, without
# the scan. How many words were asked for, by 64 MiB of address space, is in $BATS_TEST_TMPDIR/reads.
pages_of_hole() {
	# (LeakSanitizer does not work beneath ptrace.)
	ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" PHYSLENS_NO_SCAN=1 strace -qq -f -y -e trace=pread64 -o "$BATS_TEST_TMPDIR/trace" \
		"$PHYSLENS" map --pages -n -r -o vaddr,pages,pfn,state "$HELPER_PID"
	grep -c '/pagemap>' "$BATS_TEST_TMPDIR/trace" >"$BATS_TEST_TMPDIR/reads"
}

@test "without PAGEMAP_SCAN 4 TiB are searched by the page tables, and what is found is the same" {
	command -v strace >/dev/null || skip 'strace is not installed'
	helper_start hugereserve
	physlens walk --all -n "$HELPER_PID" >/dev/null || skip 'no source of physical memory is open here'
	physlens map --pages -n -r -o vaddr,pages,pfn,state "$HELPER_PID" >"$BATS_TEST_TMPDIR/scan"
	[ "$(awk '$4 == "present"' "$BATS_TEST_TMPDIR/scan" | wc -l)" -ge 64 ]
	pages_of_hole >"$BATS_TEST_TMPDIR/tables"
	diff "$BATS_TEST_TMPDIR/scan" "$BATS_TEST_TMPDIR/tables"
	# All of it would take 65536 of them.
	[ "$(cat "$BATS_TEST_TMPDIR/reads")" -lt 1000 ]
}

@test "what has no page tables to search is read: every word of it" {
	command -v strace >/dev/null || skip 'strace is not installed'
	helper_start hugereserve
	physlens map -n -r -o start,pages,present,zero,swapped,untouched "$HELPER_PID" >"$BATS_TEST_TMPDIR/scan"
	PHYSLENS_NO_SCAN=1 physlens --source=none map -n -r -o start,pages,present,zero,swapped,untouched "$HELPER_PID" |
		diff "$BATS_TEST_TMPDIR/scan" -
}

# ---- against an independent reader ----

# peek_rows: "PAGE PFN" of every present page of "START PAGES" lines on standard input, as
# peek reads them.
peek_rows() {
	local start pages vaddr pfn
	while read -r start pages; do
		helper peek "$FIXTURE_PID" $((start * PAGE_SIZE)) "$pages"
	done | while read -r vaddr _ _ _ _ _ pfn _; do
		echo $((vaddr / PAGE_SIZE)) $((pfn))
	done
}

same_frames() {
	awk -F'\t' '$4 == "present" { for (i = 0; i < $2; i++) printf "%.0f %.0f\n", $1 + i, $3 + i }' \
		"$D/rows" >"$D/ours"
	# Neighbouring runs in one go.
	awk -F'\t' '$4 == "present" {
		if ($1 != end) { if (end) printf "%.0f %.0f\n", from, end - from; from = $1 }
		end = $1 + $2
	} END { printf "%.0f %.0f\n", from, end - from }' "$D/rows" | peek_rows | diff "$D/ours" -
}

same_zero_frames() {
	awk -F'\t' '$4 == "zero" { print $1, $3 }' "$D/rows" >"$D/ours"
	awk '{ print $1, 1 }' "$D/ours" | peek_rows | diff "$D/ours" -
}

@test "PFN: every one is what an independent read of pagemap gives" {
	require_root
	agrees same_frames
	[ "$(wc -l <"$D/ours")" -ge 500 ]
}

@test "PFN: of the zero page too; pages without a frame have none" {
	require_root
	agrees same_zero_frames
	run ! awk -F'\t' '($3 == "-") == ($4 == "present" || $4 == "zero") { print; bad = 1 }
		END { exit !bad }' "$D/rows"
}

@test "MAPPERS and FLAGS: what the kernel counts and says of each frame" {
	require_root
	local kind wanted
	physlens map --pages --json -o vaddr,pages,mappers,flags "$FIXTURE_PID" >"$D/frames.json"
	for kind in anon-written:1:anon mlocked:1:unevictable cow-shared:2:anon ksm:2:ksm memfd:2:file \
		hugetlb:1:huge thp:1:thp uffd-wp:1:uffd-wp file-shared:1:file; do
		IFS=: read -r kind mappers flag <<<"$kind"
		kind_line "$kind" >/dev/null || continue
		wanted=$(kind_start "$kind")
		run -0 jq -r --arg at "$wanted" \
			'.map[] | select(.vaddr == $at) | "\(.mappers) ,\(.flags),"' "$D/frames.json"
		[ "${output%% *}" = "$mappers" ]
		[ "${output%% *}" = "$(helper peek "$FIXTURE_PID" "$wanted" 1 | cut -d ' ' -f 9)" ]
		[[ $output == *",$flag,"* ]]
	done
	jq -e '[.map[] | select(.mappers == null) | .flags | . == null or test("^[a-z,-]*$")] | all' \
		"$D/frames.json" >/dev/null
}

# ---- sums ----

same_totals() {
	jq '[.map[] | {region, pages, state}] | group_by([.region, .state]) |
		map({region: .[0].region, state: .[0].state, pages: (map(.pages) | add)})' \
		"$D/pages.json" >"$D/by-pages"
	jq '[.map[] | . as $row | ("present", "zero", "swapped", "in-file", "untouched", "guard",
			"migrating", "special") | select($row[.] > 0) |
			{region: $row.region, state: ., pages: $row[.]}] |
		group_by([.region, .state]) |
		map({region: .[0].region, state: .[0].state, pages: (map(.pages) | add)})' \
		"$D/regions.json" >"$D/by-regions"
	diff "$D/by-pages" "$D/by-regions" &&
		jq -e --slurpfile r "$D/regions.json" '
		([.map[] | select(.cow) | .pages] | add) == ([$r[0].map[].cow] | add)' "$D/pages.json" >/dev/null &&
		jq -e '.map | map(.present == .private + .shared and
		.pages == .present + .zero + .swapped + .["in-file"] + .untouched + .guard +
			.migrating + .special) | all' "$D/regions.json" >/dev/null
}

@test "totals of the rows of regions are those of the rows of pages, region by region" {
	agrees same_totals
}

@test "the summary line says what the rows add up to" {
	run -0 env LC_ALL=C "$PHYSLENS" map --regions "$FIXTURE_PID"
	local total present zero swapped
	read -r total present zero swapped < <(jq -r \
		'.map | "\(map(.pages) | add) \(map(.present) | add) \(map(.zero) | add) \(map(.swapped) | add)"' \
		"$D/regions.json")
	[[ ${lines[-1]} == "$total pages of process $FIXTURE_PID: $present present ("* ]]
	[ "$zero" -eq 0 ] || [[ ${lines[-1]} == *" $zero of the zero page"* ]]
	[ "$swapped" -eq 0 ] || [[ ${lines[-1]} == *" $swapped swapped"* ]]
}

@test "--objects: the sums of the regions of each object, in bytes" {
	physlens map --json --regions -b "$FIXTURE_PID" -o +guard,migrating,special >"$D/by-region"
	physlens map --json --objects "$FIXTURE_PID" >"$D/by-object"
	# What the kernel moves or swaps between two looks is no matter: sizes stay, and counts add up.
	jq -e --slurpfile regions "$D/by-region" '
		($regions[0].map | group_by(.object // "anonymous") | map({key: (.[0].object // "anonymous"),
			value: [length, (map(.pages) | add)]}) | from_entries) as $want |
		(.map | map({key: .object, value: [.regions, .size]}) | from_entries) == $want and
		(.map | map(.rss) | . == (sort | reverse)) and
		(.map | map(.size == .rss + .zero + .swapped + .["in-file"] + .untouched + .guard +
			.migrating + .special and .rss == .private + .shared) | all)' "$D/by-object"
}

@test "without options: a row an object, in sizes, of columns that say something" {
	run -0 env LC_ALL=C "$PHYSLENS" map "$FIXTURE_PID"
	[[ ${lines[0]} =~ ^\ *SIZE\ +RSS\ +PRIVATE\ +SHARED\ .*\ OBJECT$ ]]
	[[ ${lines[0]} != *MIGRATING* ]]
	[[ ${lines[1]} =~ ^\ *[0-9.]+[KMGT]\ +[0-9.]+[KMG]\  ]]
	[[ ${lines[-1]} =~ ^Process\ $FIXTURE_PID:\ [0-9.]+[MG],\ of\ it\ [0-9.]+[MG]\ in\ RAM ]]
	run -0 env LC_ALL=C "$PHYSLENS" map -b "$FIXTURE_PID"
	[[ ${lines[1]} =~ ^\ *[0-9]+\ +[0-9]+\  ]]
	local total
	total=$(physlens map --json --objects "$FIXTURE_PID" | jq '.map | map(.size) | add')
	[[ ${lines[-1]} == "Process $FIXTURE_PID: $total bytes, of it "* ]]
	# Regions, where a part is asked for, or columns.
	run -0 physlens map --region heap "$FIXTURE_PID"
	[[ ${lines[0]} == REGION* ]]
	run -0 physlens map --objects --region .text "$FIXTURE_PID"
	[[ $output == *SIZE*pagekinds* ]]
	run -0 physlens map -o PAGES "$FIXTURE_PID"
	[[ ${lines[0]} == *PAGES ]]
}

# smaps_differs PID: where map and smaps do not say the same of an area.
#
# smaps counts hugetlb apart from Rss. Swap is compared for anonymous areas alone: of
# shared memory smaps counts what the object has in swap, which no page table says. The
# pages of a library that physlens itself uses are shared while physlens looks, and
# perhaps not while smaps is read: there only the sum is compared.
smaps_differs() {
	physlens map --json "$1" | jq -r '.map[] | [.start, .end, .present, .private, .shared,
		.swapped] | @tsv' >"$D/areas"
	cat "/proc/$1/smaps" >"$D/smaps"
	# The page number as text does, without arithmetic beyond 2^53.
	awk '
		BEGIN { n = 0; i = 0 }
		function vpn(hex) {
			sub(/^0x/, "", hex); sub(/...$/, "", hex)
			while (length(hex) < 13) hex = "0" hex
			return hex
		}
		function check(what, ours, theirs) {
			if (ours != theirs) { print name ": " what ": " ours ", smaps " theirs; bad = 1 }
		}
		function finish() {
			if (!start) return
			present = private = shared = swapped = 0
			# Both are in order: the regions of this area are the next ones.
			for (; i < n && to[i] <= end; i++) {
				if (from[i] < start) continue
				present += p[i]; private += x[i]; shared += s[i]; swapped += w[i]
			}
			huge = kib["Private_Hugetlb"] + kib["Shared_Hugetlb"]
			check("present", present * 4, kib["Rss"] + huge)
			# Others map it as well; of a large folio the two have different words (mm/rmap.c).
			if (name ~ /\.so|\/bin\//) return
			check("private", private * 4,
				kib["Private_Clean"] + kib["Private_Dirty"] + kib["Private_Hugetlb"])
			check("shared", shared * 4,
				kib["Shared_Clean"] + kib["Shared_Dirty"] + kib["Shared_Hugetlb"])
			if (inode == 0)
				check("swapped", swapped * 4, kib["Swap"])
		}
		NR == FNR {
			from[n] = vpn($1); to[n] = vpn($2)
			p[n] = $3; x[n] = $4; s[n] = $5; w[n++] = $6; next
		}
		/^[0-9a-f]+-[0-9a-f]+ / {
			finish()
			split($1, ends, "-"); start = vpn(ends[1]); end = vpn(ends[2])
			name = $0; inode = $5; split("", kib); areas++; next
		}
		{ sub(/:$/, "", $1); kib[$1] = $2 }
		END { finish(); exit bad || !areas }' "$D/areas" "$D/smaps"
}

# Other programs come and go between the two looks: what stays is a disagreement.
agrees_with_smaps() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		smaps_differs "$1" >"$D/differences" && return
	done
	cat "$D/differences"
	return 1
}

@test "sums by area are those of smaps: the fixture" {
	agrees_with_smaps "$FIXTURE_PID"
}

@test "sums by area are those of smaps: a shell" {
	start bash -c 'words=$(seq 20000); kill -STOP $$; echo "${#words}"'
	wait_for grep -q '^State:.T' "/proc/$PID/status"
	agrees_with_smaps "$PID"
}

# More separate pages than PAGEMAP_SCAN returns at once, of which it once gave some twice.
@test "an area with thousands of holes: every page once" {
	# shellcheck disable=SC2034 # helper_value reads it
	helper_start manyvmas 20000
	physlens map --json "$HELPER_PID" >"$D/many"
	agrees_with_smaps "$HELPER_PID"
}

# ---- formats ----

@test "JSON: every column is a key in lower case, with a value of its type" {
	run -0 physlens map --list-columns
	local all
	all=$(awk '{ print $1 }' <<<"$output" | paste -sd,)
	run -0 physlens map --json -o "$all" "$FIXTURE_PID"
	json_check 'keys == ["map"] and (.map | length > 50)'
	json_check '.map | map(keys_unsorted | join(",")) | unique == ["'"${all,,}"'"]'
	json_check '.map | map(
		(.region, .perms | type == "string") and
		(.start, .end | test("^0x[0-9a-f]+$")) and
		(.pages, .present, .private, .shared, .swapped, .["in-file"], .untouched, .guard,
			.migrating, .special | type == "number") and
		(.offset | . == null or test("^0x[0-9a-f]+$")) and
		(.object | . == null or type == "string")) | all'
	run -0 physlens map --pages --list-columns
	all=$(awk '{ print $1 }' <<<"$output" | paste -sd,)
	run -0 physlens map --pages --json -o "$all" "$FIXTURE_PID"
	json_check '.map | map(keys_unsorted | join(",")) | unique == ["'"${all,,}"'"]'
	json_check '.map | map(
		(.vaddr, .vpn | test("^0x[0-9a-f]+$")) and (.pages | type == "number") and
		(.cow | type == "boolean") and (.perms | test("^[r-][w-][x-][ps]$")) and
		(.pfn | . == null or . == "hidden" or test("^0x[0-9a-f]+$")) and
		(.mappers | . == null or . == "hidden" or type == "number") and
		(.pte | . == null or test("^(none|r?w?x?)$")) and
		(.accessed, .dirty, .["soft-dirty"] | . == null or type == "boolean") and
		(.size | . == null or test("^(4K|2M|1G)$")) and
		(.object, .offset, .flags | . == null or type == "string")) | all'
}

@test "-o chooses and orders columns, +COL adds, in any case of letters" {
	run -0 physlens map -r -o perms,REGION --region heap "$FIXTURE_PID"
	[ "${lines[0]}" = 'PERMS REGION' ]
	[ "${lines[1]}" = 'rw-p heap' ]
	run -0 physlens map -r -o +Guard --region heap "$FIXTURE_PID"
	[[ ${lines[0]} == 'REGION START END PERMS PAGES '*' GUARD'* ]]
	run -0 physlens map -p -r -o +vpn --region heap "$FIXTURE_PID"
	[[ ${lines[0]} == 'VADDR PAGES PFN STATE PERMS COW REGION OBJECT VPN' ]]
}

@test "-n: no headings and no summary; -r: one space, no empty cell" {
	run -0 physlens map -n "$FIXTURE_PID"
	[[ $output != *START* && $output != *'pages of process'* ]]
	run -0 physlens map -n -r "$FIXTURE_PID"
	run ! grep -nE '  |^ | $' <<<"$output"
	[ "$(awk '{ print NF }' <<<"$output" | sort -u | wc -l)" -eq 1 ]
	run -0 physlens map -p -r "$FIXTURE_PID"
	[ "$(awk '{ print NF }' <<<"$output" | sort -u | wc -l)" -eq 1 ]
}

@test "-b: bytes where there were pages" {
	physlens map --json -b --region heap "$FIXTURE_PID" >"$D/bytes"
	jq -e --slurpfile r "$D/regions.json" --argjson page "$PAGE_SIZE" '
		($r[0].map[] | select(.region == "heap")) as $heap | .map[0] |
		.pages == $heap.pages * $page and .present == $heap.present * $page and
		.start == $heap.start' "$D/bytes"
}

@test "colour: always, never, and auto only on a terminal without NO_COLOR" {
	local esc=$'\e['
	run -0 physlens map --color=always "$FIXTURE_PID"
	[[ $output == *"$esc"* ]]
	run -0 physlens map -p --color "$FIXTURE_PID"
	[[ $output == *"$esc"* ]]
	run -0 env NO_COLOR=1 "$PHYSLENS" map -p --color=always "$FIXTURE_PID"
	[[ $output == *"$esc"* ]]
	run -0 physlens map -p "$FIXTURE_PID"
	[[ $output != *"$esc"* ]]
	run -0 physlens map -p --json --color=always "$FIXTURE_PID"
	[[ $output != *"$esc"* ]]
	command -v script >/dev/null || return 0
	local on_terminal="'$PHYSLENS' map -p $FIXTURE_PID"
	run -0 env -u NO_COLOR TERM=xterm script -qec "$on_terminal" /dev/null
	[[ $output == *"$esc"* ]]
	run -0 env -u NO_COLOR TERM=dumb script -qec "$on_terminal" /dev/null
	[[ $output != *"$esc"* ]]
	run -0 env NO_COLOR=1 TERM=xterm script -qec "$on_terminal" /dev/null
	[[ $output != *"$esc"* ]]
	run -0 env -u NO_COLOR TERM=xterm script -qec "$on_terminal --color=never" /dev/null
	[[ $output != *"$esc"* ]]
}

@test "on a narrow terminal OBJECT has the end of a path, and a row stays a line" {
	command -v script >/dev/null || skip 'no script(1)'
	local command width
	physlens map -p -n "$FIXTURE_PID" >"$D/whole"
	run ! grep -q … "$D/whole"
	for command in 'map -p' 'map --regions' map; do
		width=90
		TERM=dumb LC_ALL=C.UTF-8 script -qec \
			"stty cols $width; '$PHYSLENS' $command $FIXTURE_PID" /dev/null >"$D/screen"
		grep -q … "$D/screen"
		run -0 env LC_ALL=C.UTF-8 perl -CSD -ne \
			's/[\r\n]//g; print if length > '"$width" "$D/screen"
		[ "$output" = '' ]
	done
}

# sleeper PATH PROGRAM…: PROGRAM…, which is or becomes PATH (a copy of sleep), once it sleeps.
sleeper() {
	local path=$1
	shift
	start "$@" 600
	# In this order: what has become PATH stays it, and has its libraries before it sleeps.
	until [ "$(readlink "/proc/$PID/exe")" = "$path" ] && grep -qxz 600 "/proc/$PID/cmdline" &&
		grep -q libc "/proc/$PID/maps" && grep -q '^State:.S' "/proc/$PID/status"; do
		[ -e "/proc/$PID" ]
		sleep 0.01
	done
}

@test "a path that is not ASCII, whatever the locale" {
	cp "$(type -P sleep)" "$BATS_TEST_TMPDIR/aäb"
	sleeper "$BATS_TEST_TMPDIR/aäb" "$BATS_TEST_TMPDIR/aäb"
	run -0 env LC_ALL=C timeout 60 "$PHYSLENS" map -n -o object --object aäb "$PID"
	[[ $output == *"/aäb"* ]]
}

@test "a terminal without UTF-8 gets ASCII, whatever is in a name" {
	command -v script >/dev/null || skip 'no script(1)'
	# The second byte of this letter is CSI to an 8-bit terminal.
	cp "$(type -P sleep)" "$BATS_TEST_TMPDIR/město"
	sleeper "$BATS_TEST_TMPDIR/město" "$BATS_TEST_TMPDIR/město"
	local command
	for command in "map --object '*sto'" "map -p --object '*sto'" 'map --range nonsense-město'; do
		TERM=dumb LC_ALL=C timeout 60 script -qec \
			"stty cols 130; '$PHYSLENS' $command $PID" /dev/null >"$BATS_TEST_TMPDIR/screen" || true
		grep -qF 'm\xc4\x9bsto' "$BATS_TEST_TMPDIR/screen"
		run ! env LC_ALL=C grep $'[\200-\377]' "$BATS_TEST_TMPDIR/screen"
	done
	# JSON is UTF-8 always.
	TERM=dumb LC_ALL=C script -qec "'$PHYSLENS' map -J $PID" /dev/null | grep -q '/město"'
}

@test "text, raw and JSON say the same" {
	physlens map -p -n -r -o vpn,pages,state,region "$FIXTURE_PID" >"$D/raw"
	physlens map -p -n -o vpn,pages,state,region "$FIXTURE_PID" | awk '{ print $1, $2, $3, $4 }' |
		diff "$D/raw" -
	jq -r '.map[] | "\(.vpn) \(.pages) \(.state) \(.region)"' "$D/pages.json" | diff "$D/raw" -
}

# ---- selections ----

@test "--range: the pages asked for and no others, cut out of their region" {
	local start end
	start=$(kind_start anon-written) end=$(kind_end anon-written)
	run -0 physlens map -n -r -o start,end,pages --range "$start-$end" "$FIXTURE_PID"
	[ "$output" = "$start $end 8" ]
	# Two pages from the middle; addresses without 0x, and not of whole pages.
	run -0 physlens map -n -r -o start,end,present \
		--range "$(printf '%x-%x' $((start + PAGE_SIZE + 5)) $((start + 2 * PAGE_SIZE + 1)))" "$FIXTURE_PID"
	[ "$output" = "$(printf '0x%x 0x%x 2' $((start + PAGE_SIZE)) $((start + 3 * PAGE_SIZE)))" ]
	run -0 physlens map -p -n -r -o vaddr,pages,state \
		--range "$(printf '%x-%x' $((start + PAGE_SIZE)) $((start + 2 * PAGE_SIZE)))" "$FIXTURE_PID"
	[ "$output" = "$(printf '0x%x 1 present' $((start + PAGE_SIZE)))" ]
}

@test "where nothing is selected there are no rows, and a line says so" {
	local selection mode
	for selection in --range=1000-2000 --region=no-such-region --object=no-such-object; do
		for mode in --json '--json --pages'; do
			# shellcheck disable=SC2086 # words
			run -2 --separate-stderr physlens map $mode "$selection" "$FIXTURE_PID"
			json_check '.map == []'
			case $selection in
			--range*) [[ $stderr == *": nothing is mapped from 0x1000 to 0x2000 in process $FIXTURE_PID" ]] ;;
			--region*) [[ $stderr == *"is called no-such-region; there are: '"* ]] ;;
			--object*) [[ $stderr == *"matches no-such-object; there are: '"* ]] ;;
			esac
		done
	done
}

@test "a selection of nothing names what is nearest to it" {
	run -2 --separate-stderr physlens map --region .txet "$FIXTURE_PID"
	[[ $stderr == *"there are: '.text', "* ]]
	run -2 --separate-stderr physlens map --object 'libcc' "$FIXTURE_PID"
	[[ $stderr == *"'libc.so.6'"* ]]
}

@test "--region and --object: regions of one name, objects by glob" {
	run -0 physlens map --json --region .text "$FIXTURE_PID"
	json_check '(.map | length > 1) and (.map | map(.region == ".text") | all)'
	run -0 physlens map --json --pages --object pagekinds "$FIXTURE_PID"
	json_check '(.map | length > 5) and (.map | map(.object | endswith("/pagekinds")) | all)'
	run -0 physlens map --json --object '*/libc.so*' --region .text "$FIXTURE_PID"
	json_check '.map | length == 1 and (.[0].perms == "r-xp")'
	run -0 physlens map --json --object libc --region .text "$FIXTURE_PID"
	json_check '.map | length == 1 and (.[0].object | test("/libc[.]so[.]6$"))'
	run -0 physlens map --json --object '[[]stack]' "$FIXTURE_PID"
	json_check '.map | length == 1 and .[0].region == "stack"'
}

# ---- the right file ----

# Names and places of the program's own regions, without the object's name.
own_regions() {
	physlens map -n -r -o region,start,end,perms --object "*$1*" "$PID"
}

@test "a deleted and a replaced program still give the names of the right file" {
	local before
	cp "$(type -P sleep)" "$BATS_TEST_TMPDIR/prog"
	sleeper "$BATS_TEST_TMPDIR/prog" "$BATS_TEST_TMPDIR/prog"
	before=$(own_regions /prog)
	[[ $before == *'.text '* && $before == *'.rodata '* ]]
	mv "$BATS_TEST_TMPDIR/prog" "$BATS_TEST_TMPDIR/gone"
	rm "$BATS_TEST_TMPDIR/gone"
	run -0 own_regions 'gone (deleted)'
	require_root
	[ "$output" = "$before" ]
	# Another file has its name now, with other sections at these places.
	cp "$(type -P bash)" "$BATS_TEST_TMPDIR/gone"
	run -0 own_regions gone
	[ "$output" = "$before" ]
	cp "$(type -P bash)" "$BATS_TEST_TMPDIR/gone (deleted)"
	run -0 own_regions gone
	[ "$output" = "$before" ]
}

@test "a program of another mount namespace: its file, not what has that path here" {
	require_root
	local before
	mkdir "$BATS_TEST_TMPDIR/real" "$BATS_TEST_TMPDIR/ns"
	cp "$(type -P sleep)" "$BATS_TEST_TMPDIR/real/prog"
	sleeper "$BATS_TEST_TMPDIR/real/prog" "$BATS_TEST_TMPDIR/real/prog"
	before=$(own_regions /prog | cut -d ' ' -f 1,4)
	cp "$(type -P bash)" "$BATS_TEST_TMPDIR/ns/prog"
	require_own_mounts
	# shellcheck disable=SC2016
	sleeper "$BATS_TEST_TMPDIR/ns/prog" unshare -m sh -c \
		'mount --bind "$0/real" "$0/ns" && exec "$0/ns/prog" "$1"' "$BATS_TEST_TMPDIR"
	run -0 grep -c "$BATS_TEST_TMPDIR/ns/prog" "/proc/$PID/maps"
	run -0 own_regions /prog
	[ "$(cut -d ' ' -f 1,4 <<<"$output")" = "$before" ]
}

# tiny32: builds and starts the 32-bit program; sets HELPER_PID. In $1, a chroot, if given.
tiny32() {
	local program=${1:-$BATS_TEST_TMPDIR}/tiny32
	"${CC:-cc}" -m32 -ffreestanding -nostdlib -static -no-pie -fno-stack-protector \
		-o "$program" "$BATS_TEST_DIRNAME/helpers/tiny32.c" 2>/dev/null ||
		skip 'the compiler does not make 32-bit programs'
	HELPER_DIR=$BATS_TEST_TMPDIR
	if [ -n "${1-}" ]; then
		set -- chroot "$1" /tiny32
	else
		set -- "$program"
	fi
	_waiting_start "$HELPER_DIR" "$@" || skip 'the kernel does not run 32-bit programs'
	HELPER_PID=$_waiting_pid
	HELPERS+=("$_waiting_pid:$_waiting_fd")
}

@test "a 32-bit process" {
	tiny32
	run -0 physlens map --json "$HELPER_PID"
	json_check '.map | map(select(.region == ".text")) | length == 1 and
		.[0].start == "0x8049000" and .[0].present == 1 and (.[0].object | endswith("/tiny32"))'
	json_check '.map | map(.end | length <= 10) | all'
	run -0 physlens map --json --range "$(helper_value address)-ffffffff" --region .bss "$HELPER_PID"
	json_check '.map | length == 1 and .[0].present == 1 and .[0].zero == 0'
}

@test "a program in a chroot" {
	require_root
	mkdir "$BATS_TEST_TMPDIR/root"
	tiny32 "$BATS_TEST_TMPDIR/root"
	run -0 physlens map -n -r -o region,object "$HELPER_PID"
	[[ $output == *'.text '*'/tiny32'* ]]
	[[ $output == *'.bss '*'/tiny32'* ]]
}

# ---- .bss and heap ----

@test "the heap begins where .bss ends, also where both are one area (no randomisation)" {
	setarch -R true 2>/dev/null || skip 'the personality cannot be set here'
	local FIXTURE_DIR=$BATS_TEST_TMPDIR FIXTURE_PID
	_waiting_start "$FIXTURE_DIR" setarch -R "$PHYSLENS_HELPERS/pagekinds" --only \
		bss-written,bss-read,bss-untouched,bss-tail,heap,heap-untouched,data-written
	HELPERS+=("$_waiting_pid:$_waiting_fd")
	FIXTURE_PID=$_waiting_pid
	physlens map --pages --json "$FIXTURE_PID" -o "$STILL" >"$BATS_TEST_TMPDIR/pages.json"
	map_rows "$BATS_TEST_TMPDIR/pages.json" >"$BATS_TEST_TMPDIR/rows"
	run kinds_problems "$BATS_TEST_TMPDIR/rows"
	echo "$output"
	[ -z "$output" ]
	[ "$(kinds_made | wc -l)" -ge 6 ]
	[ "$(kinds_made | grep -c -v bss-read)" -eq 6 ]
	# A page of .bss is the program's; one of the heap is nobody's.
	physlens map -n -r -o region,object "$FIXTURE_PID" >"$BATS_TEST_TMPDIR/regions"
	grep -q '^\.bss .*/pagekinds$' "$BATS_TEST_TMPDIR/regions"
	grep -q '^heap \[heap\]$' "$BATS_TEST_TMPDIR/regions"
}

@test "a section's name belongs to the page that the fixture says: .bss in .data's last page" {
	require_kind bss-tail
	run -0 physlens map -n -r -o object --range "$(kind_start bss-tail)-$(kind_end bss-tail)" "$FIXTURE_PID"
	[[ $output == */pagekinds ]]
}
