#!/usr/bin/env bats
# tare --demo: the same words on the simulated engine.
# shellcheck disable=SC2046 # D gives several words

load lib

# Its own world for each test.
demo() { "$BUILD/tare" --demo --state "$BATS_TEST_TMPDIR" "$@" 3>&- 4>&-; }
held() { TARE_DEMO_CLOCK=90 demo "$@"; }
D() { echo "$BUILD/tare --demo --state $BATS_TEST_TMPDIR"; }

@test "there is something to see, without any of it being real" {
	ok demo ps -a
	for name in shop-web shop-db shop-mailer search-index report-draft; do has "$name"; done
	has 'Exited (3)'
	has '(Paused)'
	has '日本語'
	same "${#lines[@]}" 15
	ok demo images
	has 'nginx'
	has '<none>'
	ok demo volume ls
	has shop-db-data
	ok demo info
	has 'Storage Driver: simulated'
	ok demo system df
	has 'Local Volumes'
	ok demo stats --no-stream
	has shop-api
	ok demo top shop-db
	has 'postgres -c'
	[ ! -e "$ROOT" ] || fail 'the root directory was made'
}

@test "nobody needs to be root; who does not ask for it sees nothing simulated" {
	chmod go+x "$DIR"
	mkdir -m 777 "$DIR/nobody"
	cp "$BUILD/tare" "$DIR/nobody/"
	as() { setpriv --reuid 65534 --clear-groups env -u XDG_RUNTIME_DIR TMPDIR="$DIR/nobody" "$@" 3>&- 4>&-; }
	ok as "$DIR/nobody/tare" --demo ps
	has shop-web
	ok as "$DIR/nobody/tare" --demo pause shop-web
	same "$(stat -c '%a %u' "$DIR/nobody/tare-demo-65534")" '700 65534'
	exits 125 as "$DIR/nobody/tare" ps
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == 'tare: XDG_RUNTIME_DIR is not set'* ]] || fail "$stderr"
	rm -r "$DIR/nobody"
}

@test "what one process does another sees" {
	ok demo stop shop-web
	ok demo ps -a --filter name=shop-web --format '{{.State}}'
	is exited
	ok demo start shop-web
	ok demo pause shop-web
	ok demo ps --filter name=shop-web --format '{{.Status}}'
	has '(Paused)'
	exits 1 demo pause shop-web
	ok demo unpause shop-web
	ok demo rename shop-web front
	exits 1 demo rm front
	ok demo kill front
	ok demo wait front
	is 137
	ok demo rm front
	exits 1 demo inspect front
	ok demo restart shop-api
	ok demo events --since 1m --until 0s --format '{{.Action}} {{.Actor.Attributes.name}}'
	has 'pause shop-web'
	has 'rename'
	has 'die front'
	has 'restart shop-api'
}

@test "health, restart policies and limits, as with real containers" {
	ok held ps --filter health=unhealthy --format '{{.Names}} {{.Status}}'
	is 'search-index Up 2 days (unhealthy)'
	ok held events --since 2026-01-05T11:40:00Z --until 2026-01-05T12:01:30Z --format '{{.Action}} {{.Actor.Attributes.name}}'
	has 'health_status: unhealthy search-index'
	has 'die shop-mailer'
	ok held update --memory 300m --cpus 0.5 --restart no shop-mailer
	ok held inspect -f '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}' shop-mailer
	is '314572800 no'
	exits 1 held update --memory 1m shop-mailer
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *'at least 6m'* ]] || fail "$stderr"
	ok held wait --condition unhealthy search-index
	ok held stop shop-db
	ok held start --boot
	has shop-db
	ok held start --boot
	is ''
	exits 125 demo run --rm --restart always busybox true
	exits 3 demo run --name again --restart on-failure:2 busybox sh -c 'exit 3'
	ok demo ps -a --filter name=again --format '{{.Status}}'
	has '(3)'
}

@test "run, exec, logs, and their exit codes" {
	ok demo run --rm busybox echo hello
	is hello
	exits 4 demo run --name over busybox sh -c 'echo one; exit 4'
	ok demo logs over
	is one
	ok demo run -d --name up --label tier=front busybox sleep 1000
	ok demo ps --filter label=tier --format '{{.Names}}'
	is up
	ok demo exec up echo hi
	is hi
	exits 1 demo exec up false
	exits 127 demo exec up nothing-like-that
	exits 127 demo run --rm busybox nothing-like-that
	exits 125 demo run no-such-image
	exits 125 demo run -d --name up busybox
	same "$(printf 'cd /etc\ncat hostname || echo none here\nexit 3\n' | demo exec -i up sh 2>/dev/null)" 'none here'
	ok demo exec -e A=b up env
	has A=b
	same "$(demo exec up yes 20000 | wc -l)" 20000
	demo exec up yes | head -n 1
}

