# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # used, and set, by scripts/check
# SPDX-License-Identifier: GPL-2.0-or-later
# The lints of scripts/check, a function each; they run in the top of the tree, and `jobs` is set.

# LINTS: what lint_… there is, the quickest first.
readonly LINTS=(rooms spdx man format bats shell cppcheck)

# Whose opinions change from version to version, and of which version they are kept: Debian 12's.
declare -rA LINT_TOOLS=([format]=clang-format:14 [bats]=shellcheck:0.9 [shell]=shellcheck:0.9 [cppcheck]=cppcheck:2.10)

# lint_not_for NAME: prints why this machine's tool is not asked, and succeeds; fails if it is.
lint_not_for() {
	local tool=${LINT_TOOLS[$1]:-} version
	[[ -n $tool ]] || return 1
	version=$("${tool%:*}" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9.]+' | head -n 1)
	[[ $version. != "${tool#*:}".* ]] || return 1
	printf '%s here is %s, and the tree is kept to %s\n' "${tool%:*}" "${version:-missing}" "${tool#*:}"
}

# files_with REGEX: those that have such a line, wherever they lie; bats files aside.
files_with() {
	grep -rlE -m1 "$1" autogen.sh .ci scripts tests completions --exclude='*.bats' \
		--exclude='*.log' | sort
}

# spdx_exempt: the globs of REUSE.toml, as a regex a line.
spdx_exempt() {
	sed -n '/^path = \[/,/^\]/ s/^[[:space:]]*"\(.*\)",$/\1/p' REUSE.toml |
		sed -e 's/[.]/\\./g' -e 's/\*\*/.+/g' -e 's/\*/[^\/]*/g' -e 's/^/^/' -e 's/$/$/'
}

# What belongs to the tree: as git knows it, or in an unpacked tarball.
tree_files() {
	if [[ -e .git ]]; then
		git ls-files
	else
		find completions debian docs man scripts src tests -type f
	fi
}

# Every file says its licence, near its top, or REUSE.toml does.
lint_spdx() {
	local missing
	missing=$(tree_files | grep -vEf <(spdx_exempt) |
		while IFS= read -r file; do
			[[ ! -e $file ]] || head -n 5 -- "$file" | grep -q 'SPDX-License-Identifier: ' ||
				printf '%s: no SPDX-License-Identifier\n' "$file"
		done)
	[[ -z $missing ]] || {
		printf '%s\n' "$missing"
		return 1
	}
}

lint_format() {
	find src tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run --Werror
}

# Busybox's sh is near enough to dash (SC2187); what it runs in guests has variables from a
# file that is made there (SC2154).
lint_shell() {
	files_with '^#!.*(bash|bin/sh)$|^# shellcheck shell=' |
		xargs -n 8 -P "$jobs" shellcheck -x --severity=warning &&
		files_with '^#!.*busybox sh$' |
		xargs -r shellcheck --severity=warning -e SC2154,SC2187
}

# Set by `run` or for others (SC2154, SC2034); "[ $x = done ]" (SC1010).
lint_bats() {
	find tests -name '*.bats' -print0 |
		xargs -0 -n 8 -P "$jobs" shellcheck -x --severity=warning -e SC1010,SC2034,SC2154
}

lint_man() {
	local pages=(man/*.[1-8])
	[[ -e ${pages[0]} ]] || {
		echo 'man: there are no pages'
		return 1
	}
	mandoc -T lint -W warning "${pages[@]}"
}

# cppcheck takes __has_include for a division by zero.
lint_cppcheck() {
	cppcheck -j "$jobs" --std=c11 --enable=warning,performance,portability --inline-suppr \
		--quiet --error-exitcode=1 -U__has_include \
		--suppressions-list=scripts/lib/cppcheck-suppressions \
		--template='{file}:{line}: {severity}: {message} [{id}]' \
		-I src src tests/faults tests/fuzz tests/helpers tests/unit tests/bench
}

# Includes between the rooms of src/.
lint_rooms() { scripts/lint-rooms; }
