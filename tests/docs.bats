#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The documents against the program: what --help says is in the manual pages and the completion, what
# they say is in --help, and their examples work.
#
# An example is run if it is a line ".Dl $ COMMAND" of a manual page's EXAMPLES, or a line "$ COMMAND" of
# a code block that follows "<!-- run -->" in the README or the tour, with the lines "> …" below it. A
# block behind "<!-- run on -->" goes on in the shell of the one before. Examples with sudo are run by
# root only.

# shellcheck disable=SC2016 # backquotes are Markdown's

bats_require_minimum_version 1.5.0
load helpers/lib

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	man=$top/man
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	ln -sf "$(realpath "$PHYSLENS")" "$BATS_TEST_TMPDIR/bin/physlens"
}

commands() {
	physlens --help | sed -n '/^Commands:$/,/^$/s/^ \([a-z][^ ]*\) .*/\1/p'
}

# help_options SECTION [COMMAND]: of a section of --help, one a line: -J, --json, …
help_options() {
	local section=$1
	shift
	physlens "$@" --help | sed -n "/^$section:\$/,/^\$/{ /^ /p }" |
		sed 's/^ *//; s/  .*//' | grep -oE '(^|[ ,])--?[A-Za-z][-a-z]*' | tr -d ' ,' | sort -u
}

# "TABLE:COLUMN" a line; TABLE is empty for a command's only table.
help_columns() {
	physlens "$1" --help | awk '
		/^Columns( of .*)?:$/ { on = 1; table = $0; sub(/^Columns( of )?/, "", table)
			sub(/:$/, "", table); next }
		!/^ / { on = 0 }
		on { print table ":" $1 }' | sort
}

man_options() {
	awk '/^\.Sh/ { on = $2 == "OPTIONS" }
		on && /^\.It/ { for (i = 2; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) }' \
		"$1" | sort -u
}

man_columns() {
	awk '/^\.Sh/ { on = $2 == "COLUMNS"; table = "" }
		on && /^\.Ss/ { table = $0; sub(/^\.Ss /, "", table) }
		on && /^\.It/ && $NF ~ /^[A-Z0-9-]+$/ { print table ":" $NF }' "$1" | sort
}

# same WHAT HELP DOCUMENT: two lists; the difference is the message.
same() {
	diff -u --label "$1: --help" --label "$1: document" <(echo "$2") <(echo "$3")
}

# run_example CODE: as a user would type it, with the program's own directory first. It has a process
# group of its own, and what it has left running ends with it; output goes to a file, which nobody
# who is left can hold open.
run_example() {
	local code=$1 status=0 dir=$BATS_TEST_TMPDIR

	if [[ $code = *sudo* && $EUID -ne 0 ]]; then
		return 0
	fi
	if [[ $code = *gunicorn* ]] && ! command -v gunicorn; then
		return 0
	fi
	# Of the tests that run at once only one can have that port.
	[[ $code != *127.0.0.1:8017* ]] || system_lock
	PATH=$dir/bin:$PATH TMPDIR=$dir setsid --wait bash --norc -o pipefail -c '
		echo $$ >"$0"
		sudo() { "$@"; }
		trap : EXIT # so that the last command does not take the place of this shell
		'"$code" "$dir/group" </dev/null >"$dir/out" 2>"$dir/err" 3>&- 4>&- || status=$?
	kill -KILL -- "-$(cat "$dir/group")" 2>/dev/null || true
	[ "$status" = 0 ] && cat "$dir/out" "$dir/err" | grep -q . && return
	echo "status $status of: $code"
	tail -n 20 "$dir/out" "$dir/err"
	return 1
}

# example_works CODE: once more if it fails. Many ask for a page of a program's, which a machine short
# of memory may take at any moment, whereupon they rightly have nothing to show.
example_works() {
	run_example "$1" || run_example "$1"
}

