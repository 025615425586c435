/* registries.conf, certs.d and hosts.toml: from a name to the servers that may have it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "registry/client/registries.h"

struct box {
	char dir[64];
	struct registries *r;
};

static int setup(void **state)
{
	struct box *b = calloc(1, sizeof *b);
	cleanup_free char *home = NULL, *etc = NULL;
	assert_non_null(b);
	strcpy(b->dir, "/tmp/tare-unit.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	home = str_printf("%s/home", b->dir);
	etc = str_printf("%s/etc", b->dir);
	setenv("HOME", home, 1);
	setenv("TARE_ETC", etc, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("CONTAINERS_REGISTRIES_CONF");
	log_set_level(LOG_LEVEL_ERROR);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct box *b = *state;
	registries_free(b->r);
	remove_tree_at(AT_FDCWD, b->dir);
	free(b);
	return 0;
}

/* Writes a file and the directories above it. */
static void put(const struct box *b, const char *name, const char *text)
{
	cleanup_free char *path = str_printf("%s/%s", b->dir, name), *dir = strdup(path);
	FILE *f;
	*strrchr(dir, '/') = '\0';
	assert_int_equal(mkdir_all(dir, 0755), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void conf(const struct box *b, const char *text)
{
	put(b, "etc/containers/registries.conf", text);
}

static void load(struct box *b)
{
	struct err e = ERR_INIT;
	registries_free(b->r);
	b->r = registries_load(NULL, &e);
	if (!b->r)
		fail_msg("%s", e.msg);
}

/* The error of a file that is refused. */
static const char *refusal(struct box *b, const char *text)
{
	static char msg[1100];
	struct err e = ERR_INIT;
	conf(b, text);
	if (registries_load(NULL, &e))
		fail_msg("taken: %s", text);
	snprintf(msg, sizeof msg, "%s", e.msg);
	return msg;
}

/* "HOST[API]/REPOSITORY?ns flags, …": m mirror, p plain http, h http only, u unverified, d/t digest/tag only
 */
static const char *route(struct box *b, const char *domain, const char *repository)
{
	static char text[2048];
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_route struct registry_route way = REGISTRY_ROUTE_INIT;
	struct err e = ERR_INIT;
	if (registries_route(b->r, domain, repository, &way, &e) < 0)
		buf_printf(&out, "%s", e.msg);
	for (size_t i = 0; i < way.n; i++) {
		const struct registry_endpoint *p = &way.list[i];
		buf_printf(&out, "%s%s%s/%s", i ? ", " : "", p->host, p->api_path, p->repository);
		if (p->ns)
			buf_printf(&out, "?%s", p->ns);
		buf_printf(&out, " %s%s%s%s%s", p->mirror ? "m" : "", p->plain_http ? "p" : "",
		        p->http_only ? "h" : "", p->unverified ? "u" : "",
		        p->pulls == ENDPOINT_PULLS_DIGEST ? "d"
		        : p->pulls == ENDPOINT_PULLS_TAG  ? "t"
		                                          : "");
	}
	snprintf(text, sizeof text, "%s", buf_str(&out));
	return text;
}

static const char *names(struct box *b, const char *name)
{
	static char text[2048];
	cleanup_strv char **list = NULL;
	struct err e = ERR_INIT;
	text[0] = '\0';
	if (registries_names(b->r, name, &list, &e) < 0)
		snprintf(text, sizeof text, "error: %s", e.msg);
	strv_foreach (n, list)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] ? " " : "", *n);
	return text;
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_without_files(void **state)
{
	struct box *b = *state;
	cleanup_strv char **search = NULL;
	struct err e = ERR_INIT;
	load(b);
	assert_string_equal(route(b, "docker.io", "library/alpine"), "registry-1.docker.io/library/alpine ");
	assert_string_equal(route(b, "quay.io", "a/b"), "quay.io/a/b ");
	assert_string_equal(route(b, "localhost:5000", "a"), "localhost:5000/a pu");
	assert_string_equal(route(b, "[::1]:5000", "a"), "[::1]:5000/a pu");
	assert_string_equal(names(b, "alpine"), "docker.io/library/alpine:latest");
	assert_string_equal(names(b, "me/app:1"), "docker.io/me/app:1");
	assert_string_equal(names(b, "quay.io/a"), "quay.io/a:latest");
	assert_string_equal(names(b, "x:1@sha256:" HEX64), "docker.io/library/x:1@sha256:" HEX64);
	assert_non_null(strstr(names(b, "Bad:Name:"), "error"));
	assert_int_equal(registries_search(b->r, &search, &e), 0);
	assert_string_equal(search[0], "docker.io");
	assert_null(search[1]);
}

static void test_loopback_is_only_loopback(void **state)
{
	static const char *const yes[] = {"localhost", "localhost:5000", "LOCALHOST", "reg.localhost",
	        "reg.localhost:1", "127.0.0.1", "127.0.0.1:5000", "127.9.8.7", "[::1]", "[::1]:5000",
	        "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]"};
	static const char *const no[] = {"localhost.example.com", "notlocalhost", "127.0.0.1.example.com",
	        "128.0.0.1", "127.1", "0127.0.0.1", "2130706433", "0.0.0.0", "[::]", "[::2]", "[fe80::1]",
	        "::1", "[::1", "localhost.", ".localhost", "", "127.0.0.1x:5", "10.0.0.1", "docker.io"};
	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		if (!registry_is_loopback(yes[i]))
			fail_msg("%s", yes[i]);
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (registry_is_loopback(no[i]))
			fail_msg("%s", no[i]);
}

/* The example of containers-registries.conf(5). */
static void test_the_example_of_the_manual(void **state)
{
	struct box *b = *state;
	conf(b, "unqualified-search-registries = [\"example.com\"]\n"
	        "[[registry]]\nprefix = \"example.com/foo\"\ninsecure = false\nblocked = false\n"
	        "location = \"internal-registry-for-example.com/bar\"\n"
	        "[[registry.mirror]]\nlocation = \"example-mirror-0.local/mirror-for-foo\"\n"
	        "[[registry.mirror]]\nlocation = \"example-mirror-1.local/mirrors/foo\"\ninsecure = true\n"
	        "[[registry]]\nlocation = \"registry.com\"\n"
	        "[[registry.mirror]]\nlocation = \"mirror.registry.com\"\n");
	load(b);
	assert_string_equal(route(b, "example.com", "foo/image"),
	        "example-mirror-0.local/mirror-for-foo/image m, example-mirror-1.local/mirrors/foo/image "
	        "mpu, "
	        "internal-registry-for-example.com/bar/image ");
	assert_string_equal(
	        route(b, "registry.com", "image"), "mirror.registry.com/image m, registry.com/image ");
	assert_string_equal(route(b, "example.com", "other"), "example.com/other ");
	assert_string_equal(names(b, "image"), "example.com/image:latest");
}

static void test_prefixes_end_at_borders(void **state)
{
	struct box *b = *state;
	conf(b, "[[registry]]\nprefix = \"example.com\"\nlocation = \"a.io\"\n"
	        "[[registry]]\nprefix = \"example.com/ns\"\nlocation = \"b.io/x\"\n"
	        "[[registry]]\nprefix = \"example.com/ns/repo\"\nlocation = \"c.io/y/z\"\n"
	        "[[registry]]\nprefix = \"other.com:5000\"\nlocation = \"d.io\"\n");
	load(b);
	assert_string_equal(route(b, "example.com", "x"), "a.io/x ");
	assert_string_equal(route(b, "example.com", "ns/r"), "b.io/x/r ");
	assert_string_equal(route(b, "example.com", "ns/repo"), "c.io/y/z ");
	assert_string_equal(route(b, "example.com", "ns/repo/more"), "c.io/y/z/more ");
	assert_string_equal(route(b, "example.com", "ns/repository"), "b.io/x/repository ");
	assert_string_equal(route(b, "example.com", "nss/r"), "a.io/nss/r ");
	assert_string_equal(route(b, "example.com:5000", "x"), "example.com:5000/x ");
	assert_string_equal(route(b, "example.com.evil.org", "x"), "example.com.evil.org/x ");
	assert_string_equal(route(b, "other.com", "x"), "other.com/x ");
	assert_string_equal(route(b, "other.com:5000", "x"), "d.io/x ");
	assert_string_equal(route(b, "other.com:50001", "x"), "other.com:50001/x ");
}

static void test_wildcards(void **state)
{
	struct box *b = *state;
	conf(b, "[[registry]]\nprefix = \"*.example.com\"\ninsecure = true\n"
	        "[[registry]]\nprefix = \"*.a.example.com\"\nlocation = \"m.io/x\"\n"
	        "[[registry]]\nprefix = \"*.evil.org\"\nblocked = true\n");
	load(b);
	assert_string_equal(route(b, "b.example.com", "r"), "b.example.com/r pu");
	assert_string_equal(route(b, "c.b.example.com", "r"), "c.b.example.com/r pu");
	assert_string_equal(route(b, "b.a.example.com", "r/s"), "m.io/x/r/s ");
	assert_string_equal(route(b, "example.com", "r"), "example.com/r ");
	assert_string_equal(route(b, "notexample.com", "r"), "notexample.com/r ");
	assert_string_equal(route(b, "x.io", "b.example.com/r"), "x.io/b.example.com/r ");
	assert_non_null(strstr(route(b, "A.EVIL.ORG", "r"), "is blocked by"));
	assert_non_null(strstr(refusal(b, "[[registry]]\nprefix='*.a.io/x'\n"), ":2: "));
	assert_non_null(strstr(refusal(b, "[[registry]]\nprefix='a.*.io'\n"), ":2: "));
	assert_non_null(strstr(refusal(b, "[[registry]]\nprefix='*.*.io'\n"), ":2: "));
}

static void test_blocked(void **state)
{
	struct box *b = *state;
	struct registry_route way = REGISTRY_ROUTE_INIT;
	struct err e = ERR_INIT;
	conf(b, "[[registry]]\nprefix = \"docker.io/library\"\nblocked = true\n");
	load(b);
	assert_int_equal(registries_route(b->r, "docker.io", "library/alpine", &way, &e), -1);
	assert_int_equal(e.kind, ERR_PERMISSION);
	assert_non_null(strstr(e.msg, "registries.conf:1"));
	assert_int_equal(way.n, 0);
	assert_string_equal(route(b, "docker.io", "me/app"), "registry-1.docker.io/me/app ");
}

static void test_mirrors_of_the_hub(void **state)
{
	struct box *b = *state;
	conf(b, "[[registry]]\nprefix = \"docker.io\"\nlocation = \"docker.io/\"\n"
	        "[[registry.mirror]]\nlocation = \"localhost:5000/hub\"\npull-from-mirror = \"tag-only\"\n"
	        "[[registry.mirror]]\nlocation = \"m.io\"\npull-from-mirror = \"digest-only\"\n"
	        "[[registry.mirror]]\nlocation = \"n.io\"\npull-from-mirror = \"all\"\n"
	        "[[registry]]\nprefix = \"q.io\"\nmirror-by-digest-only = true\n"
	        "[[registry.mirror]]\nlocation = \"m.io\"\n"
	        "[[registry]]\nprefix = \"w.io\"\nlocation = \"docker.io\"\n");
	load(b);
	assert_string_equal(route(b, "docker.io", "library/alpine"),
	        "localhost:5000/hub/library/alpine mput, m.io/library/alpine md, n.io/library/alpine m, "
	        "registry-1.docker.io/library/alpine ");
	assert_string_equal(route(b, "q.io", "x"), "m.io/x md, q.io/x ");
	assert_string_equal(route(b, "w.io", "x"), "registry-1.docker.io/library/x ");
}

static void test_files_take_each_others_place(void **state)
{
	struct box *b = *state;
	struct err e = ERR_INIT;
	cleanup_free char *named = str_printf("%s/named.conf", b->dir);
	conf(b, "unqualified-search-registries = ['host.io']\n[aliases]\na='host.io/a'\n"
	        "[[registry]]\nprefix='x.io'\nlocation='host.io'\n");
	load(b);
	assert_string_equal(names(b, "b"), "host.io/b:latest");
	assert_string_equal(route(b, "x.io", "r"), "host.io/r ");
	put(b, "etc/containers/registries.conf.d/50-b.conf",
	        "[[registry]]\nprefix='x.io'\nlocation='fifty.io'\n");
	put(b, "etc/containers/registries.conf.d/10-a.conf",
	        "[aliases]\na='ten.io/a'\nb='ten.io/b'\n[[registry]]\nprefix='x.io'\nlocation='ten.io'\n");
	put(b, "etc/containers/registries.conf.d/ignored.txt", "not = toml = at all");
	load(b);
	assert_string_equal(route(b, "x.io", "r"), "fifty.io/r ");
	assert_string_equal(names(b, "a:1"), "ten.io/a:1");
	assert_string_equal(names(b, "c"), "host.io/c:latest");
	put(b, "home/.config/containers/registries.conf", "unqualified-search-registries = ['own.io']\n");
	load(b);
	assert_string_equal(names(b, "c"), "own.io/c:latest"); /* instead of the host's */
	assert_string_equal(route(b, "x.io", "r"), "fifty.io/r ");
	put(b, "home/.config/containers/registries.conf.d/1.conf", "[aliases]\na=''\nb='own.io/b'\n");
	load(b);
	assert_string_equal(names(b, "a"), "own.io/a:latest"); /* erased */
	assert_string_equal(names(b, "b"), "own.io/b:latest");
	put(b, "named.conf", "unqualified-search-registries = ['named.io']\n");
	setenv("CONTAINERS_REGISTRIES_CONF", named, 1);
	load(b);
	assert_string_equal(names(b, "c"), "named.io/c:latest");
	unlink(named);
	assert_null(registries_load(NULL, &e));
	assert_non_null(strstr(e.msg, "CONTAINERS_REGISTRIES_CONF"));
}

static void test_short_names(void **state)
{
	struct box *b = *state;
	conf(b, "unqualified-search-registries = ['a.io', 'docker.io', 'localhost:5000']\n"
	        "[aliases]\nalpine = 'docker.io/library/alpine'\n'ubi8/ubi' = 'r.io/ubi8'\n");
	load(b);
	assert_string_equal(names(b, "alpine:3@sha256:" HEX64), "docker.io/library/alpine:3@sha256:" HEX64);
	assert_string_equal(names(b, "ubi8/ubi"), "r.io/ubi8:latest");
	assert_string_equal(names(b, "ubi8"),
	        "a.io/ubi8:latest docker.io/library/ubi8:latest localhost:5000/ubi8:latest");
	assert_string_equal(names(b, "docker.io/ubi8"), "docker.io/library/ubi8:latest");
	assert_string_equal(names(b, "localhost/x"), "localhost/x:latest");
	assert_string_equal(names(b, "[::1]:5000/x"), "[::1]:5000/x:latest");
	conf(b, "unqualified-search-registries = ['a.io', 'b.io']\nshort-name-mode = 'enforcing'\n");
	load(b);
	assert_non_null(strstr(names(b, "x:1"), "write one of a.io/x, b.io/x"));
	conf(b, "unqualified-search-registries = ['a.io']\nshort-name-mode = 'enforcing'\n");
	load(b);
	assert_string_equal(names(b, "x"), "a.io/x:latest");
	conf(b, "unqualified-search-registries = []\n");
	load(b);
	assert_non_null(strstr(names(b, "x"), "docker.io/x"));
	assert_non_null(strstr(names(b, "x"), "error"));
}

static void test_what_is_wrong_is_told_by_line(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {{"\nx = [", ":2: "}, {"[[registry]]\ninsecure = true", ":1: a registry needs a prefix"},
	        {"[[registry]]\nprefix='a.io'\ninsecure='yes'",
	                ":3: insecure is a string, but a truth value"},
	        {"[[registry]]\nlocation='https://a.io'", ":2: \"https://a.io\" is a URL"},
	        {"[[registry]]\nlocation='nodot'", ":2: \"nodot\" is no registry"},
	        {"[[registry]]\nprefix='a.io/x:tag'", ":2: "}, {"[[registry]]\nprefix='a.io/X'", ":2: "},
	        {"[[registry]]\nprefix='a.io'\n[[registry.mirror]]\ninsecure=true", ":3: a mirror needs"},
	        {"[[registry]]\nprefix='a.io'\n[[registry.mirror]]\nlocation='b.io'\npull-from-mirror='no'",
	                ":5: pull-from-mirror"},
	        {"[[registry]]\nprefix='a.io'\nmirror-by-digest-only=true\n[[registry.mirror]]\n"
	         "location='b.io'\npull-from-mirror='all'",
	                ":6: pull-from-mirror cannot"},
	        {"[[registry]]\nprefix='a.io'\n[[registry]]\nprefix='a.io'", ":3: there is a [[registry]]"},
	        {"short-name-mode='x'", ":1: short-name-mode"},
	        {"short-name-mode=1", ":1: short-name-mode is"}, {"[aliases]\na='b'", ":2: the alias"},
	        {"[aliases]\na='b.io/c:tag'", ":2: the alias"}, {"[aliases]\na=1", ":2: the alias"},
	        {"unqualified-search-registries=['https://a']", ":1: "},
	        {"unqualified-search-registries=[1]", ":1: a list of strings"},
	        {"registry = 1", ":1: registry is an integer"},
	        {"registry = [1]", ":1: a registry is a table"},
	        {"[registries.search]\nregistries=['a']", "version 1"},
	        {"[registries.insecure]\nregistries=['a']", "version 1"}};
	struct box *b = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *msg = refusal(b, rows[i].text);
		if (!strstr(msg, rows[i].why) || !strstr(msg, "registries.conf"))
			fail_msg("%s: %s", rows[i].text, msg);
	}
}

