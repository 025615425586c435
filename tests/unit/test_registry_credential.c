/* Credentials: where they are looked for, which key wins, how files are changed, what helpers are asked. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "registry/client/credential.h"
#include "registry/client/credential_entry.h"
#include "registry/client/credential_helper.h"

/* A home, a runtime directory and a place for programs of its own. */
struct box {
	char dir[64], authfile[128], docker[128];
	char *path;
};

static void put(const char *file, const char *text, mode_t mode)
{
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(file, mode), 0);
}

static char *got(const char *file)
{
	static char text[8192];
	FILE *f = fopen(file, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

static const char *in(const struct box *b, const char *name)
{
	static char path[256];
	snprintf(path, sizeof path, "%s/%s", b->dir, name);
	return path;
}

static int setup(void **state)
{
	struct box *b = calloc(1, sizeof *b);
	const char *const dirs[] = {"run", "run/containers", "home", "home/.docker", "bin", "etc", NULL};
	cleanup_free char *path = NULL;
	assert_non_null(b);
	strcpy(b->dir, "/tmp/tare-unit.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	for (size_t i = 0; dirs[i]; i++)
		assert_int_equal(mkdir(in(b, dirs[i]), 0700), 0);
	b->path = strdup(getenv("PATH"));
	path = str_printf("%s/bin:%s", b->dir, b->path);
	setenv("PATH", path, 1);
	setenv("HOME", in(b, "home"), 1);
	setenv("XDG_RUNTIME_DIR", in(b, "run"), 1);
	setenv("TARE_ETC", in(b, "etc"), 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("DOCKER_CONFIG");
	unsetenv("REGISTRY_AUTH_FILE");
	unsetenv("CONTAINERS_REGISTRIES_CONF");
	strcpy(b->authfile, in(b, "run/containers/auth.json"));
	strcpy(b->docker, in(b, "home/.docker/config.json"));
	log_set_level(LOG_LEVEL_ERROR);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct box *b = *state;
	setenv("PATH", b->path, 1);
	remove_tree_at(AT_FDCWD, b->dir);
	free(b->path);
	free(b);
	return 0;
}

/* "user:password", "token:…", or "" */
static const char *who(const char *domain, const char *repository)
{
	static char text[256];
	cleanup_credential struct credential c = CREDENTIAL_INIT;
	struct err e = ERR_INIT;
	if (credential_find(NULL, domain, repository, &c, &e) < 0)
		snprintf(text, sizeof text, "error: %.200s", e.msg);
	else if (c.identity_token)
		snprintf(text, sizeof text, "token:%s", c.identity_token);
	else
		snprintf(text, sizeof text, "%s%s%s", c.username ? c.username : "", c.username ? ":" : "",
		        c.password ? c.password : "");
	return text;
}

static void test_nobody_without_files(void **state)
{
	(void)state;
	assert_string_equal(who("docker.io", "library/alpine"), "");
}

static void test_keys_have_one_spelling(void **state)
{
	static const struct {
		const char *written, *key;
	} rows[] = {{"docker.io", "docker.io"}, {"https://index.docker.io/v1/", "docker.io"},
	        {"https://index.docker.io/v1", "docker.io"}, {"index.docker.io", "docker.io"},
	        {"registry-1.docker.io", "docker.io"}, {"index.docker.io/v1/", "docker.io"},
	        {"http://localhost:5000", "localhost:5000"}, {"https://Quay.io/v2/", "quay.io"},
	        {"quay.io/v1", "quay.io/v1"}, {"quay.io/team/", "quay.io/team"},
	        {"https://quay.io/team", "quay.io/team"}, {"HTTPS://quay.io", "quay.io"},
	        {"[::1]:5000/a", "[::1]:5000/a"}};
	char key[CREDENTIAL_KEY_SIZE], *lengthy = calloc(1, 2000);
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(credential_key(rows[i].written, key));
		assert_string_equal(key, rows[i].key);
	}
	assert_false(credential_key("", key));
	assert_false(credential_key("/a", key));
	assert_false(credential_key("https://", key));
	memset(lengthy, 'a', 1999);
	assert_false(credential_key(lengthy, key));
	free(lengthy);
}

static void test_the_most_specific_key_wins(void **state)
{
	struct box *b = *state;
	put(b->authfile,
	        "{\"auths\":{\"quay.io\":{\"auth\":\"YTox\"},\"quay.io/team\":{\"auth\":\"YToy\"},"
	        "\"quay.io/team/app\":{\"auth\":\"YToz\"}}}",
	        0600);
	assert_string_equal(who("quay.io", "team/app"), "a:3");
	assert_string_equal(who("quay.io", "team/app/x"), "a:3");
	assert_string_equal(who("quay.io", "team/other"), "a:2");
	assert_string_equal(who("quay.io", "x"), "a:1");
	assert_string_equal(who("QUAY.io", NULL), "a:1");
}

static void test_keys_end_at_borders(void **state)
{
	struct box *b = *state;
	put(b->authfile,
	        "{\"auths\":{\"reg.io\":{\"auth\":\"YTox\"},\"quay.io/team\":{\"auth\":\"YToy\"},"
	        "\"localhost:5\":{\"auth\":\"YToz\"}}}",
	        0600);
	assert_string_equal(who("quay.io", "team-of-others/x"), "");
	assert_string_equal(who("quay.io", "tea"), "");
	assert_string_equal(who("reg.io.example.com", "x"), "");
	assert_string_equal(who("reg.io:5000", "x"), "");
	assert_string_equal(who("evil-reg.io", "x"), "");
	assert_string_equal(who("localhost:5000", "x"), "");
	assert_string_equal(who("reg.io", "x"), "a:1");
}

static void test_all_names_of_the_hub(void **state)
{
	static const char *const names[] = {
	        "docker.io", "https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io"};
	struct box *b = *state;
	for (size_t i = 0; i < 4; i++) {
		cleanup_free char *text = str_printf("{\"auths\":{\"%s\":{\"auth\":\"YTox\"}}}", names[i]);
		put(b->docker, text, 0600);
		assert_string_equal(who("docker.io", "library/alpine"), "a:1");
		assert_string_equal(who("registry-1.docker.io", "library/alpine"), "a:1");
	}
	assert_string_equal(who("index.docker.io.evil.com", "library/alpine"), "");
}

static void test_files_in_their_order(void **state)
{
	struct box *b = *state;
	char extra[256];
	snprintf(extra, sizeof extra, "%s", in(b, "other.json"));
	put(in(b, "home/.dockercfg"), "{\"https://r.io\":{\"auth\":\"YTo0\"}}", 0600);
	assert_string_equal(who("r.io", "x"), "a:4");
	put(b->docker, "{\"auths\":{\"r.io\":{\"auth\":\"YToz\"}}}", 0600);
	assert_string_equal(who("r.io", "x"), "a:3");
	mkdir(in(b, "home/.config"), 0700);
	mkdir(in(b, "home/.config/containers"), 0700);
	put(in(b, "home/.config/containers/auth.json"), "{\"auths\":{\"r.io\":{\"auth\":\"YToy\"}}}", 0600);
	assert_string_equal(who("r.io", "x"), "a:2");
	put(b->authfile, "{\"auths\":{\"r.io\":{}}}", 0600); /* empty: goes on */
	assert_string_equal(who("r.io", "x"), "a:2");
	put(b->authfile, "{\"auths\":{\"r.io\":{\"auth\":\"YTox\"}}}", 0600);
	assert_string_equal(who("r.io", "x"), "a:1");
	put(extra, "{}", 0600);
	setenv("REGISTRY_AUTH_FILE", extra, 1); /* the only one */
	assert_string_equal(who("r.io", "x"), "");
	unsetenv("REGISTRY_AUTH_FILE");
	setenv("DOCKER_CONFIG", in(b, "etc"), 1);
	unlink(b->authfile);
	unlink(in(b, "home/.config/containers/auth.json"));
	assert_string_equal(who("r.io", "x"), "a:4");
}

static void test_entries_of_all_kinds(void **state)
{
	static const struct {
		const char *entry, *who;
	} rows[] = {{"{\"auth\":\"YTpi\"}", "a:b"}, {"{\"auth\":\"YTpiOmM=\"}", "a:b:c"},
	        {"{\"auth\":\"YTpiOmM\"}", "a:b:c"}, /* no padding */
	        {"{\"auth\":\"YTpiAAAA\"}", "a:b"},  /* zero bytes as padding */
	        {"{\"auth\":\"YTo=\"}", "a:"}, {"{\"auth\":\"\"}", ""}, {"{\"auth\":7}", ""}, {"[]", ""},
	        {"null", ""}, {"{\"username\":\"u\",\"password\":\"p\"}", "u:p"},
	        {"{\"username\":\"u\"}", ""}, {"{\"registrytoken\":\"x\"}", ""},
	        {"{\"auth\":\"PHRva2VuPjo=\",\"identitytoken\":\"T\"}", "token:T"},
	        {"{\"identitytoken\":\"T\"}", "token:T"}};
	static const char *const bad[] = {"YQ==", "a", "YT*i", "YT pi", "YTpi=Y", "====", "YQA6Yg=="};
	struct box *b = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cleanup_free char *text = str_printf("{\"auths\":{\"r.io\":%s}}", rows[i].entry);
		put(b->authfile, text, 0600);
		assert_string_equal(who("r.io", "x"), rows[i].who);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cleanup_free char *text = str_printf("{\"auths\":{\"r.io\":{\"auth\":\"%s\"}}}", bad[i]);
		put(b->authfile, text, 0600);
		assert_non_null(strstr(who("r.io", "x"), "cannot be read"));
		assert_non_null(strstr(who("r.io", "x"), "tare login r.io"));
		assert_true(strlen(bad[i]) < 4 ||
		            !strstr(who("r.io", "x"), bad[i])); /* what is inside is never quoted */
	}
}

static void test_damaged_files_are_told_without_their_content(void **state)
{
	struct box *b = *state;
	cleanup_free char *large = calloc(1, 3 << 20);
	put(b->authfile, "{\"auths\":{\"r.io\":{\"auth\":\"SECRET\n\"}}}", 0600);
	assert_non_null(strstr(who("r.io", "x"), "auth.json: line 1"));
	assert_null(strstr(who("r.io", "x"), "SECRET"));
	put(b->authfile, "[1]", 0600);
	assert_non_null(strstr(who("r.io", "x"), "no JSON object"));
	put(b->authfile, "", 0600);
	assert_string_equal(who("r.io", "x"), "");
	memset(large, ' ', (3 << 20) - 1);
	put(b->authfile, large, 0600);
	assert_non_null(strstr(who("r.io", "x"), "auth.json"));
	unlink(b->authfile);
	assert_int_equal(mkfifo(b->authfile, 0600), 0);
	assert_non_null(strstr(who("r.io", "x"), "not a regular file"));
}

static void test_a_named_file_must_be_there(void **state)
{
	struct box *b = *state;
	cleanup_credential struct credential c = CREDENTIAL_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(credential_find(in(b, "nothing.json"), "r.io", "x", &c, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static struct credential account = {.username = (char *)"me", .password = (char *)"s3cret"};

static void test_storing_keeps_the_rest(void **state)
{
	struct box *b = *state;
	struct stat st;
	struct err e = ERR_INIT;
	cleanup_free char *where = NULL;
	put(b->authfile,
	        "{\"HttpHeaders\":{\"A\":\"b\"},\"auths\":{\"q.io/a\":{\"auth\":\"YTpi\"},"
	        "\"https://r.io/v1/\":{\"auth\":\"YTpi\",\"email\":\"e\",\"identitytoken\":\"old\"},"
	        "\"http://r.io\":{\"auth\":\"YTpi\"}},\"x\":[1,2.5,true]}",
	        0644);
	assert_int_equal(credential_store(NULL, "r.io", &account, &where, &e), 0);
	assert_string_equal(where, b->authfile);
	assert_string_equal(who("r.io", "x"), "me:s3cret");
	assert_string_equal(who("q.io", "a"), "a:b");
	assert_int_equal(stat(b->authfile, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_non_null(strstr(got(b->authfile), "\"email\": \"e\""));
	assert_non_null(strstr(got(b->authfile), "\"HttpHeaders\""));
	assert_non_null(strstr(got(b->authfile), "2.5"));
	assert_non_null(strstr(got(b->authfile), "https://r.io/v1/"));
	assert_null(strstr(got(b->authfile), "http://r.io"));
	assert_null(strstr(got(b->authfile), "old"));
	assert_null(strstr(got(b->authfile), "s3cret"));
}

static void test_storing_makes_file_and_directory(void **state)
{
	struct box *b = *state;
	struct stat st;
	struct err e = ERR_INIT;
	cleanup_free char *where = NULL, *file = str_printf("%s/new/dir/auth.json", b->dir);
	assert_int_equal(credential_store(file, "docker.io", &account, &where, &e), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_non_null(strstr(got(file), "\"docker.io\""));
	setenv("REGISTRY_AUTH_FILE", file, 1);
	assert_string_equal(who("docker.io", "library/x"), "me:s3cret");
}

static void test_a_link_stays_a_link(void **state)
{
	struct box *b = *state;
	struct stat st;
	struct err e = ERR_INIT;
	cleanup_free char *where = NULL, *target = str_printf("%s/etc/real.json", b->dir);
	put(target, "{\"auths\":{}}", 0600);
	assert_int_equal(symlink(target, b->authfile), 0);
	assert_int_equal(credential_store(NULL, "r.io", &account, &where, &e), 0);
	assert_int_equal(lstat(b->authfile, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_non_null(strstr(got(target), "r.io"));
	unlink(target);
	free(where);
	assert_int_equal(credential_store(NULL, "r.io", &account, &where, &e), -1);
	assert_non_null(strstr(e.msg, "symbolic link"));
}

static void test_unreadable_files_are_not_replaced(void **state)
{
	struct box *b = *state;
	struct err e = ERR_INIT;
	cleanup_free char *where = NULL;
	put(b->authfile, "{\"auths\":{\"q.io\":{\"auth\":\"YTpi\"}},}", 0600);
	assert_int_equal(credential_store(NULL, "r.io", &account, &where, &e), -1);
	assert_non_null(strstr(got(b->authfile), "q.io"));
	assert_null(strstr(e.msg, "s3cret"));
}

static void test_names_hold_no_colon(void **state)
{
	const struct credential c = {.username = (char *)"a:b", .password = (char *)"p"};
	cleanup_free char *where = NULL;
	struct err e = ERR_INIT;
	(void)state;
	assert_int_equal(credential_store(NULL, "r.io", &c, &where, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
}

static void test_erasing(void **state)
{
	struct box *b = *state;
	struct err e = ERR_INIT;
	char *where = NULL;
	put(b->authfile,
	        "{\"auths\":{\"https://index.docker.io/v1/"
	        "\":{\"auth\":\"YTpi\"},\"docker.io\":{\"auth\":\"YTpi\"},"
	        "\"docker.io/me\":{\"auth\":\"YTpi\"},\"q.io\":{\"auth\":\"YTpi\"}}}",
	        0600);
	assert_int_equal(credential_erase(NULL, "docker.io", &where, &e), 0);
	assert_string_equal(where, b->authfile);
	assert_string_equal(who("docker.io", "library/x"), "");
	assert_string_equal(who("docker.io", "me/x"), "a:b");
	free(where);
	assert_int_equal(credential_erase(NULL, "docker.io", &where, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(credential_erase(NULL, NULL, &where, &e), 0);
	free(where);
	assert_string_equal(who("q.io", "x"), "");
	assert_int_equal(credential_erase(NULL, NULL, &where, &e), -1);
	put(b->docker, "{\"auths\":{\"q.io\":{\"auth\":\"YTpi\"}}}", 0600);
	assert_int_equal(credential_erase(NULL, "q.io", &where, &e), -1);
	assert_non_null(strstr(e.msg, b->docker)); /* another tool's: named, and left */
	assert_string_equal(who("q.io", "x"), "a:b");
}

/* A helper that keeps one file per server and writes down how it was called. */
static const char helper[] =
        "#!/bin/sh\n"
        "d=$(dirname \"$0\")/../kept; mkdir -p $d; echo \"$0 $*\" >>$d/.calls\n"
        "case $1 in\n"
        "get) read s; f=$d/$(echo $s | tr / _); [ -f $f ] && cat $f && exit; echo 'credentials not found in "
        "native keychain'; exit 1;;\n"
        "store) in=$(cat); s=$(echo \"$in\" | sed 's/.*\"ServerURL\":\"\\([^\"]*\\)\".*/\\1/'); echo \"$in\" "
        ">$d/$(echo $s | tr / _);;\n"
        "erase) read s; rm $d/$(echo $s | tr / _);;\n"
        "list) printf '{'; c=; for f in $d/*; do printf '%s\"%s\":\"u\"' \"$c\" $(basename $f); c=,; done; "
        "echo '}';;\n"
        "esac\n";

static void test_helpers_keep_credentials(void **state)
{
	struct box *b = *state;
	struct err e = ERR_INIT;
	char *where = NULL;
	cleanup_free char *calls = str_printf("%s/kept/.calls", b->dir);
	put(in(b, "bin/docker-credential-fake"), helper, 0755);
	put(b->authfile, "{\"auths\":{\"r.io\":{\"auth\":\"YTpi\"}},\"credHelpers\":{\"r.io\":\"fake\"}}",
	        0600);
	assert_string_equal(who("r.io", "x"), "a:b"); /* the helper knows none */
	assert_int_equal(credential_store(NULL, "r.io", &account, &where, &e), 0);
	assert_string_equal(where, "docker-credential-fake");
	free(where);
	assert_null(strstr(got(b->authfile), "YTpi")); /* the older one is gone */
	assert_string_equal(who("r.io", "x"), "me:s3cret");
	assert_null(strstr(got(calls), "s3cret")); /* never an argument */
	assert_int_equal(credential_erase(NULL, "r.io", &where, &e), 0);
	assert_string_equal(where, "docker-credential-fake");
	free(where);
	assert_string_equal(who("r.io", "x"), "");
}

static void test_a_store_for_everything(void **state)
{
	struct box *b = *state;
	struct err e = ERR_INIT;
	char *where = NULL;
	put(in(b, "bin/docker-credential-fake"), helper, 0755);
	put(b->docker, "{\"auths\":{\"https://index.docker.io/v1/\":{}},\"credsStore\":\"fake\"}", 0600);
	setenv("REGISTRY_AUTH_FILE", b->docker, 1);
	assert_int_equal(credential_store(NULL, "docker.io", &account, &where, &e), 0);
	free(where);
	assert_int_equal(access(in(b, "kept/https:__index.docker.io_v1_"), F_OK), 0);
	unsetenv("REGISTRY_AUTH_FILE");
	assert_string_equal(who("docker.io", "library/x"), "me:s3cret");
	assert_string_equal(who("q.io", "x"), "");
	put(b->docker, "{\"auths\":{},\"credsStore\":\"not-installed\"}", 0600);
	assert_string_equal(who("docker.io", "library/x"), "");
	put(b->docker, "{\"credHelpers\":{\"r.io\":\"not-installed\"}}", 0600);
	assert_non_null(strstr(who("r.io", "x"), "docker-credential-not-installed is not installed"));
}

static void test_helpers_of_registries_conf(void **state)
{
	struct box *b = *state;
	struct err e = ERR_INIT;
	char *where = NULL;
	put(in(b, "bin/docker-credential-fake"), helper, 0755);
	mkdir(in(b, "etc/containers"), 0700);
	put(in(b, "etc/containers/registries.conf"),
	        "credential-helpers = [\"fake\", \"containers-auth.json\"]\n", 0644);
	put(b->authfile, "{\"auths\":{\"q.io\":{\"auth\":\"YTpi\"}}}", 0600);
	assert_string_equal(who("q.io", "x"), "a:b");
	assert_int_equal(credential_store(NULL, "r.io", &account, &where, &e), 0);
	assert_string_equal(where, "docker-credential-fake");
	free(where);
	assert_string_equal(who("r.io", "x"), "me:s3cret");
	assert_int_equal(credential_erase(NULL, "r.io", &where, &e), 0);
	free(where);
	assert_string_equal(who("r.io", "x"), "");
}

/* Many at once: none of them writes over what another wrote. */
static void test_storing_at_once(void **state)
{
	struct box *b = *state;
	pid_t pids[12];
	int status;
	put(b->authfile, "{}", 0600);
	for (int i = 0; i < 12; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			char host[32], *where = NULL;
			snprintf(host, sizeof host, "r%d.io", i);
			_exit(credential_store(NULL, host, &account, &where, NULL) < 0);
		}
	}
	for (int i = 0; i < 12; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	for (int i = 0; i < 12; i++) {
		char host[32];
		snprintf(host, sizeof host, "r%d.io", i);
		assert_string_equal(who(host, NULL), "me:s3cret");
	}
}

static void test_forgetting_all_of_a_store(void **state)
{
	struct box *b = *state;
	struct err e = ERR_INIT;
	char *where = NULL;
	put(in(b, "bin/docker-credential-fake"), helper, 0755);
	put(b->authfile, "{\"credsStore\":\"fake\",\"credHelpers\":{\"q.io\":\"fake\"}}", 0600);
	assert_int_equal(credential_store(NULL, "r.io", &account, &where, &e), 0);
	free(where);
	assert_int_equal(credential_store(NULL, "q.io", &account, &where, &e), 0);
	free(where);
	assert_int_equal(credential_erase(NULL, NULL, &where, &e), 0);
	free(where);
	assert_string_equal(who("r.io", "x"), "");
	assert_string_equal(who("q.io", "x"), "");
}

static void test_identity_tokens_of_helpers(void **state)
{
	struct box *b = *state;
	put(in(b, "bin/docker-credential-t"),
	        "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"T\"}'\n", 0755);
	put(b->authfile, "{\"credHelpers\":{\"r.io\":\"t\"}}", 0600);
	assert_string_equal(who("r.io", "x"), "token:T");
}

static void test_helper_names_are_no_paths(void **state)
{
	static const char *const bad[] = {"", "../x", "/../x", "a/b", "a b", "a;b", "$(x)", "a\n"};
	struct box *b = *state;
	struct err e = ERR_INIT;
	char *path = NULL;
	mkdir(in(b, "bin/docker-credential-"), 0755);
	put(in(b, "bin/x"), "#!/bin/sh\n", 0755);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(credential_helper_find(bad[i], &path, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_null(path);
	}
}

static void test_helpers_are_not_found_in_the_working_directory(void **state)
{
	struct box *b = *state;
	struct err e = ERR_INIT;
	char *path = NULL, here[512];
	put(in(b, "bin/docker-credential-x"), "#!/bin/sh\n", 0755);
	assert_non_null(getcwd(here, sizeof here));
	assert_int_equal(chdir(in(b, "bin")), 0);
	setenv("PATH", ".::/nothing", 1);
	assert_int_equal(credential_helper_find("x", &path, &e), -1);
	assert_int_equal(chdir(here), 0);
}

static void test_helper_is_bounded(void **state)
{
	struct box *b = *state;
	setenv("TARE_CREDENTIAL_HELPER_SECONDS", "1", 1);
	put(b->authfile, "{\"credHelpers\":{\"r.io\":\"t\"}}", 0600);
	put(in(b, "bin/docker-credential-t"), "#!/bin/sh\nexec sleep 20\n", 0755);
	assert_non_null(strstr(who("r.io", "x"), "not answered in time"));
	put(in(b, "bin/docker-credential-t"), "#!/bin/sh\nexec >&-\nexec sleep 20\n", 0755);
	assert_non_null(strstr(who("r.io", "x"), "does not end"));
	put(in(b, "bin/docker-credential-t"), "#!/bin/sh\nexec yes\n", 0755);
	assert_non_null(strstr(who("r.io", "x"), "says more than"));
	put(in(b, "bin/docker-credential-t"), "#!/bin/sh\necho SECRET\n", 0755);
	assert_non_null(strstr(who("r.io", "x"), "not answered with a JSON object"));
	assert_null(strstr(who("r.io", "x"), "SECRET"));
	put(in(b, "bin/docker-credential-t"), "#!/bin/sh\nprintf 'no \\033[31mdaemon\\n'; exit 2\n", 0755);
	assert_non_null(strstr(who("r.io", "x"), "docker-credential-t get: no "));
	assert_null(strchr(who("r.io", "x"), '\033'));
	put(in(b, "bin/docker-credential-t"), "#!/bin/sh\nkill -9 $$\n", 0755);
	assert_non_null(strstr(who("r.io", "x"), "exit code 137"));
	unsetenv("TARE_CREDENTIAL_HELPER_SECONDS");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(test_nobody_without_files),
	        T(test_keys_have_one_spelling),
	        T(test_the_most_specific_key_wins),
	        T(test_keys_end_at_borders),
	        T(test_all_names_of_the_hub),
	        T(test_files_in_their_order),
	        T(test_entries_of_all_kinds),
	        T(test_damaged_files_are_told_without_their_content),
	        T(test_a_named_file_must_be_there),
	        T(test_storing_keeps_the_rest),
	        T(test_storing_makes_file_and_directory),
	        T(test_a_link_stays_a_link),
	        T(test_unreadable_files_are_not_replaced),
	        T(test_names_hold_no_colon),
	        T(test_erasing),
	        T(test_helpers_keep_credentials),
	        T(test_a_store_for_everything),
	        T(test_helpers_of_registries_conf),
	        T(test_storing_at_once),
	        T(test_forgetting_all_of_a_store),
	        T(test_identity_tokens_of_helpers),
	        T(test_helper_names_are_no_paths),
	        T(test_helpers_are_not_found_in_the_working_directory),
	        T(test_helper_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