@test "every command has a manual page, and every page a command" {
	same pages "$(commands | sort)" \
		"$(basename -a -s .1 "$man"/physlens-*.1 | sed 's/^physlens-//' | sort)"
	for page in "$man"/*.1; do
		grep -qF "man/$(basename "$page")" "$man/local.mk"
	done
}

@test "manual pages have every option of --help, and no other" {
	for command in $(commands); do
		same "$command" "$( (help_options Options "$command" && help_options 'Common options' "$command") |
			sort -u)" "$(man_options "$man/physlens-$command.1")"
	done
	same physlens "$( (help_options Options && help_options 'Common options' map) | sort -u)" \
		"$(man_options "$man/physlens.1")"
}

@test "manual pages have every column of --help, and no other" {
	for command in $(commands); do
		columns=$(help_columns "$command")
		[ -n "$columns" ]
		same "$command" "$columns" "$(man_columns "$man/physlens-$command.1")"
	done
}

@test "--list-columns lists the columns of --help" {
	for command in $(commands); do
		same "$command" "$(help_columns "$command" | grep -v ' --' | cut -d : -f 2)" \
			"$(physlens "$command" --list-columns | awk '{ print $1 }' | sort)"
	done
	same 'map --pages' "$(help_columns map | sed -n 's/^map --pages://p')" \
		"$(physlens map --pages --list-columns | awk '{ print $1 }' | sort)"
}

@test "manual pages have the sections of a manual page, in order" {
	for page in "$man"/*.1; do
		for section in NAME SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			grep -qxF ".Sh $section" "$page" || {
				echo "$page: no $section"
				false
			}
		done
	done
	for command in $(commands); do
		grep -qF "physlens-$command 1" "$man/physlens.1"
	done
}

@test "mandoc -T lint has nothing to say of the manual pages" {
	command -v mandoc >/dev/null || skip 'mandoc is not installed'
	# Which other manuals are installed is the machine's business: "referenced manual not found".
	# That its database is old goes to standard error, and into the middle of a line of this.
	run --separate-stderr mandoc -T lint "$man"/*.1
	found=$(grep -v -e 'STYLE: referenced manual not found' -e '^mandoc: outdated mandoc.db' \
		<<<"$output" || true)
	[ -z "$found" ] || {
		echo "$found"
		false
	}
}

@test "references between the manual pages lead somewhere" {
	while read -r name; do
		[ -e "$man/$name.1" ]
	done < <(grep -hoE '^\.Xr physlens[-a-z]* 1' "$man"/*.1 | cut -d ' ' -f 2 | sort -u)
}

@test "the examples of the manual pages work" {
	count=0
	while IFS= read -r example; do
		echo "example: $example"
		example_works "$example"
		count=$((count + 1))
	done < <(awk '/^\.Sh/ { on = $2 == "EXAMPLES" }
		on && sub(/^\.Dl \$ /, "") { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print }' "$man"/*.1)
	[ "$count" -gt 0 ]
}

@test "the examples of the README and of the tour work" {
	count=0
	for document in README.md docs/tour.md; do
		[ -e "$top/$document" ]
	done
	while IFS= read -r -d $'\f' block; do
		echo "block: $block"
		example_works "$block"
		count=$((count + 1))
	done < <(awk '/^<!-- run -->$/ { run = 1; if (some++) printf "\f"; next }
		/^<!-- run on -->$/ { run = 1; next }
		/^```/ { if (on) on = run = 0; else on = run; next }
		on && sub(/^(\$|>)( |$)/, "")
		END { printf "\f" }' "$top/README.md" "$top/docs/tour.md")
	[ "$count" -gt 0 ]
}

@test "the README shows a table with the headings of today" {
	for command in map 'map --pages' doctor; do
		read -ra words <<<"$command"
		[ "$command" = doctor ] || words+=($$)
		heading=$(physlens "${words[@]}" 2>/dev/null | head -n 1)
		[ -n "$heading" ]
		# Widths are those of the day.
		tr -s ' ' <"$top/README.md" | grep -qxF "$(tr -s ' ' <<<"$heading")"
	done
}

@test "the README names the packages that a build needs, and every command" {
	while read -r package; do
		grep -qF "\`$package\`" "$top/README.md" || {
			echo "not named: $package"
			false
		}
	done < <(awk '$1 == "build" { print $2 }' "$top/scripts/lib/packages")
	for command in $(commands); do
		grep -q "\`$command" "$top/README.md"
		grep -q "\`physlens $command" "$top/NEWS"
	done
}

@test "doctor says of every command how well it works" {
	run -0 physlens doctor
	for command in $(commands); do
		grep -qE "^  $command +[a-z]" <<<"$output"
	done
}

@test "files and functions that src/README.md names are there" {
	[ -d "$top/src" ]
	while read -r function; do
		grep -rqwF --include='*.c' --include='*.h' -- "$function" "$top/src" || {
			echo "no such function: $function"
			false
		}
	done < <(grep -oE '`[a-z_0-9]+\(\)' "$top/src/README.md" | tr -d '`()' | sort -u)
	while read -r file; do
		[ -e "$top/src/$file" ] || [ -e "$top/$file" ] || {
			echo "no such file: $file"
			false
		}
	done < <(grep -oE '`[a-z]+/[a-z_0-9/]+\.[a-z0-9]+`' "$top/src/README.md" | tr -d '`' | sort -u)
}

@test "functions are in the files behind which src/README.md names them, and all rooms are there" {
	count=0
	while read -r file function; do
		grep -qw -- "$function" "$top/src/$file" || {
			echo "not in $file: $function"
			false
		}
		count=$((count + 1))
	done < <(tr '\n' ' ' <"$top/src/README.md" | tr -s ' ' |
		grep -oE '`[a-z]+/[a-z_0-9/]+\.[ch]` (`[a-z_0-9]+\(\)`(, )?)+' |
		awk '{ for (i = 2; i <= NF; i++) { gsub(/[`,()]/, "", $i); gsub(/`/, "", $1); print $1, $i } }')
	[ "$count" -gt 30 ]
	for room in "$top"/src/*/; do
		grep -qF -- "- \`$(basename "$room")/\`: " "$top/src/README.md"
	done
}

