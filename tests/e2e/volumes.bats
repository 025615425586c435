#!/usr/bin/env bats
# Volumes: made by name, listed, inspected, removed, pruned; who uses them, and what a crash leaves of them.

load lib

inspect() { tare volume inspect --format "$1" "$2"; }
clear_volumes() { tare volume prune -a -f >/dev/null; }
test_down() {
	leave_nothing
	clear_volumes || true
}

@test "create: by name, again, with labels and options; without a name" {
	ok tare volume create v
	is v
	ok tare volume create v
	is v
	ok tare volume create --label stage=test --label plain labelled
	ok tare volume create --label stage=test --label plain labelled
	refused 125 'with other labels' volume create --label stage=live labelled
	ok tare volume create --opt type=tmpfs --opt o=size=1m t
	refused 125 'with other options' volume create --opt type=tmpfs t
	ok tare volume create
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	same "$(inspect '{{json .Labels}} {{.Driver}} {{.Scope}} {{.Mountpoint}}' labelled)" \
		'{"stage":"test","plain":""} local local '"$ROOT/volumes/labelled/data"
	same "$(inspect '{{.Options.type}} {{.Kind}}' t)" 'tmpfs tmpfs'
}

@test "create: what is wrong is quoted, and nothing is made" {
	local before
	before=$(ls -A "$ROOT/volumes")
	refused 125 '"-x": begin with a letter' volume create -- -x
	refused 125 '"a/b"' volume create a/b
	refused 125 '".."' volume create ..
	refused 125 'at most 12' volume create "$(printf 'a%.0s' {1..200})"
	refused 125 'unknown volume driver "rexray"' volume create --driver rexray v
	refused 125 'did you mean type?' volume create --opt typ=tmpfs v
	refused 125 'type "nfs" is not in Tare' volume create --opt type=nfs --opt device=:/x v
	refused 125 'add o=bind and device=/PATH' volume create --opt type=none v
	refused 125 'unknown option "sizes=1m"' volume create --opt type=tmpfs --opt o=sizes=1m v
	refused 125 'two names' volume create --name a b
	refused 125 'needs project quotas' volume create --opt size=10m v # a tmpfs has none
	same "$(ls -A "$ROOT/volumes")" "$before"
}

@test "the aliases" {
	ok tare volume-create --name V
	is V
	ok tare volume-list
	has V
	ok tare volume-inspect V
	has '"Name": "V"'
	ok tare inspect --type volume --format '{{.Name}}' V
	is V
	ok tare volume-rm V
	is V
	ok tare volume-list -q
	lacks V
}

@test "ls: sizes and who uses them, filters, formats" {
	tare volume create --label stage=test one >/dev/null
	tare run --name user -v two:/d:ro -v one:/w $B sh -c 'head -c 100000 /dev/zero >/w/f; cat /w/f >/dev/null'
	ok tare volume ls --size
	has 'one*directory*102kB*user'
	has 'two*directory*0B*user'
	ok tare volume ls --format '{{.Name}} {{.Size}} {{.UsedBy}} {{.Label "stage"}} {{.Links}}' --filter name=one
	is 'one 102kB user test 1'
	ok tare volume ls -q --filter label=stage=test --filter driver=local
	is one
	ok tare volume ls -q --filter label=stage=live
	is ''
	tare volume create lonely >/dev/null
	ok tare volume ls -q --filter dangling=true
	is lonely
	ok tare volume ls -q --filter dangling=false
	is $'one\ntwo'
	ok tare --json volume ls --filter name=lonely
	has '"Name"*"lonely"'
	refused 125 'dangling' volume ls --filter dangling=perhaps
	refused 125 'colour' volume ls --filter colour=red
}

