#!/usr/bin/env bats
# Bad input: one clear line, Docker's exit code, nothing half made left behind. `refused` checks the line.

load lib

test_down() {
	# Whatever was refused must not have left anything.
	same "$(names)" "${EXPECT_NAMES:-}"
	[ ! -d "$ROOT/containers" ] || [ -n "${EXPECT_NAMES:-}" ] || same "$(ls "$ROOT/containers")" ''
}

@test "unknown image" {
	refused 125 nosuchimage run nosuchimage true
	refused 125 nosuchimage create nosuchimage
	refused 125 nosuchtag run busybox:nosuchtag true
}

@test "bad image names" {
	local n
	for n in 'UPPER' 'a//b' 'a:b:c' '../x' 'x@sha256:short' ':tag' ''; do
		run --separate-stderr tare run --rm -- "$n" true
		[ "$status" -eq 125 ] || fail "'$n' gave $status $output"
		same "${#stderr_lines[@]}" 1
	done
}

@test "command not found 127, not executable 126" {
	refused 127 nosuchcommand run --rm $B nosuchcommand
	refused 127 /no/such run --rm $B /no/such
	refused 126 /etc run --rm $B /etc
	refused 126 passwd run --rm $B /etc/passwd
	mkdir -p "$DIR/fs"
	printf '\177ELFgarbage' >"$DIR/fs/broken"
	chmod 755 "$DIR/fs/broken"
	refused 126 /broken run --rm --rootfs "$DIR/fs" /broken
	printf '#!/no/interpreter\n' >"$DIR/fs/script"
	chmod 755 "$DIR/fs/script"
	refused 127 /script run --rm --rootfs "$DIR/fs" /script
}

@test "no command at all" {
	mkdir -p "$DIR/empty"
	refused 125 command run --rm --rootfs "$DIR/empty"
}

@test "duplicate name" {
	EXPECT_NAMES=taken
	tare create --name taken $B true >/dev/null
	refused 125 taken create --name taken $B true
	refused 125 taken run --name taken $B true
	tare rm taken
	EXPECT_NAMES=
}

@test "bad names" {
	local n
	for n in '../x' '-x' 'a/b' 'a b' '.hidden' $'new\nline' "$(printf 'a%.0s' {1..300})" 'ü' '%n'; do
		run --separate-stderr tare create "--name=$n" $B true
		[ "$status" -eq 125 ] || fail "'$n' gave $status: $output"
		[ "${#stderr_lines[@]}" -eq 1 ] || fail "'$n': $stderr"
	done
}

@test "an empty name is none" {
	local id
	id=$(tare create --name "" $B true)
	EXPECT_NAMES=$(names)
	[[ $EXPECT_NAMES == *_* ]] || fail "not made up: $EXPECT_NAMES"
	tare rm "$id" >/dev/null
	EXPECT_NAMES=
}

@test "bad sizes, negative and huge numbers" {
	local v
	for v in abc 12q -1g '' 1e9999 99999999999999999999 0x 1.2.3 ' ' 5mm; do
		run --separate-stderr tare create "--memory=$v" $B true
		[ "$status" -eq 125 ] || fail "--memory='$v' gave $status: $output"
		[[ $stderr == *memory* ]] || fail "$stderr"
	done
	for v in abc -1 1e400 nan inf '' 0x10; do
		run --separate-stderr tare create "--cpus=$v" $B true
		[ "$status" -eq 125 ] || fail "--cpus='$v' gave $status: $output"
	done
	for v in abc 9999999999999999999 1.5 ''; do
		run --separate-stderr tare create "--pids-limit=$v" $B true
		[ "$status" -eq 125 ] || fail "--pids-limit='$v' gave $status: $output"
	done
	refused 125 nofile create --ulimit nofile=10:5 $B true
	refused 125 nosuch create --ulimit nosuch=1 $B true
	refused 125 shm-size create --shm-size=-1 $B true
	refused 125 stop-timeout create --stop-timeout abc $B true
	refused 125 NOSUCH create --stop-signal NOSUCH $B true
	refused 125 oom-score-adj create --oom-score-adj 5000 $B true
}

@test "unknown flags: the nearest known one is named" {
	refused 125 --memory create --memroy 1m $B true
	refused 125 --detach run --detatch $B true
	refused 125 nosuchflag ps --nosuchflag
	refused 125 -Z run -Z $B true
}

