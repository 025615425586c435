# shellcheck shell=bash disable=SC2154 # bats sets variables
# For files about registries, after `load lib`: real and lying registries on loopback, and images for them. Every file has
# a network namespace of its own (run-e2e), so ports are free to choose. `file_down` calls registries_down.

E2E=$BATS_TEST_DIRNAME
export TARE_RETRY_MS=20 # the first wait before a further try

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; } # PORT

# docker_registry PORT [YAML…]: Debian's docker-registry on 127.0.0.1:PORT, storage $DIR/docker-PORT; each further argument is
# a piece of its configuration at the top level.
docker_registry() {
	local port=$1 piece
	shift
	mkdir -p "$DIR/docker-$port"
	{
		printf 'version: 0.1\nlog: {accesslog: {disabled: true}, level: error}\n'
		printf 'storage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\n' "$DIR/docker-$port"
		printf 'http: {addr: "127.0.0.1:%s"}\n' "$port"
		for piece; do printf '%s\n' "$piece"; done
	} >"$DIR/docker-$port.yml"
	env -u REGISTRY_AUTH_FILE OTEL_TRACES_EXPORTER=none docker-registry serve "$DIR/docker-$port.yml" >"$DIR/docker-$port.log" 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/registries"
	eventually 10 listens "$port"
}

# hostile NAME [PORT [REPOSITORY]]: serves the layout $DIR/images/NAME as REPOSITORY (NAME; "*": the layouts in it, each under
# its own name) by $DIR/NAME.rules, noting $DIR/NAME.requests; sets PORT. `rules NAME JSON` changes what it does.
hostile() {
	echo '[]' >"$DIR/$1.rules"
	: >"$DIR/$1.requests"
	python3 "$E2E/hostile_registry.py" "$DIR/images/$1" "${3:-$1}" "$DIR/$1.rules" "$DIR/$1.requests" "${2:-0}" >"$DIR/$1.port" 2>"$DIR/$1.err" 3>&- 4>&- &
	echo $! >>"$DIR/registries"
	eventually 5 test -s "$DIR/$1.port"
	PORT=$(cat "$DIR/$1.port")
	eventually 5 listens "$PORT"
}
rules() { printf '%s' "$2" >"$DIR/$1.rules.new" && mv "$DIR/$1.rules.new" "$DIR/$1.rules" && : >"$DIR/$1.requests"; }
# Bytes of blobs that NAME has sent since the last `rules`.
blob_bytes() { jq -s '[.[] | select(.path | contains("/blobs/")) | .sent] | add // 0' "$DIR/$1.requests"; }
requests() { jq -r '"\(.method) \(.path) \(.status)"' "$DIR/$1.requests"; }

# image NAME [OPTION…]: a layout $DIR/images/NAME (options of image_maker.py); prints its digest.
image() {
	local name=$1
	shift
	mkdir -p "$DIR/images"
	python3 "$E2E/image_maker.py" "$DIR/images/$name" "$@"
}

registries_down() {
	local pid
	[ ! -f "$DIR/registries" ] || while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$DIR/registries"
	rm -f "$DIR/registries"
}
