# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by helpers/lib.bash and vm/guest.bash.

# wait_for COMMAND…: until it succeeds; the limit only keeps a broken test finite.
wait_for() {
	local tries

	for ((tries = 0; tries < 1200; tries++)); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "not within 60 s: $*" >&2
	return 1
}

# asleep PID…: until each rests, or is stopped, in what it was started for. Before that it is between
# two programs, or its pages come and go: in fork, exec and page faults it runs, or is in state D.
asleep() {
	local pid tries stat

	for pid; do
		for ((tries = 0; tries < 1200; tries++)); do
			{ read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 1
			[[ ${stat##*) } == [RD]* ]] || continue 2
			sleep 0.05
		done
		echo "process $pid did not come to rest within 60 s" >&2
		return 1
	done
}