@test "inspect: who uses it, where and how; several; one that is not there" {
	background up -v v:/data
	tare create --name made -v v:/x:ro $B true >/dev/null
	ok tare volume inspect --format '{{range .UsedBy}}{{.Name}} {{.Running}} {{.Destination}} {{.RW}}{{println}}{{end}}' v
	has 'up true /data true'
	has 'made false /x false'
	tare volume create w >/dev/null
	ok tare volume inspect v w
	same "$(echo "$output" | python3 -c 'import json, sys; print([v["Name"] for v in json.load(sys.stdin)])')" "['v', 'w']"
	exits 1 tare volume inspect nosuch
	[[ $stderr == *'no such volume: nosuch'* ]]
}

@test "rm: several, missing ones, and those in use" {
	tare volume create a >/dev/null
	tare volume create b >/dev/null
	background web -v used:/data
	tare create --name db -v used:/x $B true >/dev/null
	exits 1 tare volume rm a nosuch used b
	is $'a\nb'
	[[ $stderr == *'no such volume: nosuch'* ]]
	[[ $stderr == *'volume used is used by containers '*web\ \(running\)* && $stderr == *db* ]]
	ok tare volume rm -f nosuch
	[ -d "$ROOT/volumes/used/data" ]
	tare rm -f web db >/dev/null
	ok tare volume rm used
	refused 1 'no such volume' volume rm used
}

@test "rm and prune: what a container whose record is damaged may use stays" {
	local id
	id=$(tare create -v kept:/d $B true)
	cp "$ROOT/containers/$id/container.json" "$DIR/record"
	echo '{' >"$ROOT/containers/$id/container.json"
	refused 1 "volume kept is used by container $id" volume rm kept # its other document tells
	cp "$ROOT/containers/$id/config.json" "$DIR/config"
	echo '{' >"$ROOT/containers/$id/config.json"
	refused 1 "may be in use: the record of container ${id:0:12} cannot be read" volume rm kept
	[ -d "$ROOT/volumes/kept/data" ]
	cp "$DIR/record" "$ROOT/containers/$id/container.json"
	cp "$DIR/config" "$ROOT/containers/$id/config.json"
	ok tare rm "$id"
	ok tare volume rm kept
}

@test "rm -v and --rm take anonymous volumes along, never named ones" {
	tare run --rm -v named:/n -v /anonymous $B true
	ok tare volume ls -q
	is named
	tare run --name c -v named:/n -v /anonymous $B true
	tare volume create >/dev/null
	local before
	before=$(tare volume ls -q | wc -l)
	ok tare rm -v c
	same "$(tare volume ls -q | wc -l)" $((before - 1))
	[ -d "$ROOT/volumes/named" ]
}

@test "prune: anonymous ones, all, by label" {
	local anonymous
	anonymous=$(tare volume create)
	tare volume create --label stage=test a >/dev/null
	tare volume create --label stage=live b >/dev/null
	tare create --name c --label x=y -v used:/d $B true >/dev/null
	ok tare volume prune -f
	has "$anonymous"
	lacks used
	ok tare volume prune -f --all --filter label=stage=test --dry-run
	has a
	[ -d "$ROOT/volumes/a" ]
	ok tare volume prune -f --filter all=true --filter label!=stage=live
	has a
	same "$(tare volume ls -q | tr '\n' ' ')" 'b used '
	refused 125 'colour' volume prune -f --filter colour=red
}

@test "ten creates at once; rm against run" {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do (tare volume create --label a=b same || echo failed) >>"$DIR/made" 2>&1 & done
	wait
	same "$(sort "$DIR/made" | uniq -c | sed 's/^ *//')" '10 same'
	same "$(ls -A "$ROOT/volumes")" same
	for _ in 1 2 3 4 5 6 7 8; do
		(tare run --rm -v raced:/d $B sh -c 'echo x >/d/f && cat /d/f' || echo failed) >>"$DIR/raced" 2>&1 &
		tare volume rm -f raced >/dev/null 2>&1 &
	done
	wait
	same "$(sort "$DIR/raced" | uniq -c | sed 's/^ *//')" '8 x'
	tare volume rm -f raced >/dev/null
	same "$(ls -A "$ROOT/volumes")" same
}

