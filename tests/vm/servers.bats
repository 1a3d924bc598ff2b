#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 2048
# A network file system, of which nobody knows whether its server answers: 9p over a socket.

# shellcheck disable=SC2154 # bats sets stderr

load guest

setup_file() {
	mkdir /run/exported /run/far
	cp /bin/sleep /run/exported/far
	diod -f -n -N -e /run/exported -l /run/diod -L /run/diod.log </dev/null >/dev/null 2>&1 3>&- 4>&- &
	server=$!
	wait_for mount -t 9p -o trans=unix,version=9p2000.L,aname=/run/exported,uname=root,cache=mmap \
		/run/diod /run/far
	/run/far/far 600 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	user=$!
	wait_for grep -qx far "/proc/$user/comm"
	export server user
}

teardown_file() {
	kill -CONT "$server"
	kill "$user"
	umount /run/far
	kill "$server"
}

teardown() { kill -CONT "$server"; }

@test "while it answers: sections and symbols, by a copy; the disk is elsewhere" {
	run -0 --separate-stderr "$physlens" map -n -r -o region,object "$user"
	[ -z "$stderr" ]
	[[ $output == *'.text /run/far/far'* ]]
	run -2 --separate-stderr "$physlens" verify -n -r -o kind,object,why "$user"
	[[ $output == *'unverifiable /run/far/far a\x20server\x20has\x20its\x20file\x20system'* ]]
}

@test "while it does not: nobody waits for it longer than is said, and what was not waited for is named" {
	local begun command
	kill -STOP "$server"
	for command in "map $user" "map --pages $user" "share $user $$" "owner --process $user" \
		"verify $user" census 'census --by object' "translate $user $(sed 's/-.*//;q' "/proc/$user/maps")"; do
		begun=$SECONDS
		# shellcheck disable=SC2086 # words
		run --separate-stderr timeout -s KILL 120 "$physlens" $command
		echo "$command: status $status after $((SECONDS - begun)) s: $stderr"
		[[ $status == [02] && -n $output ]]
		case $command in
		verify*) [[ $output == *'did not answer within 2 s'* ]] ;;
		census*) ;;
		*) [[ $stderr == *'1 mapped file was not opened'*'did not answer within 2 s'* ]] ;;
		esac
	done
	run -0 --separate-stderr "$physlens" map --ask-servers=1 "$user"
	[[ $stderr == *'did not answer within 1 s'* ]]
}