@test "logs: tail, timestamps, since, follow" {
	same "$(demo logs --tail 7 build-agent 2>&1 | wc -l)" 7
	[[ $(demo logs -t --tail 1 shop-web 2>&1) =~ ^20[0-9-]+T[0-9:.]+Z\  ]] || fail 'no time stamp'
	[ "$(demo logs --since 1m shop-web | wc -l)" -lt "$(demo logs shop-web | wc -l)" ] || fail 'since cuts nothing'
	same "$(timeout 20 "$BUILD/tare" --demo --state "$BATS_TEST_TMPDIR" logs -f --tail 0 build-agent 2>&1 3>&- 4>&- | head -n 3 | wc -l)" 3
}

@test "networks: who is in them, made, connected, removed" {
	ok demo network ls --format '{{.Name}} {{.Driver}}'
	same "${lines[0]}" 'tare0 bridge'
	has 'lan macvlan'
	ok demo network inspect shop-data --format '{{.Internal}}'
	is true
	ok demo network create --subnet 10.77.0.0/24 front
	[[ $output =~ ^[0-9a-f]{64}$ ]] || fail "no id: $output"
	exits 125 demo network create front
	exits 125 demo network create --subnet 10.77.0.0/25 other
	ok demo run -d --name web --network front --network-alias www -p 8081:80 nginx:1.27
	ok demo inspect web --format '{{.NetworkSettings.Networks.front.IPAddress}}'
	is 10.77.0.2
	ok demo port web
	has '80/tcp -> 0.0.0.0:8081'
	ok demo ps --filter name=web --format '{{.Ports}}'
	has '0.0.0.0:8081->80/tcp'
	ok demo network connect front shop-db
	exits 125 demo network connect front shop-db
	ok demo ps --filter network=front --format '{{.Names}}'
	has shop-db
	has web
	exits 1 demo network rm front
	[[ $stderr == *'in use by shop-db, web'* ]] || fail "$stderr"
	ok demo network disconnect front shop-db
	ok demo rm -f web
	ok demo network rm front
	exits 1 demo network inspect front
	exits 1 demo network rm tare0
	ok demo events --since 1m --until 0s --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}'
	has 'network create front'
	has 'network connect front'
	has 'network destroy front'
	ok demo network prune --force
	has staging
	ok demo network reload
	ok demo system check
}

@test "a port is published once; a container without a network publishes none" {
	exits 125 demo run -d --name second -p 8080:80 nginx:1.27
	[[ $stderr == *'container shop-web does'* ]] || fail "$stderr"
	ok demo stop shop-web
	ok demo start second
	ok demo run -d --name alone --network none busybox sleep 1000
	ok demo ps --filter name=alone --format '{{.Networks}}{{.Ports}}'
	is none
	exits 125 demo run --rm --network no-such-net busybox true
}

@test "a terminal gets nothing of what a container says to it" {
	run on_terminal -- $(D) logs odd-one
	[[ $output != *$'\033]'* && $output != *$'\033[?1049h'* && $output != *$'\a'* ]] || fail 'a sequence came through'
	has 'clipboard'
}

@test "a shell on a terminal: prompt, editing, keys to leave" {
	run on_terminal see:'# ' type:'echo a\x7fok\n' see:ok type:'exit 7\n' -- $(D) exec -it shop-web sh
	same "$status" 7
	run on_terminal see:'# ' type:'yes\n' see:y type:'\x03' see:'# ' type:'\x04' -- $(D) exec -it shop-web bash
	run on_terminal see:'# ' type:'life\n' see:generation type:'q' see:'# ' type:'\x10\x11' -- $(D) exec -it shop-web sh
	same "$status" 0
	run on_terminal see:'# ' type:'exit\n' -- $(D) run -it --name own busybox
	same "$(demo ps -a --filter name=own --format '{{.State}}')" exited
}

@test "attach shows what is said, ends with it, lets go" {
	run on_terminal see:compiling type:'\x03' pause:1 close -- $(D) attach build-agent
	ok demo ps --filter name=build-agent --format '{{.State}}'
	is running # it ignores that
	run on_terminal see:level type:'\x03' -- $(D) attach shop-worker
	same "$status" 130
	demo attach shop-web >"$BATS_TEST_TMPDIR/seen" 2>&1 &
	local pid=$!
	eventually 10 grep -q GET "$BATS_TEST_TMPDIR/seen"
	demo kill shop-web
	returns 137 $pid
}

@test "images and volumes: tag, remove, prune with a preview" {
	ok demo tag redis:7 cache:mine
	ok demo images --format '{{.Repository}}:{{.Tag}}'
	has cache:mine
	ok demo rmi cache:mine
	has 'Untagged: cache:mine'
	exits 1 demo rmi redis:7
	[[ $stderr == *'in use'* ]] || fail "$stderr"
	ok demo container prune --dry-run
	ok demo ps -a --format '{{.Names}}'
	has shop-migrate
	ok demo container prune -f
	ok demo ps -a --format '{{.Names}}'
	lacks shop-migrate
	ok demo image inspect nginx:1.27
	has '80/tcp'
	ok demo inspect shop-db
	has '"Destination": "/var/lib/postgresql/data"'
}