@test "what a crash leaves is told of and repaired; what is in use stays" {
	tare volume create v >/dev/null
	tare volume create w >/dev/null
	local d=$ROOT/volumes
	mkdir -p "$d/.new-0123/data" "$d/.rm-4567/data/x" "$d/v/.restore-89ab" "$d/v/.old-cdef/y"
	run tare system check
	has 'volumes/.new-0123'
	has 'volumes/.rm-4567'
	has 'volumes/v/.restore-89ab'
	has 'volumes/v/.old-cdef'
	[ -d "$d/v/.old-cdef" ]
	ok tare system check --repair
	same "$(cd "$d" && echo .[!.]* * v/.[!.]* v/*)" '.[!.]* v w v/.[!.]* v/data v/volume.json'
	# old data that a container which runs still sees
	background sees -v v:/d
	touch "$d/v/data/seen"
	mv "$d/v/data" "$d/v/.restore-0011"
	mkdir "$d/v/data"
	ok tare system check --repair
	ok tare exec sees ls /d
	is seen
	[ -e "$d/v/.old-0011/seen" ] # called by what it is
	tare rm -f sees >/dev/null
	[ ! -e "$d/v/.old-0011" ]
	# a record that cannot be read: set aside, and no file is lost
	tare run --rm -v w:/d $B sh -c 'echo kept >/d/f'
	echo '{' >"$d/w/volume.json"
	refused 125 'record of volume w cannot be read' run --rm -v w:/d $B true
	ok tare volume ls -q
	has w
	run tare system check
	has 'its record cannot be read'
	ok tare system check --repair
	same "$(cat "$d"/w/.damaged-*)" '{'
	ok tare run --rm -v w:/d $B cat /d/f
	is kept
}

@test "a volume that vanished: the start says so" {
	tare create --name c -v v:/d $B true >/dev/null
	rm -r "$ROOT/volumes/v"
	refused 1 'no such volume: v' start c
}

@test "a restore by force: who has the old files mounted keeps them until it ends, and is named; others are not" {
	tare run --rm -v v:/v $B sh -c 'mkdir /v/a; echo one >/v/a/f; echo one >/v/g'
	ok tare volume backup v "$DIR/v.tar"
	background all -v v:/v
	background part --mount type=volume,src=v,dst=/v,volume-subpath=a
	tare exec all sh -c 'echo two >/v/a/f; echo two >/v/g'
	exits 125 tare volume restore --path a v "$DIR/v.tar"
	[[ $stderr == *all*part*'may write to volume v'* ]] || fail "$stderr"
	ok tare volume restore --force --path a v "$DIR/v.tar"
	[[ $stderr == *part\ runs\ and\ sees\ the\ old\ files* ]] || fail "$stderr"
	ok tare exec all cat /v/a/f /v/g
	is $'one\ntwo'
	ok tare exec part cat /v/f
	is two
	ok tare volume restore --force v "$DIR/v.tar"
	ok tare exec all cat /v/g
	is two
	ok tare run --rm -v v:/v $B cat /v/g
	is one
	tare rm -f part all >/dev/null
	same "$(ls -A "$ROOT/volumes/v")" $'data\nvolume.json'
}

@test "a restore by force where the volumes have a disk of their own: the old files stay as well" {
	mkdir -p "$DIR/r/volumes"
	mount -t tmpfs none "$DIR/r/volumes"
	local other=("$BUILD/tare" --root "$DIR/r" --state "$DIR/s")
	"${other[@]}" run -d --name user -v v:/v $B sh -c 'echo old >/v/f; sleep 600' >/dev/null
	eventually 5 [ -s "$DIR/r/volumes/v/data/f" ]
	"${other[@]}" volume backup v "$DIR/disk.tar" >/dev/null
	ok "${other[@]}" volume restore --force v "$DIR/disk.tar"
	[[ $stderr == *user\ runs\ and\ sees\ the\ old\ files* ]] || fail "$stderr"
	ok "${other[@]}" exec user cat /v/f
	is old
	"${other[@]}" rm -f user >/dev/null
	same "$(ls -A "$DIR/r/volumes/v")" $'data\nvolume.json'
	eventually 20 umount "$DIR/r/volumes"
}
