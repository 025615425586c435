#!/usr/bin/env bats
# The frame of the registry server: how it starts, ends, is watched and renewed. What it says to which request is
# registry-spec.bats', who may do what registry-access.bats', what one client may take registry-limits.bats'.
load lib
load registry
load registry_server

file_up() {
	image small --layers 2 --kib 200 >/dev/null
	certificate one localhost
	users
}
file_down() { stop_all; }
test_down() { stop_all; }

logged() { code "$(url /v2/)" && grep -q 'GET /v2/ ' "$DIR/access"; }
gone_process() { ! kill -0 "$1" 2>/dev/null; }

# ------------------------------------------------------------------ start, status, stop

@test "start, status and stop" {
	ok tare registry start -p 0 -d --storage "$DIR/storage"
	[[ $output =~ ^127\.0\.0\.1:[0-9]+$ ]]
	[ -z "$stderr" ]
	PORT=${output##*:}
	same "$(curl -s "$(url /v2/)")" '{}'
	ok copy_to a/b:1
	ok tare registry status
	has "http://127.0.0.1:$PORT"
	has running
	has "$DIR/storage"
	local pid=$(status_of pid)
	ok tare registry status
	[[ $output =~ running\ +"$pid"\  ]]
	ok tare registry status --json
	same "$(jq -r '.[0] | "\(.address) \(.port) \(.tls) \(.readOnly) \(.restarts)"' <<<"$output")" "127.0.0.1 $PORT false false 0"
	[ "$(status_of storageBytes)" -gt 100000 ]
	ok tare registry stop
	is "http://127.0.0.1:$PORT"
	same "$(ls -A "$STATE/registry")" ''
	refused 125 'no registry runs; start one with tare registry start' registry stop
	refused 125 "no registry of ours listens on port 4999" registry status -p 4999
	ok tare registry status --json
	is '[]'
}

@test "registry-start -p PORT, in the foreground, until SIGTERM" {
	tare registry-start -p 5000 >"$DIR/out" 2>"$DIR/err" &
	local pid=$!
	eventually 5 listens 5000
	same "$(cat "$DIR/out")" 127.0.0.1:5000
	# its storage is in tare's root
	[ -f "$ROOT/registry/format" ]
	PORT=5000
	same "$(status_of storage)" "$ROOT/registry"
	kill -TERM "$(status_of pid)"
	returns 0 "$pid"
	same "$(ls -A "$STATE/registry")" ''
}

@test "a port that is taken, a storage in use, options that don't go together" {
	serve
	refused 125 "cannot listen on 127.0.0.1 port $PORT: address in use by pid * (tare-registry); choose another port with -p" \
		registry start -d -p "$PORT" --storage "$DIR/storage2"
	refused 125 'another registry serves this storage' registry start -d -p 0 --storage "$DIR/storage"
	refused 125 'go together' registry start -p 0 --tls-cert "$DIR/one.crt"
	openssl ecparam -name prime256v1 -genkey -noout -out "$DIR/other.key"
	refused 125 'not that of the certificate' registry start -d -p 0 --storage "$DIR/storage2" --tls-cert "$DIR/one.crt" --tls-key "$DIR/other.key"
	refused 125 'No such file' registry start -p 0 --htpasswd "$DIR/nothing"
	refused 125 'is no right' registry start -p 0 --anonymous pul
	refused 125 'nobody could do anything' registry start -p 0 --anonymous none
	refused 125 "don't go together" registry start -p 0 --anonymous pull --acl "$DIR/acl"
	refused 125 'example.org' registry start -p 0 --listen example.org
	echo 'eve:$apr1$abc$def' >"$DIR/md5"
	refused 125 'htpasswd -B' registry start -d -p 0 --storage "$DIR/storage2" --htpasswd "$DIR/md5"
	echo 'a b pull pull' >"$DIR/acl"
	refused 125 'line 1 is not PATTERN WHO RIGHTS' registry start -d -p 0 --storage "$DIR/storage2" --acl "$DIR/acl"
	rm -rf "$DIR/storage2"
}

@test "beyond loopback it warns, once for each danger" {
	ok tare registry start -d -p 0 --listen 0.0.0.0 --storage "$DIR/storage"
	same "${#stderr_lines[@]}" 2
	[[ ${stderr_lines[0]} == 'tare: warning: whoever reaches 0.0.0.0'*htpasswd* ]]
	[[ ${stderr_lines[1]} == *'in the clear'*--tls-cert* ]]
	tare registry stop >/dev/null
	ok tare registry start -d -p 0 --listen 0.0.0.0 --storage "$DIR/storage" --htpasswd "$DIR/users" --tls-cert "$DIR/one.crt" --tls-key "$DIR/one.key"
	[ -z "$stderr" ]
}

@test "a stale record is no registry" {
	serve
	local record=$STATE/registry/$PORT.json
	cp "$record" "$DIR/record"
	tare registry stop >/dev/null
	# the same pid with another start time; another boot; no process
	jq -c --argjson pid $$ '.pid = $pid' "$DIR/record" >"$record"
	ok tare registry status --json
	is '[]'
	[ ! -e "$record" ]
	cp "$DIR/record" "$record"
	ok tare registry status --json
	is '[]'
	serve -p "$PORT"
}

@test "a worker that is killed is started again, on the same socket" {
	serve
	copy_to a/b:1
	local worker
	worker=$(status_of worker)
	kill -KILL "$worker"
	# who comes meanwhile waits for the next one
	same "$(code "$(url /v2/a/b/manifests/1)" -H 'Accept: */*')" 200
	eventually 5 has_status restarts -eq 1
	[ "$(status_of worker)" != "$worker" ]
	grep -q 'ended (signal 9); starting it again' "$STATE/registry/$PORT.log"
}

@test "a worker that does not listen keeps nobody from ending the registry" {
	serve --drain 0s
	local pid
	pid=$(status_of pid)
	kill -STOP "$(status_of worker)"
	python3 - "$STATE/registry/$PORT.sock" <<-'END'
		import socket, sys
		for _ in range(100):
		    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
		        s.connect(sys.argv[1])
		        s.send(b'{"do":"status"}')
	END
	kill -TERM "$pid"
	eventually 15 gone_process "$pid"
}

@test "a supervisor that is killed takes the worker along" {
	serve
	local worker
	worker=$(status_of worker)
	kill -KILL "$(status_of pid)"
	eventually 5 gone_process "$worker"
	serve
}

# ------------------------------------------------------------------ sandbox

# all_threads PID FIELD…: the values that its threads have there, each once.
all_threads() {
	local pid=$1 IFS='|'
	shift
	cat /proc/"$pid"/task/*/status | awk -v want="^($*):" '$0 ~ want { print $2 }' | sort -u
}

@test "sandbox: no privilege, no program, no file but the storage's" {
	serve
	local worker
	worker=$(status_of worker)
	[ "$worker" -gt 0 ]
	# every thread of it, those of connections, too
	exec 9<>"/dev/tcp/127.0.0.1/$PORT"
	eventually 5 has_status connections -eq 1
	same "$(all_threads "$worker" CapEff CapPrm CapBnd CapInh CapAmb)" 0000000000000000
	same "$(all_threads "$worker" NoNewPrivs)" 1
	# no path leads out of the storage, whether the kernel has Landlock or not
	same "$(stat -Lc %i "/proc/$worker/root")" "$(stat -c %i "$DIR/storage")"
	# a sanitizer's runtime needs more than the filter lets through
	if ! grep -qa __asan_init "$BUILD/tare-registry"; then
		same "$(all_threads "$worker" Seccomp)" 2
		same "$(status_of seccomp)" true
	fi
	exec 9>&-
}

# ------------------------------------------------------------------ TLS

@test "TLS: 1.2 and newer, and a certificate that is replaced while it runs" {
	cp "$DIR/one.crt" "$DIR/now.crt"
	cp "$DIR/one.key" "$DIR/now.key"
	serve --tls-cert "$DIR/now.crt" --tls-key "$DIR/now.key"
	same "$(curl -s --cacert "$DIR/one.crt" "https://localhost:$PORT/v2/")" '{}'
	same "$(curl -s --tls-max 1.2 --cacert "$DIR/one.crt" "https://localhost:$PORT/v2/")" '{}'
	exits 35 curl -s --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 -k "https://localhost:$PORT/v2/"
	# one that doesn't fit is not taken
	certificate two localhost
	cp "$DIR/two.crt" "$DIR/now.crt"
	eventually 5 grep -q 'not that of the certificate' "$STATE/registry/$PORT.log"
	same "$(curl -s --cacert "$DIR/one.crt" "https://localhost:$PORT/v2/")" '{}'
	cp "$DIR/two.key" "$DIR/now.key"
	eventually 5 curl -sf --cacert "$DIR/two.crt" "https://localhost:$PORT/v2/"
	exits 60 curl -s --cacert "$DIR/one.crt" "https://localhost:$PORT/v2/"
	same "$(status_of restarts)" 0
	mkdir -p "$DIR/certs" && cp "$DIR/two.crt" "$DIR/certs/ca.crt"
	ok timeout 30 skopeo copy -q --dest-cert-dir "$DIR/certs" "oci:$DIR/images/small" "docker://localhost:$PORT/tls/x:1"
	# a worker that is made anew has the new one
	kill -KILL "$(status_of worker)"
	eventually 5 curl -sf --cacert "$DIR/two.crt" "https://localhost:$PORT/v2/"
}

# ------------------------------------------------------------------ the end

@test "drain: what runs may end, who waits is sent away" {
	serve
	local to pid
	to=$(new_upload a)
	head -c 3000000 /dev/urandom >"$DIR/blob"
	exec 8<>"/dev/tcp/127.0.0.1/$PORT" # waits, without a request
	curl -s -o /dev/null -w '%{http_code}' --limit-rate 2m -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$DIR/blob" \
		"${to}digest=sha256:$(sha256sum <"$DIR/blob" | cut -c 1-64)" >"$DIR/code" 3>&- 4>&- &
	pid=$!
	eventually 5 has_status connections -ge 2
	sleep 0.3
	ok tare registry stop
	wait "$pid"
	same "$(cat "$DIR/code")" 201
	same "$(timeout 2 cat <&8)" ''
	exec 8>&-
	! listens "$PORT"
}

@test "drain: not for ever" {
	serve --drain 1
	python3 - "$PORT" <<-'P' 3>&- 4>&- &
		import socket, sys, time
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		s.send(b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nContent-Type: application/octet-stream\r\n\r\nxxx")
		time.sleep(20)
	P
	local slow=$!
	eventually 5 has_status connections -eq 1
	local before=$SECONDS
	ok tare registry stop
	[ $((SECONDS - before)) -lt 8 ]
	kill "$slow" 2>/dev/null || true
	wait "$slow" 2>/dev/null || true
}

# ------------------------------------------------------------------ watching

@test "metrics, health and the access log" {
	serve --access-log "$DIR/access"
	copy_to a/b:1
	curl -s -o /dev/null -A $'evil\e[31m"agent' "$(url $'/v2/a/b/tags/list?x=%1b"')"
	ok curl -s "$(url /metrics)"
	has 'tare_registry_requests_total{route="manifest",method="PUT",status="2xx"} 1'
	has 'tare_registry_request_duration_seconds_bucket{route="manifest",le="+Inf"}'
	has 'tare_registry_storage_bytes '
	has 'tare_registry_uploads 0'
	has 'tare_registry_uptime_seconds '
	# as Prometheus reads it: each line a comment or NAME{LABELS} NUMBER
	same "$(grep -cvE '^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)$' <<<"$output")" 0
	same "$(curl -s "$(url /healthz)" | jq -r .status)" ok
	ok cat "$DIR/access"
	has '"PUT /v2/a/b/manifests/1 HTTP/1.1" 201'
	lacks $'\e'
	same "$(grep -c 'tags/list' "$DIR/access")" 1
	# each line has its three quoted parts
	same "$(awk -F'"' 'NF != 7' "$DIR/access")" ''
	# moved away, it is made anew
	mv "$DIR/access" "$DIR/access.1"
	kill -HUP "$(status_of pid)"
	eventually 5 test -e "$DIR/access"
	eventually 5 logged
}

@test "gc: asked of the one that runs, or done without" {
	serve
	copy_to a/b:1
	ok tare registry gc
	[[ $output == Removed* ]]
	ok tare registry gc --dry-run --json
	jq -e .dryRun <<<"$output"
	refused 125 'leave out --keep' registry gc --keep 'a:*'
	# what is young stays, unless that is asked for; a dry run tells what the other does
	skopeo delete --tls-verify=false "docker://127.0.0.1:$PORT/a/b:1"
	ok tare registry gc --json
	jq -e '.blobs == 0' <<<"$output"
	ok tare registry gc --dry-run --grace 0 --json
	jq -e '.blobs > 0 and .bytes > 100000' <<<"$output"
	local would=$(jq '[.blobs, .bytes]' <<<"$output")
	ok tare registry gc --grace 0 --json
	same "$(jq '[.blobs, .bytes]' <<<"$output")" "$would"
	tare registry stop >/dev/null
	ok tare registry gc --storage "$DIR/storage" --grace 0
	[[ $output == Removed* ]]
	refused 125 'cannot open the storage' registry gc --storage "$DIR/nothing"
}
