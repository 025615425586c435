# shellcheck shell=bash disable=SC2154 # bats sets variables
# For files about logins and what registries are, after `load lib` and `load registry`.

R=127.0.0.1:5000
SECRET=s3cret-Pa55

# Debian's docker-registry with the one user "me" on $R, and without users on port 5001.
registries_up() {
	htpasswd -Bbn -C 4 me "$SECRET" >"$DIR/htpasswd"
	docker_registry 5000 "auth: {htpasswd: {realm: there, path: $DIR/htpasswd}}"
	docker_registry 5001
}

# A home, configuration and credentials that are this test's own.
own_home() {
	export HOME=$BATS_TEST_TMPDIR/home XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run TARE_ETC=$BATS_TEST_TMPDIR/etc
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME CONTAINERS_REGISTRIES_CONF
	mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$TARE_ETC/containers" "$BATS_TEST_TMPDIR/bin"
	export AUTH=$XDG_RUNTIME_DIR/containers/auth.json
}

log_in_with() { # PASSWORD OPTION…
	local password=$1
	shift
	echo "$password" | tare login -u me --password-stdin "$@" $R
}
log_in() { log_in_with "$SECRET" "$@"; }

fails() { # COMMAND…: with one line on standard error
	run --separate-stderr "$@"
	[ "$status" -ne 0 ] || fail "succeeds: $*" "$output"
	[ -z "$output" ] || fail "prints to standard output: $output"
	[[ ${stderr_lines[-1]} == 'tare: '* ]] || fail "$stderr"
}
tells() { [[ $stderr == *"$1"* ]] || fail "standard error does not say: $1" "$stderr"; }
nowhere() { [[ $output$stderr != *"$1"* ]] || fail "unwanted: $1" "$output" "$stderr"; }
within() { [[ $1 == *"$2"* ]] || fail "no $2 in: $1"; }