/* What goes to standard error while the files are read. */
static char *warnings(struct box *b, const char *text)
{
	cleanup_free char *path = str_printf("%s/stderr", b->dir);
	int old = dup(2), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	static char said[4096];
	conf(b, text);
	log_set_level(LOG_LEVEL_WARN);
	dup2(fd, 2);
	load(b);
	dup2(old, 2);
	log_set_level(LOG_LEVEL_ERROR);
	said[pread(fd, said, sizeof said - 1, 0)] = '\0';
	close(fd);
	close(old);
	return said;
}

static void test_unknown_keys_are_told(void **state)
{
	struct box *b = *state;
	char **helpers;
	struct err e = ERR_INIT;
	const char *said = warnings(
	        b, "[[registry]]\nprefix='a.io'\n[[registry.mirror]]\nlocation='b.io'\nblocked=true\n");
	assert_non_null(strstr(
	        said, "registries.conf:5: blocked is ignored: it stands under [[registry.mirror]] (line 3)"));
	assert_non_null(strstr(said, "go above its first [[registry.mirror]]"));
	assert_string_equal(route(b, "a.io", "x"), "b.io/x m, a.io/x "); /* not blocked */
	said = warnings(b, "[[registry]]\nprefix='a.io'\npull-from-mirror='all'\n");
	assert_non_null(strstr(said, ":3: pull-from-mirror is ignored"));
	said = warnings(b, "typo = 1\n[[registry]]\nprefix='a.io'\ninsecured=true\n");
	assert_non_null(strstr(said, ":1: unknown key \"typo\""));
	assert_non_null(strstr(said, ":4: unknown key \"insecured\""));
	log_set_level(LOG_LEVEL_WARN);
	assert_string_equal(warnings(b, "credential-helpers = ['x']\n"), "");
	assert_int_equal(registries_helpers(&helpers, &e), 0);
	assert_string_equal(helpers[0], "x");
	strv_free(helpers);
}

