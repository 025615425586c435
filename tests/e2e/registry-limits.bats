#!/usr/bin/env bats
# What one client may take of the registry: bytes, connections, time.
load lib
load registry
load registry_server

file_up() {
	image small --layers 2 --kib 200 >/dev/null
}
file_down() { stop_all; }
test_down() { stop_all; }

upload() { # NAME SIZE: the status of a push of one blob, or the code of the error at its begin
	local to
	head -c "$2" /dev/urandom >"$DIR/blob"
	to=$(new_upload "$1")
	[ -n "$to" ] || { jq -r '.errors[0].code' "$DIR/answer"; return 0; }
	code -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$DIR/blob" \
		"${to}digest=sha256:$(sha256sum <"$DIR/blob" | cut -c 1-64)"
}

@test "quotas: of the storage and of a repository, before the disk is full" {
	serve --quota 1m --repository-quota 600k
	same "$(upload a 400000)" 201
	same "$(upload a 400000)" 403
	same "$(upload b 400000)" 201
	same "$(upload c 400000)" 403
	curl -s "$(url /metrics)" | grep -E '^tare_registry_quota_refused_total [1-9]'
	# what was refused left nothing behind
	has_status storageBytes -lt 900000
	# what is deleted is given back
	local digest
	same "$(upload b 150000)" 201
	digest=sha256:$(sha256sum <"$DIR/blob" | cut -c 1-64)
	same "$(upload c 150000)" 403
	same "$(code -X DELETE "$(url "/v2/b/blobs/$digest")")" 202
	tare registry stop >/dev/null
	# of a clock that was set back since: as no server is at work, nothing is too young
	touch -d '+1 hour' "$DIR"/storage/blobs/sha256/*
	tare registry gc --storage "$DIR/storage" --grace 0 # takes all: no manifest needs a blob
	serve --quota 1m --repository-quota 600k
	has_status storageBytes -eq 0
	same "$(upload a 400000)" 201
	# and counted anew at the start
	tare registry stop >/dev/null
	serve --quota 1m --repository-quota 600k
	has_status storageBytes -ge 400000
	same "$(upload a 400000)" 403
	# a stream whose length nobody said is cut at the quota
	same "$(head -c 4000000 /dev/zero | code -X POST -T - "$(url '/v2/d/blobs/uploads/?digest=sha256:0000000000000000000000000000000000000000000000000000000000000000')")" 403
}

@test "a disk that is nearly full takes no more" {
	mkdir -p "$DIR/disk"
	mount -t tmpfs -o size=8m none "$DIR/disk"
	ok tare registry start -p 0 -d --storage "$DIR/disk/s" --min-free 4m
	PORT=${output##*:}
	same "$(upload a 2000000)" 201
	same "$(upload a 3000000)" 507
	ok curl -s -X POST "$(url /v2/a/blobs/uploads/)" -o /dev/null
	tare registry stop >/dev/null
	umount "$DIR/disk"
}

@test "limits: half-open connections don't keep others out" {
	serve --timeout 2 --connections 250
	python3 - "$PORT" <<-'P' &
		import socket, sys, time
		open_ones = []
		for i in range(240):
		    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		    s.send(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n")
		    open_ones.append(s)
		print("open", flush=True)
		end = time.time() + 8
		while time.time() < end:
		    for s in open_ones:
		        try: s.send(b"A: b\r\n")
		        except OSError: pass
		    time.sleep(0.3)
	P
	local slow=$!
	eventually 5 has_status connections -gt 150
	local i
	for i in 1 2 3 4 5; do same "$(code "$(url /v2/)")" 200; done
	ok copy_to slow/x:1
	# each byte would begin libmicrohttpd's time-out anew; ours ends them all the same
	eventually 8 has_status connections -lt 20
	kill "$slow" 2>/dev/null || true
	wait "$slow" 2>/dev/null || true
	curl -s "$(url /metrics)" | grep -E '^tare_registry_connections_closed_total [1-9]'
}

@test "limits: connections of one address" {
	serve --connections-per-address 4
	local fds=() fd i
	for i in 1 2 3 4; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
		fds+=("$fd")
	done
	eventually 5 has_status connections -eq 4
	[[ $(code "$(url /v2/)") == 000 ]]
	for fd in "${fds[@]}"; do exec {fd}>&-; done
	eventually 5 answers 200 "$(url /v2/)"
}

@test "limits: a slow body" {
	serve --timeout 2
	local to
	to=$(new_upload a)
	ok python3 - "$to" <<-'P'
		import socket, sys, time
		from urllib.parse import urlsplit
		u = urlsplit(sys.argv[1])
		s = socket.create_connection((u.hostname, u.port))
		s.send(f"PATCH {u.path}?{u.query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n".encode())
		start = time.time()
		s.settimeout(0.2)
		while time.time() - start < 15:
		    try:
		        s.send(b"x")
		        d = s.recv(100)
		        print(d.split(b"\r\n")[0].decode() if d else "closed")
		        sys.exit(time.time() - start > 8)
		    except socket.timeout: pass
		    except OSError as e:
		        print("closed")
		        sys.exit(time.time() - start > 8)
		sys.exit(2)
	P
	[[ $output == *408* || $output == closed ]]
	# the upload is there yet
	same "$(code "$to")" 204
}

@test "limits: a slow reader" {
	serve --timeout 4
	same "$(upload big 20000000)" 201
	local digest
	digest=sha256:$(sha256sum <"$DIR/blob" | cut -c 1-64)
	timeout 20 python3 - "$PORT" "$digest" <<-'P' 3>&- 4>&- &
		import socket, sys, time
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		s.connect(("127.0.0.1", int(sys.argv[1])))
		s.send(f"GET /v2/big/blobs/{sys.argv[2]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
		while s.recv(10): time.sleep(0.2)
	P
	local slow=$!
	eventually 5 has_status connections -eq 1
	# one who reads at his ease, but reads, gets all
	curl -s -m 30 --limit-rate 8m "$(url "/v2/big/blobs/$digest")" >"$DIR/read" 3>&- 4>&- &
	local reader=$!
	eventually 2 has_status connections -eq 2
	wait "$reader"
	cmp "$DIR/read" "$DIR/blob"
	# the other's thread and place are free again, though he goes on
	eventually 12 has_status connections -eq 0
	kill -0 "$slow"
	kill "$slow"
	wait "$slow" || true
}

@test "limits: a rate per address" {
	serve --rate 5
	local i codes=
	for i in 1 2 3 4 5 6 7 8 9 10; do codes+=" $(code "$(url /v2/)")"; done
	[[ $codes == *200*429* ]]
	ok curl -si "$(url /v2/)"
	[[ $output == *200* ]] || { has 'Retry-After: 1'; has TOOMANYREQUESTS; }
	sleep 1.1
	same "$(code "$(url /v2/)")" 200
}