@test "ports and networks: the bad part is quoted, and a right one shown" {
	refused 125 'invalid port "80:": "" is not a port from 1 to 65535' run -p 80: $B true
	refused 125 'invalid port "x": "x" is not a port' run -dpx $B true
	refused 125 'an IPv6 address goes in brackets' create --publish=::1:80:80 $B true
	refused 125 'unknown protocol "icmp"; one of tcp, udp, sctp' run -p 80/icmp $B true
	refused 125 'the port 8080/tcp of this host is published twice' run -p 8080:80 -p 8080:81 $B true
	refused 125 'ports cannot be published with --network none' run --network none -p 80 $B true
	refused 125 'ports cannot be published with --network container:x' run --network container:x -P $B true
	refused 125 '--network none and --network host exclude each other' run --network none --net host $B true
	refused 125 'unknown key "aliass"; did you mean alias' run --network name=a,aliass=b $B true
	refused 125 'invalid address "10.0.0.256"' run --ip 10.0.0.256 $B true
	refused 125 'invalid IPv6 address "10.0.0.1"' run --ip6 10.0.0.1 $B true
	refused 125 '01:00:5e:00:00:01' run --mac-address 01:00:5e:00:00:01 $B true
	refused 125 'invalid alias "-a"' run --network-alias=-a $B true
	refused 125 'which it has none of with --network none' run --network none --ip 10.0.0.1 $B true
	refused 125 '--publish-group web needs a port to share' run --publish-group web $B true
	refused 125 '--subnet is given twice for IPv4' network create --subnet 10.1.0.0/16 --subnet 10.2.0.0/16 n
}

@test "restart, health and user namespaces" {
	refused 125 'unknown restart policy "sometimes"' run --restart sometimes $B true
	refused 125 'number of restarts' run --restart on-failure:x $B true
	refused 125 'only on-failure takes a number' run --restart always:3 $B true
	refused 125 '--rm and --restart always exclude each other' run --rm --restart always $B true
	refused 125 '--no-healthcheck excludes' run --no-healthcheck --health-interval 5s $B true
	refused 125 'exclude each other' run --no-healthcheck --health-cmd true $B true
	refused 125 'less than 1ms' run --health-cmd true --health-timeout 0.0005s $B true
	refused 125 'unknown action "explode"' run --health-on-failure explode $B true
	refused 125 'number of retries' run --health-retries -1 $B true
	refused 125 'unknown user namespace "mine"' run --userns mine $B true
	refused 125 'write CONTAINER:HOST:SIZE' run --uidmap 0:1 $B true
	refused 125 'overlap' run --uidmap 0:1000:10 --uidmap 5:2000:1 $B true
	refused 125 'exclude each other' run --userns auto --gidmap 0:1000:10 $B true
}

@test "words of Docker's that are not there yet: the error says what to use" {
	refused 125 'unknown flag --link: not in Tare; put both into one network' run --link db $B true
	refused 125 'unknown flag --subuidname: not' run --subuidname me $B true
	refused 125 'unknown flag --health-startup-cmd: not' run --health-startup-cmd true $B true
	refused 125 'unknown flag --gpus: not' run --gpus all $B true
	refused 125 'unknown flag -p; see' ps -p
	refused 125 'unknown command "build": not' build .
	refused 125 'unknown flag --attachable: not needed' network create --attachable n
	# Nothing that is far away is guessed.
	refused 125 'unknown command "bogus"; see' bogus
	refused 125 'unknown flag --lonk; see' run --lonk x $B true
}

@test "unknown commands: the nearest known one is named" {
	run --separate-stderr tare inspcet x
	[ "$status" -ne 0 ]
	[[ $stderr == *inspect* ]] || fail "$stderr"
}

@test "missing values and operands" {
	refused 125 --name run --name
	refused 125 --memory run --memory
	run --separate-stderr tare run
	[ "$status" -eq 125 ] || fail "$status"
	run --separate-stderr tare exec
	[ "$status" -ne 0 ]
	run --separate-stderr tare rename onlyone
	[ "$status" -ne 0 ]
}

@test "flags that contradict each other" {
	refused 125 '' run --rm --image $B --rootfs / true
	refused 125 network create --network container:nosuch $B true
	refused 125 network create --network nosuchnet $B true
}

@test "bad mounts" {
	refused 125 type create --mount source=/,target=/x $B true || refused 125 '' create --mount type=nosuch,target=/x $B true
	refused 125 nosuchkey create --mount type=bind,source=/etc,target=/x,nosuchkey=1 $B true
	refused 125 target create --mount type=bind,source=/etc $B true
	refused 125 '' create -v a:b:c:d $B true
	refused 125 '' create -v /etc:/x:nosuchoption $B true
	refused 125 '..' create -v ../x:/x $B true || refused 125 '' create -v ../x:/x $B true
	refused 125 'vol' create -v 'vol/../x:/x' $B true
}

@test "bad environment, labels, hosts, devices" {
	refused 125 '' create -e =x $B true
	refused 125 nosuchfile create --env-file "$DIR/nosuchfile" $B true
	printf 'A=1\nB C=2\n' >"$DIR/bad-env"
	refused 125 'B C' create --env-file "$DIR/bad-env" $B true
	head -c 100000 /dev/urandom >"$DIR/noise"
	run --separate-stderr tare create --env-file "$DIR/noise" $B true
	[ "$status" -eq 125 ]
	refused 125 nohost create --add-host nohost $B true
	refused 125 999.1.1.1 create --add-host a:999.1.1.1 $B true
	refused 125 nodns create --dns nodns $B true
	refused 125 /etc/passwd create --device /etc/passwd $B true
	refused 125 '' create --hostname 'a b' $B true
}

