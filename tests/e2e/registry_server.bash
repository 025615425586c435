# shellcheck shell=bash disable=SC2154 # bats sets variables
# For files about our own registry server, after `load lib` and `load registry`.

# certificate NAME HOST: $DIR/NAME.crt and $DIR/NAME.key
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
		-addext "subjectAltName=DNS:$2,IP:127.0.0.1" -keyout "$DIR/$1.key" -out "$DIR/$1.crt" 2>/dev/null
}
# $DIR/users: alice (secret), bob (hunter2)
users() {
	htpasswd -Bbc -C 4 "$DIR/users" alice secret 2>/dev/null
	htpasswd -Bb -C 4 "$DIR/users" bob hunter2 2>/dev/null
}

# serve [OPTION…]: in the background on any port, its storage $DIR/storage; sets PORT.
serve() {
	local at
	at=$(tare registry start -p 0 -d --storage "$DIR/storage" "$@" 2>"$DIR/serve.err") || fail "not started: $(cat "$DIR/serve.err")"
	PORT=${at##*:}
}
# All that run, at once: those who hang don't get the time to drain.
stop_all() {
	local f
	[ ! -d "$STATE/registry" ] || for f in "$STATE"/registry/*.json; do
		[ ! -f "$f" ] || tare registry stop -p "$(basename "$f" .json)" >/dev/null 2>&1 || true
	done
	rm -rf "$DIR/storage" "$STATE"/registry/*.log
}
status_of() { tare registry status -p "$PORT" --json | jq -r ".[0].$1"; }
has_status() { test "$(status_of "$1")" "$2" "$3"; } # FIELD -eq, -lt… NUMBER
log_of() { cat "$STATE/registry/$PORT.log"; }
code() { curl -s -m 10 -o /dev/null -w '%{http_code}' "$@"; }
answers() { # CODE ARGUMENT…
	local want=$1
	shift
	[ "$(code "$@")" = "$want" ]
}
url() { echo "http://127.0.0.1:$PORT$1"; }
copy_to() { # NAME:TAG [OPTION…]
	local to=$1
	shift
	timeout 30 skopeo copy -q --dest-tls-verify=false "$@" "oci:$DIR/images/small" "docker://127.0.0.1:$PORT/$to"
}
# new_upload NAME [curl OPTION…]: the address where it goes on, ready for further parameters; "" when it is refused, the
# answer in $DIR/answer.
new_upload() {
	local name=$1 to
	shift
	to=$(curl -s -D - -o "$DIR/answer" -X POST "$@" "$(url "/v2/$name/blobs/uploads/")" | tr -d '\r' | sed -n 's/^Location: //Ip')
	[ -n "$to" ] || return 0
	[[ $to == http* ]] || to=$(url "$to")
	[[ $to == *\?* ]] && to+='&' || to+='?'
	echo "$to"
}
