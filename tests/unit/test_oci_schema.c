/* The vectors of image-spec itself, as Debian packages them (golang-github-opencontainers-image-spec-dev):
 * every document that its schema tests accept or refuse. They are Go sources, in which a document is a raw
 * string between backquotes and the "fail: true" behind it says that it must be refused. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/oci/schema.h"

#define VECTORS "/usr/share/gocode/src/github.com/opencontainers/image-spec/schema/"

static bool is_valid(enum schema_document kind, const char *text, size_t len, struct err *e)
{
	cleanup_json json *document = json_parse(text, len, "vector", e);

	return document && schema_check(kind, document, e) == 0;
}

/* The Go field before the backquote names the kind in the file that has several. */
static enum schema_document kind_of(const char *file, const char *text, const char *quote)
{
	static const struct {
		const char *word;
		enum schema_document kind;
	} kinds[] = {{"descriptor", SCHEMA_DESCRIPTOR}, {"imageindex", SCHEMA_INDEX},
	        {"imageIndex", SCHEMA_INDEX}, {"imagelayout", SCHEMA_LAYOUT}, {"imageLayout", SCHEMA_LAYOUT},
	        {"manifest", SCHEMA_MANIFEST}, {"config", SCHEMA_CONFIG}};
	const char *line = quote;

	while (line > text && line[-1] != '\n')
		line--;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strncmp(file, kinds[i].word, strlen(kinds[i].word)) == 0)
			return kinds[i].kind;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *found = strstr(line, kinds[i].word);
		if (found && found < quote)
			return kinds[i].kind;
	}
	fail_msg("%s: a vector of no known kind", file);
	return SCHEMA_DESCRIPTOR;
}

static unsigned run_file(const char *file)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char path[256];
	unsigned n = 0;

	snprintf(path, sizeof(path), VECTORS "%s", file);
	if (file_read_at(AT_FDCWD, path, &b, &e) < 0)
		fail_msg("%s; install golang-github-opencontainers-image-spec-dev", e.msg);
	for (char *at = b.data, *open; (open = strchr(at, '`'));) {
		char *close = strchr(open + 1, '`');
		assert_non_null(close);
		const char *next = strchr(close + 1, '`'), *verdict = strstr(close, "fail:");
		bool must_fail = verdict && (!next || verdict < next) &&
		                 strncmp(verdict + 5 + strspn(verdict + 5, " "), "true", 4) == 0;
		e = (struct err)ERR_INIT;
		bool valid = is_valid(kind_of(file, b.data, open), open + 1, (size_t)(close - open - 1), &e);
		if (valid == must_fail)
			fail_msg("%s, vector %u %s: %s\n%.*s", file, n,
			        must_fail ? "was accepted" : "was refused", e.msg, (int)(close - open - 1),
			        open + 1);
		n++;
		at = close + 1;
	}
	return n;
}

static void the_specs_own_vectors(void **state)
{
	static const struct {
		const char *file;
		unsigned vectors;
	} files[] = {{"descriptor_test.go", 25}, {"manifest_test.go", 8}, {"imageindex_test.go", 9},
	        {"config_test.go", 10}, {"imagelayout_test.go", 2}, {"backwards_compatibility_test.go", 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		assert_int_equal(run_file(files[i].file), files[i].vectors);
}

/* The examples of the spec's text stand between fences that say what they are:
 * ```json,title=…&mediatype=application/vnd.oci.image.manifest.v1%2Bjson */
static unsigned run_examples(const char *file)
{
	static const struct {
		const char *type;
		enum schema_document kind;
	} kinds[] = {{"vnd.oci.descriptor", SCHEMA_DESCRIPTOR}, {"vnd.oci.image.index", SCHEMA_INDEX},
	        {"vnd.oci.image.manifest", SCHEMA_MANIFEST}, {"vnd.oci.image.config", SCHEMA_CONFIG},
	        {"vnd.oci.layout.header", SCHEMA_LAYOUT}};
	cleanup_buf struct buf b = BUF_INIT;
	char path[256];
	unsigned n = 0;

	snprintf(path, sizeof(path), VECTORS "../%s", file);
	assert_int_equal(file_read_at(AT_FDCWD, path, &b, NULL), 0);
	for (char *at = b.data, *open; (open = strstr(at, "mediatype=application/"));) {
		char *text = strchr(open, '\n'), *close = strstr(text, "```");
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			struct err e = ERR_INIT;
			if (strncmp(open + 22, kinds[i].type, strlen(kinds[i].type)) != 0)
				continue;
			if (!is_valid(kinds[i].kind, text, (size_t)(close - text), &e))
				fail_msg("%s: %s: %.*s", file, e.msg, (int)(close - text), text);
			n++;
		}
		at = close + 3;
	}
	return n;
}

static void the_specs_own_examples(void **state)
{
	static const char *const files[] = {
	        "descriptor.md", "manifest.md", "image-index.md", "config.md", "image-layout.md"};
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		n += run_examples(files[i]);
	assert_int_equal(n, 9);
}

static void errors_name_the_member(void **state)
{
	static const char text[] =
	        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"x:y\"},"
	        "\"layers\":[{\"mediaType\":\"a/b\",\"size\":\"1\",\"digest\":\"x:y\"}]}";
	struct err e = ERR_INIT;

	(void)state;
	assert_false(is_valid(SCHEMA_MANIFEST, text, strlen(text), &e));
	assert_string_equal(e.msg, "layers: [0]: size: must be a whole number");
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static void a_manifest_without_layers_is_an_artifact(void **state)
{
	static const char text[] = "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"a/"
	                           "b\",\"size\":1,\"digest\":\"x:y\"},\"layers\":[]}";
	struct err e = ERR_INIT;

	(void)state;
	assert_false(is_valid(SCHEMA_MANIFEST, text, strlen(text), &e));
	assert_true(is_valid(SCHEMA_ARTIFACT, text, strlen(text), &e));
}

static void digests_by_their_grammar(void **state)
{
	static const struct {
		const char *digest;
		bool ok;
	} cases[] = {
	        {"multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", true},
	        {"sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564", true},
	        {"sha256:ABCD", false},
	        {"sha256:", false},
	        {":abc", false},
	        {"a+:abc", false},
	        {"a..b:abc", false},
	        {"a:b c", false},
	        {"nothing", false},
	};
	char text[256];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int len = snprintf(text, sizeof(text), "{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"%s\"}",
		        cases[i].digest);
		if (is_valid(SCHEMA_DESCRIPTOR, text, (size_t)len, &e) != cases[i].ok)
			fail_msg("%s", cases[i].digest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_specs_own_vectors),
	        cmocka_unit_test(the_specs_own_examples),
	        cmocka_unit_test(errors_name_the_member),
	        cmocka_unit_test(a_manifest_without_layers_is_an_artifact),
	        cmocka_unit_test(digests_by_their_grammar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