static const char *tls(struct box *b, const char *domain)
{
	static char text[2048];
	cleanup_route struct registry_route way = REGISTRY_ROUTE_INIT;
	struct err e = ERR_INIT;
	if (registries_route(b->r, domain, "x", &way, &e) < 0)
		snprintf(text, sizeof text, "error: %s", e.msg);
	else
		snprintf(text, sizeof text, "%s %s %s", way.list[0].ca_file ? way.list[0].ca_file : "-",
		        way.list[0].cert_file ? way.list[0].cert_file : "-",
		        way.list[0].key_file ? way.list[0].key_file : "-");
	return text;
}

static void test_certificates(void **state)
{
	struct box *b = *state;
	cleanup_free char *want = NULL, *dir = str_printf("%s/given", b->dir);
	struct err e = ERR_INIT;
	char got[64] = "";
	FILE *f;
	put(b, "etc/docker/certs.d/a.io:5000/ca.crt", "docker");
	load(b);
	assert_string_equal(tls(b, "a.io"), "- - -");
	assert_non_null(strstr(tls(b, "a.io:5000"), "etc/docker/certs.d/a.io:5000/ca.crt - -"));
	put(b, "etc/containers/certs.d/a.io:5000/client.cert", "c");
	put(b, "etc/containers/certs.d/a.io:5000/client.key", "k");
	want = str_printf("- %s/etc/containers/certs.d/a.io:5000/client.cert "
	                  "%s/etc/containers/certs.d/a.io:5000/client.key",
	        b->dir, b->dir);
	assert_string_equal(tls(b, "a.io:5000"), want); /* the first directory is the only one */
	put(b, "home/.config/containers/certs.d/a.io:5000/x.key", "k");
	assert_non_null(strstr(tls(b, "a.io:5000"), "x.key has no x.cert beside it"));
	put(b, "etc/tare/certs.d/a.io:5000/1.crt", "one");
	put(b, "etc/tare/certs.d/a.io:5000/2.crt", "two");
	assert_non_null(strstr(tls(b, "a.io:5000"), "/proc/self/fd/"));
	{
		cleanup_route struct registry_route way = REGISTRY_ROUTE_INIT;
		assert_int_equal(registries_route(b->r, "a.io:5000", "x", &way, &e), 0);
		f = fopen(way.list[0].ca_file, "r");
		assert_non_null(f);
		got[fread(got, 1, sizeof got - 1, f)] = '\0';
		fclose(f);
		assert_string_equal(got, "one\ntwo\n");
	}
	put(b, "etc/containers/certs.d/docker.io/hub.crt", "h");
	assert_non_null(strstr(tls(b, "docker.io"), "hub.crt"));
	put(b, "given/own.crt", "x");
	registries_free(b->r);
	b->r = registries_load(dir, &e);
	assert_non_null(strstr(tls(b, "a.io:5000"), "given/own.crt"));
}

