#!/usr/bin/env bats
# Registries that lie, break off, send too much or attack: nothing of it gets into the store.

load lib
load registry
load pull

file_up() {
	image app --layers 3 --kib 256 --files 4 --busybox /bin/busybox >/dev/null
	image two --layers 2 --kib 16 --files 2 >/dev/null
	hostile app
	python3 "$BATS_TEST_DIRNAME/broken_images.py" "$DIR/images/two" "$DIR/images/broken"
	hostile broken 0 '*'
}
setup() {
	APP=127.0.0.1:$(cat "$DIR/app.port")/app
	BROKEN=127.0.0.1:$(cat "$DIR/broken.port")
	rules app '[]'
}

file_down() { registries_down; }

test_down() {
	leave_nothing
	tare image prune -a -f >/dev/null 2>&1 || true
	same "$(find "$ROOT" "$DIR" -maxdepth 1 -name 'passwd*')" ''
}

digest_of() { jq -r ".$1.digest" "$DIR/images/app/blobs/sha256/$(jq -r '.manifests[0].digest' "$DIR/images/app/index.json" | cut -d: -f2)"; }
# Nothing of it can be found, and nothing is left but what a further pull could go on from.
nothing_came() {
	same "$(image_names)" ''
	same "$(find "$ROOT/blobs" "$ROOT/layers" "$ROOT/pulls" -type f)" ''
	same "$(find "$ROOT/layers" -mindepth 1 -name 'tmp-*')" ''
	ok tare system check
}
works() {
	ok tare pull "$APP"
	ok tare run --rm "$APP" sh -c 'cat /data/*/* | /bin/busybox wc -c'
	is $((3 * 256 * 1024))
}
# lies RULES TEXT: with these the pull is refused, without them it works
lies() {
	rules app "$1"
	refused 125 "$2" pull "$APP"
	nothing_came
	rules app '[]'
	works
	test_down
}

@test "other bytes than the digest says: manifest, config, layer" {
	local layer config manifest
	layer=$(digest_of 'layers[1]')
	config=$(digest_of config)
	manifest=$(jq -r '.manifests[0].digest' "$DIR/images/app/index.json")
	lies "[{\"match\": \"GET .*/blobs/$layer\", \"flip\": 5000}]" 'other bytes'
	lies "[{\"match\": \"GET .*/blobs/$config\", \"flip\": 50}]" ''
	lies "[{\"match\": \"(GET|HEAD) .*/manifests/\", \"status\": 200, \"headers\": {\"Content-Type\": \"application/vnd.oci.image.manifest.v1+json\", \"Docker-Content-Digest\": \"$manifest\"}, \"body\": \"{}\"}]" ''
	# what was wrong is not kept
	rules app "[{\"match\": \"GET .*/blobs/$layer|x\", \"flip\": 5000}]"
	refused 125 'other bytes' pull "$APP"
	rules app '[]'
	works
}

@test "a layer that is wrong once, cut often, stuck or refused for a moment comes all the same" {
	local layer
	layer=$(digest_of 'layers[1]')
	rules app "[{\"match\": \"GET .*/blobs/$layer|1\", \"cut\": 30000, \"times\": 3}]"
	works
	test_down
	rules app "[{\"match\": \"GET .*/blobs/$layer|2\", \"status\": 503, \"headers\": {\"Retry-After\": \"0\"}, \"times\": 2}]"
	works
	test_down
	# a server that does not know Range sends all of it again
	rules app "[{\"match\": \"GET .*/blobs/$layer|3\", \"cut\": 30000, \"times\": 1}, {\"match\": \"GET .*/blobs/$layer|4\", \"no_range\": true}]"
	works
}

@test "sizes that are not true: longer, shorter, empty, without end" {
	local layer
	layer=$(digest_of 'layers[1]')
	lies "[{\"match\": \"GET .*/blobs/$layer\", \"length\": 5}]" ''
	lies "[{\"match\": \"GET .*/blobs/$layer\", \"empty\": true}]" ''
	lies "[{\"match\": \"GET .*/blobs/$layer\", \"grow\": -1}]" ''
	lies '[{"match": "GET .*/manifests/", "grow": -1}]' ''
	lies "[{\"match\": \"GET .*/blobs/$(digest_of config)\", \"grow\": -1}]" ''
	lies "[{\"match\": \"GET .*/blobs/$layer\", \"range_from\": 7, \"cut\": 20000}]" ''
}

# broken KIND TEXT: that image is refused, and says why
broken() {
	refused 125 "$2" pull "$BROKEN/$1"
	nothing_came
}

@test "images that are wrong in themselves: layers and config" {
	broken diffid 'a layer should unpack to'
	broken count 'it has 2 layers in its manifest and 1 in its config'
	broken two-in-one 'layers 1 and 2 are one blob'
	broken larger ''
	broken smaller ''
	broken nothing 'layer 2 of 2'
	broken negative 'no valid size'
	broken traversal 'is not a digest'
	broken config-json 'image config'
	broken config-large 'too large'
	broken strange-layer 'unsupported media type'
	broken xz 'it is compressed by xz'
	[ ! -e "$ROOT/passwd" ]
}

@test "documents that are no images, or too much" {
	broken artifact 'it is not a container image: its config is "application/vnd.cncf.helm.config.v1+json"'
	broken schema1 'old format (schema 1)'
	broken confused 'both manifests and layers'
	broken deep ''
	broken many 'more than the limit'
	broken huge ''
	broken dense 'too many values'
	broken config-dense 'too many values'
	broken child-size 'index says'
	broken child-type ''
	broken nested-deep 'more than 4 deep'
	broken empty-index 'without any image'
	broken escapes 'is not there for'
}

@test "what is unusual and right: a layer twice, an index in an index" {
	local kind
	for kind in twice nested; do
		ok tare pull "$BROKEN/$kind"
		ok tare image inspect "$BROKEN/$kind"
	done
	# the one that is there twice came once
	same "$(requests broken | grep -c 'GET .*/twice/blobs/')" 3
	ok tare pull "$BROKEN/nested"
	has 'up to date'
}

@test "a config that is here and damaged comes anew" {
	local config
	config=$(digest_of config)
	mkdir -p "$ROOT/blobs/sha256"
	head -c "$(stat -c %s "$DIR/images/app/blobs/sha256/${config#*:}")" /dev/zero >"$ROOT/blobs/sha256/${config#*:}"
	works
}

@test "a registry's words never reach the terminal raw" {
	rules app '[{"match": ".", "status": 404, "body": "{\"errors\":[{\"code\":\"X\",\"message\":\"a\\u001b[2Jb\\u0007\\ntare: all is well\"}]}"}]'
	refused 125 '' pull "$APP"
	rules app '[{"match": "GET .*/blobs/|words", "status": 500, "body": "\u001b]0;owned\u0007"}]'
	refused 125 '' pull "$APP"
	nothing_came
}
