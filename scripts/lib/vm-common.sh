# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by scripts/vm, scripts/lab-kernel and tests/vm/run: messages, the
# cache, Debian packages. Sourced, never run; the caller sets `me`.

say() { printf '%s: %s\n' "${me:-vm}" "$*" >&2; }

# die STATUS WHAT: one line, then out.
die() {
	local status=$1
	shift
	say "$*"
	exit "$status"
}

# The cache lives outside the tree. Root (sudo, a CI) has one place for all,
# whatever HOME says; a user has the usual one.
cache_dir() {
	if [[ -n ${PHYSLENS_CACHE:-} ]]; then
		printf '%s\n' "$PHYSLENS_CACHE"
	elif [[ $EUID -eq 0 ]]; then
		printf '/var/cache/physlens\n'
	else
		printf '%s/physlens\n' "${XDG_CACHE_HOME:-${HOME:?}/.cache}"
	fi
}

# The packages behind the programs used here, for messages a reader can act on.
package_of() {
	case $1 in
	qemu-system-x86_64) printf 'qemu-system-x86\n' ;;
	busybox) printf 'busybox-static\n' ;;
	pahole) printf 'dwarves\n' ;;
	modprobe | depmod) printf 'kmod\n' ;;
	xz) printf 'xz-utils\n' ;;
	make | gcc | bc | flex | bison | lz4 | cpio | bats) printf '%s\n' "$1" ;;
	*) printf '%s\n' "$1" ;;
	esac
}

# find_program NAME: its path; sbin is looked at too, since a user's PATH on
# Debian lacks it.
find_program() { PATH=$PATH:/usr/sbin:/sbin command -v -- "$1"; }

# need PROGRAM...: every one of them or a line that names the Debian packages.
need() {
	local program missing=() packages=()
	for program; do
		find_program "$program" >/dev/null && continue
		missing+=("$program")
		packages+=("$(package_of "$program")")
	done
	[[ ${#missing[@]} -eq 0 ]] ||
		die 2 "${missing[*]}: not found: sudo apt-get install ${packages[*]}"
}

# need_room DIRECTORY MIB WHAT_FOR
need_room() {
	local free
	free=$(df -Pm -- "$1" | awk 'NR == 2 { print $4 }')
	((free >= $2)) ||
		die 2 "$1: no room: $3 needs $2 MiB, $free MiB are free (PHYSLENS_CACHE names another place)"
}

# Options for apt: whose lists are asked.
apt_options=()

# candidate PACKAGE: the version apt would install, empty if it knows none.
candidate() {
	LC_ALL=C apt-cache "${apt_options[@]}" policy "$1" 2>/dev/null |
		awk '$1 == "Candidate:" && $2 != "(none)" { print $2; exit }'
}

# newest_image PATTERN: the newest package whose name matches the whole regex.
newest_image() {
	apt-cache "${apt_options[@]}" pkgnames linux-image- 2>/dev/null | grep -Ex -- "$1" | sort -V |
		tail -n 1
}

# fetch_package PACKAGE VERSION DIRECTORY: unpack it there, install nothing.
fetch_package() {
	local sandbox=()
	# Root's apt would complain that its download user cannot write here.
	[[ $EUID -ne 0 ]] || sandbox=(-o APT::Sandbox::User=root)
	mkdir -p -- "$3/deb"
	(cd -- "$3/deb" && apt-get -qq "${apt_options[@]}" "${sandbox[@]}" download "$1=$2") ||
		return 1
	dpkg-deb -x "$3"/deb/*.deb "$3" && rm -r -- "$3/deb"
}

# open_cache DIRECTORY
open_cache() {
	mkdir -p -- "$1" 2>/dev/null || true
	[[ -d $1 && -w $1 ]] ||
		die 2 "$1: cannot write the cache (PHYSLENS_CACHE names another place)"
}

# lock_entry DIRECTORY NAME: one builder at a time for NAME; the others wait
# here and then find it built. The kernel drops the lock with the last process
# that holds it, a killed builder's children included.
lock_entry() {
	local lock
	exec {lock}>"$1/.lock-$2"
	flock --nonblock "$lock" && return
	say "$2: another build is running: waiting for it"
	flock "$lock"
}

# end_builder: the background process of a build, if one runs. A terminated make
# takes its children along.
builder=''
end_builder() {
	[[ -n $builder ]] || return 0
	kill -TERM "$builder" 2>/dev/null || true
	wait "$builder" 2>/dev/null || true
	builder=''
}

# fresh_work DIRECTORY NAME: an empty directory to build in, on the cache's own
# file system so that the result is moved in whole. Needs the lock: whatever
# stands there was left by a builder that was killed. Sets work.
work=''
fresh_work() {
	work=$1/.work-$2
	rm -rf -- "$work"
	mkdir -- "$work"
	trap 'end_builder; rm -rf -- "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# hash_of: one short word for what comes on standard input.
hash_of() { sha256sum | cut -c 1-16; }

# packages_for_vm: what scripts/vm, the lab kernel and tests/vm need.
packages_for_vm() {
	sed 's/#.*//; /^[[:space:]]*$/d' -- "$(dirname -- "${BASH_SOURCE[0]}")/packages-vm" |
		sort -u
}
