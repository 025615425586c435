#!/usr/bin/env bats
# Commit: a container's writable layer as an image, that of a running one too, and nothing frozen afterwards.

load lib

test_down() {
	leave_nothing
	tare image prune -a -f >/dev/null 2>&1 || true
	same "$(find "$ROOT/layers/sha256" "$ROOT/blobs/sha256" "$ROOT/pulls" -mindepth 1 2>/dev/null)" ''
}

written() { # NAME SCRIPT: a container that ran SCRIPT
	tare run --name "$1" --network none $B sh -c "$2"
}
inside() { tare run --rm --network none "$@"; }
diff_ids() { tare image inspect --format '{{json .RootFS.Layers}}' "$1" | jq -r '.[]'; }
blob_of_top() { # IMAGE: the file of its top layer's blob
	local manifest
	manifest=$(tare image inspect --format '{{.Descriptor.digest}}' "$1")
	echo "$ROOT/blobs/sha256/$(jq -r '.layers[-1].digest' "$ROOT/blobs/sha256/${manifest#sha256:}" | cut -d: -f2)"
}
differs() { [ "$(tare exec "$1" cat "$2")" != "$3" ]; } # CONTAINER FILE WAS
frozen() { is_state "$1" paused; }

@test "what a container wrote is in the image: files, owners, set-id bits, links, devices, times" {
	written c 'echo hi >/x; ln /x /y; ln -s x /s; mkdir -p /d/e; chown 7:8 /d/e; chmod 1770 /d/e
		cp /bin/busybox /suid; chmod 4755 /suid; mkfifo /fifo; mknod /zero c 1 5; touch -d @1000000000 /old; echo >"/new
line"; head -c 3000000 /dev/zero | tr "\0" x >/big'
	ok tare commit c out:1
	[[ $output == sha256:* ]]
	ok inside out:1 sh -c 'cat /x; stat -c "%a %u %g %h %n" /x /d/e /suid; readlink /s; stat -c %F /fifo /zero; stat -c %Y /old
		[ /x -ef /y ] && echo one; ls -d "/new
line"; wc -c </big'
	is $'hi\n644 0 0 2 /x\n1770 7 8 2 /d/e\n4755 0 0 1 /suid\nx\nfifo\ncharacter special file\n1000000000\none\n/new?line\n3000000'
}

@test "what it removed is gone, and a directory made anew hides what was in it" {
	written c 'rm /etc/passwd; rm -r /usr; mkdir /usr; echo new >/usr/new; rm -r /home'
	tare commit c out:1
	ok inside out:1 sh -c 'ls /etc/passwd /home; ls /usr; true'
	is new
	# As everybody else reads it, too.
	ok tar -tzf "$(blob_of_top out:1)"
	has 'etc/.wh.passwd'
	has 'usr/.wh..wh..opq'
	has '.wh.home'
	lacks etc/hosts
	lacks resolv.conf
}

@test "the image runs as the container did; changes, author, message and history are in its config" {
	tare run --name c --network none -e A=1 -w /tmp -u 5:6 --label l=v --entrypoint /bin/echo $B said
	ok tare commit -a 'Ada <a@b>' -m 'with a word' -c 'ENV B=2' -c 'LABEL m=w' c out:1
	ok inside out:1
	is said
	ok tare image inspect out:1
	same "$(jq -c '.[0] | [.Author, .Comment, .Config.User, .Config.WorkingDir, .Config.Entrypoint, .Config.Cmd, .Config.Labels]' <<<"$output")" \
		'["Ada <a@b>","with a word","5:6","/tmp",["/bin/echo"],["said"],{"l":"v","m":"w"}]'
	same "$(jq -c '.[0].Config.Env | map(select(startswith("PATH") | not))' <<<"$output")" '["A=1","B=2"]'
	same "$(jq -c '.[0].History | length, .[1].created_by' <<<"$output" | xargs)" '2 /bin/echo said'
	# Without a name, as a document, in Docker's format.
	ok tare --json commit --format docker c
	ok tare image inspect --format '{{.Descriptor.mediaType}}' "$(jq -r .Id <<<"$output")"
	is application/vnd.docker.distribution.manifest.v2+json
}

@test "the same files give the same layer, and with SOURCE_DATE_EPOCH the same image" {
	local i
	for i in 1 2; do
		written c$i 'touch -d @5 /b /a; touch -d @5 / /etc /proc /sys /dev 2>/dev/null; true'
	done
	SOURCE_DATE_EPOCH=1 tare commit c1 one
	SOURCE_DATE_EPOCH=1 tare commit c1 again
	tare commit c2 two
	same "$(diff_ids one | tail -1)" "$(diff_ids two | tail -1)"
	same "$(tare image inspect --format '{{.Id}}' one)" "$(tare image inspect --format '{{.Id}}' again)"
}

@test "an image can be committed upon again, saved, and read by others" {
	written c 'echo 1 >/1'
	tare commit c out:1
	tare run --name d --network none out:1 sh -c 'cat /1; rm /1; echo 2 >/2'
	tare commit d out:2
	ok inside out:2 sh -c 'ls /1; cat /2'
	is 2
	same "$(diff_ids out:2 | wc -l)" 3
	tare save -o "$DIR/out.tar" out:2
	ok skopeo --insecure-policy copy "oci-archive:$DIR/out.tar" "oci:$DIR/layout:x"
	ok umoci unpack --image "$DIR/layout:x" "$DIR/bundle"
	same "$(cat "$DIR/bundle/rootfs/2")" 2
	[ ! -e "$DIR/bundle/rootfs/1" ]
	rm -rf "$DIR/out.tar" "$DIR/layout" "$DIR/bundle"
}

@test "a running container is frozen for the copy: what it writes in pairs is committed in pairs" {
	background c $B sh -c 'i=0; while :; do i=$((i+1)); echo $i >/n; mv /n /a; echo $i >/n; mv /n /b; done'
	eventually 5 tare exec c test -s /b
	local i a b
	for i in 1 2 3; do
		tare commit c out:$i >/dev/null
		read -r a b < <(inside out:$i sh -c 'echo $(cat /a) $(cat /b)')
		[ "$((a - b))" -ge 0 ] && [ "$((a - b))" -le 1 ] || fail "torn: $a $b"
	done
	is_state c running
	a=$(tare exec c cat /a)
	eventually 5 differs c /a "$a"
	# One that is paused stays so; one that must not be frozen is not.
	tare pause c
	tare commit c out:paused
	is_state c paused
	tare unpause c
	tare commit --pause=false c out:live
	ok tare events --since 1m --until 0s --filter container="$(tare inspect --format "{{.Id}}" c)" --filter event=pause --format '{{.Action}}'
	same "${#lines[@]}" 4
}

@test "it is thawed whatever happens to the one that froze it" {
	background c $B sh -c 'head -c 300000000 /dev/urandom >/big; while :; do date +%s%N >/t; done'
	eventually 20 tare exec c test -s /t
	local signal pid
	for signal in TERM KILL; do
		"$BUILD/tare" --root "$ROOT" --state "$STATE" commit c out:1 >/dev/null 2>&1 3>&- 4>&- &
		pid=$!
		eventually 10 frozen c
		if [ $signal = KILL ]; then kill -KILL $(pgrep -P $pid) $pid; else kill -TERM $pid; fi
		wait $pid || true
		eventually 5 is_state c running
		eventually 5 differs c /t "$(tare exec c cat /t)"
	done
	refused 1 'no such image' rmi out:1
	ok tare system check
	tare rm -f c
	tare image gc >/dev/null 2>&1 || true
}

@test "a hostile container can neither hide files of the image nor read those of the host" {
	written c 'echo >/.wh.etc; mkdir /.wh.bin; ln -s /proc/self/root/etc/shadow /shadow; ln -s / /root2; rm -r /var; ln -s /etc /var
		i=0; while [ $i -lt 300 ]; do mkdir d; cd d || break; i=$((i+1)); done; echo deep >f'
	ok tare commit c out:1
	[[ $stderr == *'"/.wh.bin" is left out'*'"/.wh.etc" is left out'* ]]
	ok inside out:1 sh -c 'ls /etc/group /bin/sh; for l in /shadow /root2 /var; do readlink $l; done; find / -xdev -name f -type f -exec cat {} +'
	is $'/bin/sh\n/etc/group\n/proc/self/root/etc/shadow\n/\n/etc\ndeep'
}

@test "file capabilities and holes survive" {
	written c 'dd if=/dev/zero of=/sparse bs=1 count=1 seek=3000000000 2>/dev/null; cp /bin/busybox /ping'
	local upper
	upper=$ROOT/containers/$(tare inspect --format '{{.Id}}' c)/upper
	setcap cap_net_raw+ep "$upper/ping"
	ok tare commit c out:1
	[ "$(stat -c %s "$(blob_of_top out:1)")" -lt 5000000 ]
	local layer
	layer=$ROOT/layers/sha256/$(diff_ids out:1 | tail -1 | cut -d: -f2)
	same "$(getcap "$layer/ping" | grep -o "cap_net_raw.*")" 'cap_net_raw=ep'
	same "$(stat -c %s "$layer/sparse")" 3000000001
	[ "$(stat -c %b "$layer/sparse")" -lt 1000 ]
}

@test "a container on a directory gives an image of its whole root; so does one whose image is gone" {
	mkdir -p "$DIR/rootfs/bin" "$DIR/rootfs/etc"
	cp /bin/busybox "$DIR/rootfs/bin/sh"
	echo mine >"$DIR/rootfs/etc/keep"
	echo drop >"$DIR/rootfs/etc/drop"
	tare run --name c --network none --rootfs "$DIR/rootfs" /bin/sh -c 'echo hi >/new; /bin/sh -c "exec -a rm /bin/sh /etc/drop"'
	ok tare commit c out:1
	same "$(diff_ids out:1 | wc -l)" 1
	ok inside out:1 /bin/sh -c 'read a </etc/keep; read b </new; echo $a $b'
	is 'mine hi'
	[ ! -e "$DIR/rootfs/new" ]
	tare rm c
	tare rmi out:1
	written c 'echo hi >/new'
	tare rmi -f $B
	ok tare commit c out:2
	[[ $stderr == *'its whole root becomes one layer'* ]]
	same "$(diff_ids out:2 | wc -l)" 1
	ok inside out:2 cat /new
	is hi
}

@test "what cannot be asked for is refused before anything is frozen" {
	background c
	refused 125 'no such container' commit nosuch out:1
	refused 125 'invalid' commit c 'Not A Name'
	refused 125 'names a digest' commit c "x@sha256:$(printf '%064d' 0)"
	refused 125 'CMD' commit -c 'FROM x' c out:1
	refused 125 'expected oci or docker' commit --format zip c out:1
	ok tare events --since 1m --until 0s --filter container="$(tare inspect --format "{{.Id}}" c)" --filter event=pause --format '{{.Action}}'
	is ''
}
