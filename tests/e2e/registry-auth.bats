#!/usr/bin/env bats
# Who we are at a registry: passwords, tokens and certificates at Debian's docker-registry.

load lib
load registry

AUTH=127.0.0.1:5001  # tokens
SAFE=192.0.2.7:5002  # TLS and passwords, at an address that is not loopback
FAR=192.0.2.7:5004   # plain http there, with tokens

# far PORT TEXT: docker-registry at 192.0.2.7, with what docker-5000 has.
far() {
	printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\n%s\n' "$DIR/docker-5000" "$2" >"$DIR/far-$1.yml"
	OTEL_TRACES_EXPORTER=none docker-registry serve "$DIR/far-$1.yml" >"$DIR/far-$1.log" 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/registries"
	eventually 10 curl -sk -o /dev/null "http://192.0.2.7:$1/"
}
file_up() {
	ip address add 192.0.2.7/32 dev lo
	# docker-registry wants bcrypt
	printf 'joe:%s\n' "$(python3 -c 'import crypt; print(crypt.crypt("sesame", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))')" >"$DIR/htpasswd"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$DIR/key.pem" -out "$DIR/cert.pem" -days 2 -subj /CN=localhost \
		-addext 'subjectAltName=IP:192.0.2.7' 2>/dev/null
	: >"$DIR/tokens"
	python3 "$E2E/token_server.py" "$DIR/cert.pem" "$DIR/key.pem" svc "$DIR/tokens" 5003 >"$DIR/token.port" 2>"$DIR/token.err" 3>&- 4>&- &
	echo $! >>"$DIR/registries"
	eventually 10 listens 5003
	docker_registry 5000
	image small --kib 4 --files 2 --push http://127.0.0.1:5000/public/small:1 >/dev/null
	image small --push http://127.0.0.1:5000/private/small:1 >/dev/null
	# the same content behind another
	ln -s docker-5000 "$DIR/docker-5001"
	docker_registry 5001 "auth: {token: {realm: \"http://127.0.0.1:5003/token\", service: svc, issuer: tests, rootcertbundle: $DIR/cert.pem}}"
	mkdir -p "$DIR/certs/$SAFE" && cp "$DIR/cert.pem" "$DIR/certs/$SAFE/ca.crt"
	far 5002 "http: {addr: \"$SAFE\", tls: {certificate: $DIR/cert.pem, key: $DIR/key.pem}}
auth: {htpasswd: {realm: r, path: $DIR/htpasswd}}"
	far 5004 "http: {addr: \"$FAR\"}
auth: {token: {realm: \"http://127.0.0.1:5003/token\", service: svc, issuer: tests, rootcertbundle: $DIR/cert.pem}}"
}
file_down() { registries_down; }
setup() { : >"$DIR/tokens"; }

@test "a token for who is nobody, one for all of a pull, and none for what is private" {
	ok tare pull $AUTH/public/small:1
	same "$(jq -c '[.method, .scopes, .user]' "$DIR/tokens")" '["GET",["repository:public/small:pull"],null]'
	refused 125 "tare login $AUTH" pull $AUTH/private/small:1
	ok tare pull --creds joe:sesame $AUTH/private/small:1
	same "$(tail -n 1 "$DIR/tokens" | jq -c '[.scopes, .user, .account]')" '[["repository:private/small:pull"],"joe","joe"]'
}

@test "a wrong password is told by the token server's own words, and is in none of ours" {
	refused 125 "wrong user or password" pull --creds joe:opensesame $AUTH/private/small:1
	[[ $stderr != *opensesame* ]] || fail "$stderr"
}

@test "an identity token from a credential file goes by form" {
	printf '{"auths":{"%s":{"identitytoken":"remember-joe"}}}' $AUTH >"$DIR/auth.json"
	ok tare pull --authfile "$DIR/auth.json" $AUTH/private/small:1
	same "$(jq -c '[.method, .user]' "$DIR/tokens")" '["POST","joe"]'
	printf '{"auths":{"%s":{"identitytoken":"forgotten"}}}' $AUTH >"$DIR/auth.json"
	refused 125 "wrong user or password" pull --authfile "$DIR/auth.json" $AUTH/private/small:1
}

@test "TLS with a CA of its own: refused without it, HTTP/2 with it; never plain http after that" {
	refused 125 certs.d pull --creds joe:sesame $SAFE/private/small:1
	refused 125 "tare login $SAFE" pull --cert-dir "$DIR/certs/$SAFE" $SAFE/private/small:1
	ok tare pull --cert-dir "$DIR/certs/$SAFE" --creds joe:sesame $SAFE/private/small:1
	grep -q '"HEAD /v2/private/small/manifests/1 HTTP/2.0" 200' "$DIR/far-5002.log"
	ok tare pull --tls-verify=false --creds joe:sesame $SAFE/public/small:1
	[ "$(grep -c 'HTTP/1' "$DIR/far-5002.log")" -le 1 ] # the curl of file_up
}

@test "plain http elsewhere needs a word, and gets no password sent to another host" {
	refused 125 '--tls-verify=false' pull $FAR/public/small:1
	refused 125 'insecure = true' pull $FAR/public/small:1
	refused 125 'at another host' pull --tls-verify=false --creds joe:sesame $FAR/public/small:1
	same "$(cat "$DIR/tokens")" ''
}