# complete_words WORD…: what is offered for the last of them, a line each.
complete_words() {
	COMP_WORDS=("$PHYSLENS" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_physlens
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

load_completion() {
	# shellcheck disable=SC1091 # it is there
	. "$top/completions/physlens"
	compopt() { :; } # only works while bash completes
}

@test "the completion offers every command and every option, and no other" {
	load_completion
	same commands "$( (commands && echo help) | sort)" "$(complete_words '')"
	same options "$(help_options Options | sort)" "$(complete_words -)"
	for command in $(commands); do
		same "$command" "$( (help_options Options "$command" && help_options 'Common options' "$command") |
			sort -u)" "$(complete_words "$command" -)"
	done
}

@test "the completion offers columns, also behind a comma, and arguments" {
	load_completion
	for command in $(commands); do
		same "$command" "$(physlens "$command" --list-columns | awk '{ print $1 }' | sort)" \
			"$(complete_words "$command" -o '')"
	done
	[ "$(complete_words map --pages -o +VADDR,PF)" = +VADDR,PFN ]
	[ "$(complete_words map --color = al)" = always ]
	complete_words map '' | grep -qx $$
	# Where a process makes no sense there is none; a second one only where two are taken.
	[ -z "$(complete_words owner '')" ]
	[ -z "$(complete_words map $$ '')" ]
	complete_words cow $$ '' | grep -qx $$
	complete_words read '' | grep -qx "$$:"
	[ "$(complete_words census --by '' | paste -sd' ')" = 'cgroup container kind object process user' ]
	[ "$(complete_words census --by = us)" = user ]
	[ "$(complete_words census --by object --sort F)" = FILE ]
	[ "$(complete_words verify --allow page)" = page-cache= ]
	[ "$(complete_words map --format nd)" = ndjson ]
	[ "$(complete_words lab fo)" = fork ]
	[ "$(complete_words --source bpf cen)" = census ]
	complete_words map $$ --region '' | grep -qx heap
	complete_words map $$ --object '' | grep -q '^bash'
	[ -z "$(complete_words map --range '')" ]
}

@test "zsh and fish offer the same, with explanations" {
	local word
	if command -v fish >/dev/null; then
		word=$(HOME=$BATS_TEST_TMPDIR PATH=$BATS_TEST_TMPDIR/bin:$PATH fish --no-config -c \
			"source '$top/completions/physlens.fish'; complete -C 'physlens census --by ki'")
		[ "$word" = kind ]
		word=$(HOME=$BATS_TEST_TMPDIR PATH=$BATS_TEST_TMPDIR/bin:$PATH fish --no-config -c \
			"source '$top/completions/physlens.fish'; complete -C 'physlens ver'")
		[ "$word" = $'verify\tcompare the code in RAM with the code on disk' ]
	fi
	if command -v zsh >/dev/null; then
		# What the function gives to compadd, which works in zsh's line editor only.
		word=$(zsh -fc 'compadd() { print -r -- "$*" "[$words_]" "[$shown_]"; }
			words=("$1" census --by ki); CURRENT=4; source "$2"' zsh "$PHYSLENS" \
			"$top/completions/_physlens")
		[[ $word == *' [kind] '* ]]
		word=$(zsh -fc 'compadd() { print -r -- "[$shown_]"; }
			words=("$1" ver); CURRENT=2; source "$2"' zsh "$PHYSLENS" "$top/completions/_physlens")
		[ "$word" = '[verify -- compare the code in RAM with the code on disk]' ]
	fi
	command -v fish >/dev/null || command -v zsh >/dev/null || skip 'neither zsh nor fish'
}

@test "the completion expands nothing that another process chose" {
	load_completion
	program=$BATS_TEST_TMPDIR/'$(id>pwned)'
	cp "$(command -v sleep)" "$program"
	"$program" 100 3>&- 4>&- &
	pid=$!
	cd "$BATS_TEST_TMPDIR"
	for ((tries = 0; tries < 100; tries++)); do
		complete_words map "$pid" --object '' >offered
		! grep -q pwned offered || break
		sleep 0.1
	done
	kill "$pid"
	grep -q pwned offered
	[ ! -e pwned ]
}