@test "one thing that is not there, for every verb" {
	local v
	for v in start stop restart kill pause unpause rm wait attach logs top inspect; do
		run --separate-stderr tare $v nosuch
		[ "$status" -ne 0 ] || fail "$v"
		[[ $stderr == *nosuch* ]] || fail "$v: $stderr"
		[ "${#stderr_lines[@]}" -eq 1 ] || fail "$v: $stderr"
	done
	run --separate-stderr tare exec nosuch true
	[ "$status" -ne 0 ]
	run --separate-stderr tare rename nosuch x
	[ "$status" -ne 0 ]
	run --separate-stderr tare rmi nosuch
	[ "$status" -ne 0 ]
	run --separate-stderr tare tag nosuch x
	[ "$status" -ne 0 ]
}

@test "an id that fits several" {
	EXPECT_NAMES=some
	local i
	for i in {1..17}; do tare create $B true >/dev/null; done
	# Seventeen ids have two with the same first digit.
	local twice
	twice=$(tare ps -aq | cut -c 1 | sort | uniq -d | head -n 1)
	run --separate-stderr tare inspect "$twice"
	[ "$status" -ne 0 ]
	[[ $stderr == *"$twice"* ]]
	tare rm -f --all >/dev/null
	EXPECT_NAMES=
}

@test "what a user types can't speak to the terminal through an error" {
	run --separate-stderr tare inspect $'\e]0;title\a'
	[[ $stderr != *$'\e'* && $stderr != *$'\a'* ]]
	run --separate-stderr tare run $'--x\e[31m' $B true
	[[ $stderr != *$'\e'* ]]
}

@test "arguments that are very long or very many" {
	ok tare run --rm $B sh -c 'echo ${#1}' - "$(printf 'x%.0s' {1..100000})"
	is 100000
	# shellcheck disable=SC2046
	ok tare run --rm $B sh -c 'echo $#' - $(seq 1 5000)
	is 5000
	run --separate-stderr tare create --label "k=$(printf 'x%.0s' {1..100000})" $B true
	[ "$status" -eq 0 ] || [ "${#stderr_lines[@]}" -eq 1 ]
	tare rm -f --all >/dev/null
}

@test "more environment than a record holds: refused, and nothing is left" {
	local before
	before=$(ls -A "$ROOT/containers" "$ROOT/names")
	for i in 1 2 3 4 5 6; do
		for k in {1..17}; do printf 'V%s_%s=%050000d\n' "$i" "$k" 0; done >"$DIR/env$i"
	done
	refused 125 'too large' create --env-file "$DIR/env1" --env-file "$DIR/env2" --env-file "$DIR/env3" \
		--env-file "$DIR/env4" --env-file "$DIR/env5" --env-file "$DIR/env6" $B true
	same "$(ls -A "$ROOT/containers" "$ROOT/names")" "$before"
	ok tare create --name much --env-file "$DIR/env1" $B true
	ok tare rm much
	rm "$DIR"/env[1-6]
}

@test "directories that can't be used" {
	echo x >"$DIR/plain"
	run --separate-stderr "$BUILD/tare" --root "$DIR/plain" --state "$STATE" ps
	[ "$status" -ne 0 ]
	[[ $stderr == 'tare: '*"$DIR/plain"* ]] || fail "$stderr"
	run --separate-stderr "$BUILD/tare" --root '' ps
	[ "$status" -ne 0 ]
}

@test "a full disk while an image is loaded" {
	local small=$DIR/small
	mkdir "$small"
	mount -t tmpfs -o size=512k none "$small"
	run --separate-stderr "$BUILD/tare" --root "$small/root" --state "$STATE" run --rm $B true
	local left
	left=$(find "$small" -name 'tmp-*' | wc -l)
	umount "$small"
	[ "$status" -eq 125 ] || fail "$status $output $stderr"
	[[ ${stderr_lines[0]} == 'tare: '* ]] || fail "$stderr"
	same "$left" 0
}

# A record is JSON, which is text: bytes that are not could not be read back, and the container not be named.
@test "a command, variable or label that is not UTF-8 is refused before anything is made" {
	local bad
	bad=$(printf 'x\377y')
	refused 125 'not UTF-8' run -d $B echo "$bad"
	refused 125 'not UTF-8' run -d -e "A=$bad" $B true
	refused 125 'not UTF-8' run -d -l "a=$bad" $B true
	refused 125 'not UTF-8' run -d -w "/$bad" $B true
	refused 125 'not UTF-8' run -d --entrypoint "$bad" $B
	same "$(tare ps -aq)" ''
	same "$(tare run --rm $B echo 'grüß 日本')" 'grüß 日本'
}