@test "a held clock shows the same each time" {
	local first
	first=$(held ps -a; held images; held logs shop-api 2>&1; held top shop-db)
	sleep 0.2
	same "$(held ps -a; held images; held logs shop-api 2>&1; held top shop-db)" "$first"
	[[ $first == *'2026-01-05T12:01:'* ]] || fail 'the clock does not stand where it should'
	held pause metrics
	ok held ps --filter name=metrics --format '{{.Status}}'
	has Paused
}

@test "as many as one wants" {
	same "$(TARE_DEMO_CONTAINERS=1000 demo ps -aq | sort -u | wc -l)" 1000
	same "$(TARE_DEMO_CONTAINERS=3 demo ps -aq | wc -l)" 3
	TARE_DEMO_CONTAINERS=many exits 125 demo ps
}

@test "images are pulled, pushed, found and committed in it, and a registry wants a login" {
	ok demo pull hello-world
	[[ $output == 'docker.io/library/hello-world:latest: pulled sha256:'* ]] || fail "$output"
	ok demo pull -q hello-world
	is docker.io/library/hello-world:latest
	ok demo images --format '{{.Repository}}:{{.Tag}}'
	has hello-world:latest
	exits 125 demo pull no-such-thing
	[[ $stderr == *'tare search no-such-thing'* ]] || fail "$stderr"
	exits 125 demo push hello-world registry.example.com/team/hello
	[[ $stderr == *'tare login registry.example.com'* ]] || fail "$stderr"
	ok demo login -u ada --password-stdin registry.example.com <<<secret
	ok demo push hello-world registry.example.com/team/hello
	[[ $output == 'registry.example.com/team/hello:latest: pushed sha256:'* ]] || fail "$output"
	! grep -r secret "$BATS_TEST_TMPDIR/demo" || fail 'the password was kept'
	ok demo search nginx
	has bitnami/nginx
	ok demo --json search --list-tags nginx
	same "$(jq -r '.Tags[0]' <<<"$output")" latest
	ok demo commit -m 'as it was' backup mine:1
	[[ $output == sha256:* ]] || fail "$output"
	ok demo run --rm mine:1 echo from it
	is 'from it'
}

@test "volumes are made, backed up, restored, compared and filled in it" {
	ok demo volume create --label tier=cache --opt size=1g scratch
	ok demo volume inspect --format '{{.Labels}}' scratch
	has tier
	exits 1 demo volume rm shop-db-data
	[[ $stderr == *shop-db* ]] || fail "$stderr"
	ok demo volume backups /srv/backups
	has search-index
	ok demo --json volume backups --volume shop-db-data /srv/backups
	mapfile -t ids < <(jq -r '.[].Id' <<<"$output")
	[ "${#ids[@]}" -gt 14 ] || fail "${#ids[@]} backups"
	ok demo volume backups /srv/backups "${ids[0]}" "${ids[-1]}"
	[[ $output == *$'\nA '* && $output == *$'\nD '* ]] || fail "$output"
	ok demo volume backup --to /srv/mine scratch
	ok demo volume verify /srv/mine
	has '1 backup is whole'
	ok demo volume restore --into again scratch /srv/mine
	ok demo volume ls -q
	has again
	ok demo volume forget /srv/mine "$(demo --json volume backups /srv/mine | jq -r '.[0].Id')"
	ok demo --json volume backups /srv/mine
	is '[]'
	exits 125 demo volume backups /srv/none
	exits 125 demo volume restore shop-db-data /srv/backups
	[[ $stderr == *'shop-db runs'* ]] || fail "$stderr"
	[ ! -e /srv/mine ] || fail 'something was written'
	echo from outside >"$BATS_TEST_TMPDIR/note"
	ok demo cp "$BATS_TEST_TMPDIR/note" shop-web:/etc/
	ok demo diff shop-web
	has '/etc/note'
	ok demo cp shop-web:/etc/note "$BATS_TEST_TMPDIR/copy"
	[ ! -e "$BATS_TEST_TMPDIR/copy" ] || fail 'something was written'
	ok demo volume rm again scratch
}

@test "what is not in it says so" {
	refused_demo() {
		exits 125 demo "$@"
		[[ $stderr == *'not in the demo'* ]] || fail "$stderr"
	}
	refused_demo load -i nothing.tar
	refused_demo save busybox
	refused_demo import nothing.tar
}

@test "tare tui needs a terminal that can draw; tare alone does with less" {
	exits 2 demo tui
	[[ $stderr == *terminal* ]] || fail "$stderr"
	ok demo
	has 'All commands: tare help'
	TERM=dumb run on_terminal -- $(D)
	has 'The dashboard'
	has shop-web
	TERM=dumb run on_terminal -- $(D) tui
	same "$status" 2
	ok demo tui --help
	has 'Open the dashboard'
}

@test "a shell ends with its container" {
	demo run -d --name brief busybox sleep 1000
	run on_terminal see:'# ' pause:2 -- sh -c "(sleep 1; $(D) kill brief) >/dev/null & exec $(D) exec -it brief sh"
	same "$status" 137
}