static void test_hosts_toml(void **state)
{
	struct box *b = *state;
	put(b, "etc/containerd/certs.d/docker.io/hosts.toml",
	        "server = \"https://registry-1.docker.io\"\n"
	        "[host.\"https://cache.io:5000\"]\ncapabilities = [\"pull\", \"resolve\"]\nskip_verify = "
	        "true\n"
	        "[host.\"http://plain.io/proxy\"]\ncapabilities = [\"pull\"]\n"
	        "[host.\"https://api.io/x/v2/\"]\noverride_path = true\nca = [\"ca.pem\"]\n"
	        "client = [[\"/c.pem\", \"/k.pem\"]]\n"
	        "[host.\"https://push.io\"]\ncapabilities = [\"push\"]\n");
	load(b);
	assert_string_equal(route(b, "docker.io", "library/a"),
	        "cache.io:5000/library/a?docker.io mu, plain.io/proxy/library/a?docker.io mphd, "
	        "api.io/x/library/a?docker.io m, registry-1.docker.io/library/a ");
	put(b, "etc/containerd/certs.d/q.io_5000_/hosts.toml", "[host.'https://m.io']\n");
	assert_string_equal(route(b, "q.io:5000", "a"), "m.io/a?q.io:5000 m, q.io:5000/a ");
	put(b, "etc/containerd/certs.d/_default/hosts.toml", "[host.'https://all.io']\n");
	assert_string_equal(route(b, "z.io", "a"), "all.io/a?z.io m, z.io/a ");
	put(b, "etc/tare/certs.d/z.io/hosts.toml", "skip_verify = true\n");
	assert_string_equal(route(b, "z.io", "a"), "z.io/a u");
	conf(b, "[[registry]]\nprefix='docker.io'\n"); /* speaks first */
	load(b);
	assert_string_equal(route(b, "docker.io", "library/a"), "registry-1.docker.io/library/a ");
}

