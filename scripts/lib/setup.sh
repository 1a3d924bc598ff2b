# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by scripts/quickstart and scripts/check: messages, Debian packages, and building
# as the owner of the tree. Sourced, never run; the caller sets `me`.

setup_lib=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

say() { printf '%s: %s\n' "${me:?}" "$*" >&2; }

die() {
	say "$*"
	exit 2
}

# packages_for PURPOSE…: the names of scripts/lib/packages; purpose vm has a list of its own.
packages_for() {
	local purpose
	for purpose; do
		if [[ $purpose = vm ]]; then
			sed 's/#.*//; /^[[:space:]]*$/d' -- "$setup_lib/packages-vm"
		else
			awk -v purpose="$purpose" '$1 == purpose { print $2 }' "$setup_lib/packages"
		fi
	done | sort -u
}

installed() {
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) = installed ]]
}

missing_of() {
	local package
	for package; do
		installed "$package" || printf '%s\n' "$package"
	done
}

system_name() {
	(
		# shellcheck disable=SC1091 # the system's
		. /etc/os-release 2>/dev/null || true
		printf '%s\n' "${PRETTY_NAME:-$(uname -s)}"
	)
}

# Whether to ask the mirror again before packages are fetched whose newest version is wanted.
apt_lists_are_old() {
	[[ -z $(find /var/lib/apt/lists -name '*_Packages*' -mtime -1 -print -quit 2>/dev/null) ]]
}

# apt_run LOG ARG…: apt-get that never asks and says what it does only to LOG.
apt_run() {
	local log=$1
	shift
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" \
		>>"$log" 2>&1 </dev/null
}

# apt_failed LOG PACKAGE…: out, with apt's own words.
apt_failed() {
	local log=$1
	shift
	grep -E '^(E|W|Err)[: ]' -- "$log" | tail -n 5 >&2 || true
	die "packages: apt-get could not install $*: no network, or no mirror in /etc/apt? (log: $log)"
}

# install_packages LOG PURPOSE…: what of them is not there yet. Root installs; anybody else is
# told what to run, unless there is nothing to install.
install_packages() {
	local log=$1 wanted missing
	shift
	if ! command -v apt-get dpkg-query >/dev/null; then
		say "packages: $(system_name) is not Debian: nothing is installed;" \
			"scripts/lib/packages lists what is needed, by its Debian name"
		return
	fi
	mapfile -t wanted < <(packages_for "$@")
	mapfile -t missing < <(missing_of "${wanted[@]}")
	[[ ${#missing[@]} -gt 0 ]] || return 0
	[[ $EUID -eq 0 ]] ||
		die "packages: not root, so they cannot be installed:" \
			"sudo apt-get install ${missing[*]}"
	say "packages: installing ${missing[*]}"
	: >"$log"
	# Whatever its lists say now, it may be of before a suite was added, or name files that the
	# mirror has replaced. A mirror that does not answer need not matter: they may be in the
	# cache of apt.
	apt_run "$log" update || true
	apt_run "$log" install --no-install-recommends "${missing[@]}" ||
		apt_failed "$log" "${missing[@]}"
}

# as_owner DIRECTORY COMMAND…: under sudo, what is built in a user's tree stays the user's.
as_owner() {
	local owner
	owner=$(stat -c %u -- "$1")
	shift
	if [[ $EUID -eq 0 && $owner -ne 0 ]]; then
		setpriv --reuid "$owner" --regid "$owner" --clear-groups -- "$@"
	else
		"$@"
	fi
}
