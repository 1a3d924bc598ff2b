#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is packaged: the version, and the libraries that no linker knows of. Debian's package itself is
# a phase of scripts/check.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

setup() {
	top=$BATS_TEST_DIRNAME/..
	D=$BATS_TEST_TMPDIR
}

@test "the version is that of the last release's tag, and what has no tag has that of VERSION" {
	command -v git >/dev/null || skip 'no git'
	mkdir -p "$D/t/scripts"
	cp "$top/scripts/version" "$D/t/scripts/"
	echo 4.5.6 >"$D/t/VERSION"
	run -0 "$D/t/scripts/version"
	[ "$output" = 4.5.6 ]
	(
		cd "$D/t"
		export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
		export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
		git init -q . && git add . && git commit -qm one
		[ "$(scripts/version)" = 4.5.6 ]
		git tag -a -m r v5.0.0
		[ "$(scripts/version)" = 5.0.0 ]
		git commit -q --allow-empty -m two
		[[ $(scripts/version) =~ ^5\.0\.0-1-g[0-9a-f]+$ ]]
	)
}

@test "the program says which libraries it may load, and they are those that it does load" {
	local note notes libraries
	command -v objcopy >/dev/null || skip 'no objcopy'
	# Sanitizers put bytes between what they guard.
	[ -z "${SANITIZE-}" ] || skip 'the notes are those of a plain build'
	objcopy -O binary --only-section=.note.dlopen "$PHYSLENS" "$D/notes"
	mapfile -t notes < <(tr '\0' '\n' <"$D/notes" | grep -ao '\[{.*}\]')
	[ "${#notes[@]}" = 2 ]
	for note in "${notes[@]}"; do
		jq -e 'length == 1 and (.[0] | (.soname | length == 1) and
			(.feature | length > 0) and (.description | length > 0) and .priority == "recommended")' <<<"$note"
	done
	libraries=$(printf '%s\n' "${notes[@]}" | jq -r '.[].soname[]' | sort)
	# Its other copy of the names is what it gives to dlopen().
	[ "$(strings -a "$PHYSLENS" | grep -xE 'lib(bpf|proc2)\.so\.[0-9]+' | sort)" = "$libraries" ]
}