static void test_hosts_toml_that_is_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {{"server = 1", ":1: server"}, {"[host.'https://m.io/../x']\n", ":1: "},
	        {"[host.'https://m.io?x']\n", ":1: "}, {"[host.'https://u@m.io']\n", ":1: "},
	        {"[host.'ftp://m.io']\n", ":1: "}, {"[host.'https://m.io/a']\noverride_path=true", "/v2"},
	        {"[host.'https://m.io']\ncapabilities='pull'", ":2: "},
	        {"[host.'https://m.io']\nskip_verify=1", ":2: "}, {"host=1", ":1: "}, {"x", ":1: "},
	        {"[host.'https://m.io']\nca=1", ":2: "}, {"[host.'https://m.io']\nclient=[[1]]", ":2: "},
	        {"[host.'https://m.io:123456']\n", ":1: "}, {"[host.'https://[::1']\n", ":1: "}};
	struct box *b = *state;
	load(b);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		put(b, "etc/tare/certs.d/a.io/hosts.toml", rows[i].text);
		if (!strstr(route(b, "a.io", "x"), rows[i].why) ||
		        !strstr(route(b, "a.io", "x"), "hosts.toml:"))
			fail_msg("%s: %s", rows[i].text, route(b, "a.io", "x"));
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(test_without_files),
	        T(test_loopback_is_only_loopback),
	        T(test_the_example_of_the_manual),
	        T(test_prefixes_end_at_borders),
	        T(test_wildcards),
	        T(test_blocked),
	        T(test_mirrors_of_the_hub),
	        T(test_files_take_each_others_place),
	        T(test_short_names),
	        T(test_what_is_wrong_is_told_by_line),
	        T(test_unknown_keys_are_told),
	        T(test_certificates),
	        T(test_hosts_toml),
	        T(test_hosts_toml_that_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
