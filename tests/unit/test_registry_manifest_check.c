/* The check of manifests: what two readers could see two documents in is refused, the rest is understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/manifest.h"
#include "registry/server/manifest_check.h"

#define HEX     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OTHER   "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" /* of {} */
#define BLOB(t) "{\"mediaType\":\"" t "\",\"digest\":\"sha256:" HEX "\",\"size\":0}"
#define CONFIG  "\"config\":" BLOB(MEDIA_OCI_CONFIG)
#define LAYERS  "\"layers\":[" BLOB(MEDIA_OCI_LAYER_GZIP) "]"
#define HEAD    "{\"schemaVersion\":2,"
#define GOOD    HEAD "\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," CONFIG "," LAYERS

static int check(const char *text, const char *type, struct manifest_facts *f)
{
	struct err e = ERR_INIT;
	int rc = manifest_check(text, strlen(text), type, f, &e);
	if (rc < 0) {
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_true(*e.msg);
	}
	return rc;
}

static void refused(const char *text, const char *type)
{
	struct manifest_facts f;
	if (check(text, type, &f) == 0)
		fail_msg("taken: %s", text);
	assert_null(f.children);
}

static void taken(const char *text, const char *type, struct manifest_facts *f)
{
	struct err e = ERR_INIT;
	if (manifest_check(text, strlen(text), type, f, &e) < 0)
		fail_msg("%s: %s", e.msg, text);
}

static void test_children(void **state)
{
	cleanup_manifest_facts struct manifest_facts f = MANIFEST_FACTS_INIT, i = MANIFEST_FACTS_INIT;
	(void)state;
	taken(GOOD "}", MEDIA_OCI_MANIFEST "; charset=utf-8", &f);
	assert_string_equal(f.media_type, MEDIA_OCI_MANIFEST);
	assert_false(f.index);
	assert_int_equal(f.n_children, 2);
	assert_string_equal(f.children[1].digest.hex, HEX);
	assert_false(f.children[1].may_miss || f.children[1].manifest || digest_is_set(&f.subject));
	assert_string_equal(f.artifact_type, MEDIA_OCI_CONFIG);
	taken(HEAD "\"manifests\":[" BLOB(MEDIA_OCI_MANIFEST) "]}", MEDIA_OCI_INDEX, &i);
	assert_true(i.index && i.n_children == 1 && i.children[0].manifest && !i.artifact_type);
}

static void test_types(void **state)
{
	struct manifest_facts f;
	(void)state;
	taken(HEAD CONFIG "," LAYERS "}", NULL, &f);
	assert_string_equal(f.media_type, MEDIA_OCI_MANIFEST);
	manifest_facts_free(&f);
	taken(HEAD CONFIG "," LAYERS "}", MEDIA_DOCKER_MANIFEST, &f);
	assert_string_equal(f.media_type, MEDIA_DOCKER_MANIFEST);
	manifest_facts_free(&f);
	taken(HEAD CONFIG "}", "application/json", &f);
	manifest_facts_free(&f);
	taken(HEAD "\"manifests\":[]}", NULL, &f);
	assert_string_equal(f.media_type, MEDIA_OCI_INDEX);
	manifest_facts_free(&f);
	refused(GOOD "}", MEDIA_OCI_INDEX);
	refused(GOOD "}", MEDIA_DOCKER_MANIFEST);
	refused(GOOD "}", "text/html");
	refused(HEAD "\"mediaType\":\"text/html\"," CONFIG "}", NULL);
	refused(HEAD "\"mediaType\":7," CONFIG "}", NULL);
	refused(HEAD CONFIG "}", MEDIA_OCI_INDEX);
	refused(HEAD "\"manifests\":[]}", MEDIA_OCI_MANIFEST);
}

static void test_two_documents_in_one(void **state)
{
	(void)state;
	refused(GOOD ",\"manifests\":[]}", NULL);
	refused(GOOD ",\"manifests\":[" BLOB(MEDIA_OCI_MANIFEST) "]}", MEDIA_OCI_MANIFEST);
	refused(HEAD LAYERS ",\"manifests\":[]}", MEDIA_OCI_INDEX);
	refused(HEAD CONFIG ",\"manifests\":[]}", MEDIA_OCI_INDEX);
	refused(GOOD ",\"Layers\":[]}", NULL);
	refused(GOOD ",\"MANIFESTS\":[]}", NULL);
	refused(GOOD ",\"layers\":[]}", NULL);
	refused(GOOD ",\"l\\u0061yers\":[]}", NULL);
	refused(GOOD ",\"annotations\":{\"a\":\"1\",\"a\":\"2\"}}", NULL);
	refused(GOOD ",\"x\":[{\"y\":{\"z\":1,\"w\":2,\"z\":3}}]}", NULL);
}

static void test_no_documents(void **state)
{
	(void)state;
	refused("", NULL);
	refused("[]", NULL);
	refused("{}", NULL);
	refused(GOOD, NULL);
	refused(GOOD "}x", NULL);
	refused("{\"schemaVersion\":1," CONFIG "}", NULL);
	refused("{" CONFIG "}", NULL);
	refused(HEAD LAYERS "}", NULL);
	refused(HEAD CONFIG ",\"layers\":{}}", NULL);
	refused(HEAD CONFIG ",\"layers\":[1]}", NULL);
	refused(HEAD CONFIG ",\"annotations\":[]}", NULL);
	refused(HEAD CONFIG ",\"subject\":{}}", NULL);
	refused(HEAD "\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"sha256:" HEX
	             "\",\"size\":-1}}",
	        NULL);
	refused(HEAD "\"config\":{\"mediaType\":\"no type\",\"digest\":\"sha256:" HEX "\",\"size\":1}}",
	        NULL);
	refused(HEAD "\"config\":{\"mediaType\":\"a/b\",\"digest\":\"sha256:../" HEX "\",\"size\":1}}", NULL);
	refused(GOOD ",\"x\":\"\xff\"}", NULL);
	refused(GOOD ",\"\xc0\xaf\":1}", NULL);
}

#define TYPED(more) "{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX "\",\"size\":0" more "}"
static void test_shape(void **state)
{
	struct manifest_facts f;
	(void)state;
	taken(HEAD CONFIG ",\"layers\":null,\"annotations\":null,\"subject\":null,\"artifactType\":\"\"}",
	        NULL, &f);
	assert_int_equal(f.n_children, 1);
	manifest_facts_free(&f);
	taken(HEAD "\"manifests\":[" TYPED(",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\"}") "]}",
	        NULL, &f);
	manifest_facts_free(&f);
	refused(HEAD CONFIG ",\"annotations\":{\"a\":1}}", NULL);
	refused(HEAD "\"config\":" TYPED(",\"annotations\":[]") "}", NULL);
	refused(HEAD "\"config\":" TYPED(",\"urls\":[1]") "}", NULL);
	refused(HEAD CONFIG ",\"artifactType\":\"no type\"}", NULL);
	refused(HEAD CONFIG ",\"artifactType\":7}", NULL);
	refused(HEAD CONFIG ",\"layers\":[" TYPED(",\"artifactType\":\"x\"") "]}", NULL);
	refused(HEAD "\"manifests\":[" TYPED(",\"platform\":{\"os\":\"linux\"}") "]}", NULL);
	refused(HEAD "\"manifests\":[" TYPED(",\"platform\":\"linux\"") "]}", NULL);
}

#define DATA(size, text)                                                                                     \
	HEAD "\"config\":{\"mediaType\":\"a/b\",\"digest\":\"sha256:" OTHER "\",\"size\":" size              \
	     ",\"data\":" text "}}"
static void test_what_may_miss(void **state)
{
	struct manifest_facts f;
	(void)state;
	taken(HEAD CONFIG
	        ",\"layers\":[" BLOB("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip") "]}",
	        NULL, &f);
	assert_true(f.children[1].may_miss && !f.children[0].may_miss);
	manifest_facts_free(&f);
	taken(DATA("2", "\"e30=\""), NULL, &f);
	assert_true(f.children[0].may_miss);
	manifest_facts_free(&f);
	refused(DATA("3", "\"e30=\""), NULL);
	refused(DATA("2", "\"e3x=\""), NULL);
	refused(DATA("2", "\"e30\""), NULL);
	refused(DATA("2", "\"====\""), NULL);
	refused(DATA("2", "\"\""), NULL);
	refused(DATA("2", "7"), NULL);
}

static void test_subject(void **state)
{
	cleanup_manifest_facts struct manifest_facts f = MANIFEST_FACTS_INIT;
	(void)state;
	taken(GOOD ",\"artifactType\":\"x/y\",\"annotations\":{\"k\":\"v\"},\"subject\":" BLOB(
	              MEDIA_OCI_MANIFEST) "}",
	        NULL, &f);
	assert_string_equal(f.subject.hex, HEX);
	assert_string_equal(f.artifact_type, "x/y");
	assert_string_equal(json_str(f.annotations, "k", ""), "v");
}

static bool has(const char *text)
{
	return json_has_duplicates(text, strlen(text));
}

static void test_duplicates(void **state)
{
	cleanup_buf struct buf deep = BUF_INIT;
	(void)state;
	assert_false(has("{}"));
	assert_false(has("{\"a\":\"a\",\"b\":[\"a\",\"a\"],\"c\":{\"a\":1}}"));
	assert_false(has("{\"a\":[{\"a\":1},{\"a\":1}],\"aa\":1,\"\":1}"));
	assert_false(has("{\"a\\\"\":1,\"a\":2}"));
	assert_true(has("{\"a\":1,\"b\":2,\"a\":3}"));
	assert_true(has("{\"a\" :1,\"a\"\t:3}"));
	assert_true(has("{\"\":1,\"\":3}"));
	assert_true(has("{\"\\u00e4\":1,\"\xc3\xa4\":3}"));
	for (int i = 0; i < 100; i++)
		buf_str_add(&deep, "{\"a\":");
	assert_true(has(deep.data));
}

/* A hundred thousand names are sorted, not compared each with each. */
static void test_many_names(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	(void)state;
	buf_char(&b, '{');
	for (int i = 0; i < 300000; i++)
		buf_printf(&b, "%s\"k%d\":1", i ? "," : "", i);
	assert_false(json_has_duplicates(b.data, b.len));
	buf_str_add(&b, ",\"k77777\":1}");
	assert_true(json_has_duplicates(b.data, b.len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_children),
	        cmocka_unit_test(test_types),
	        cmocka_unit_test(test_two_documents_in_one),
	        cmocka_unit_test(test_no_documents),
	        cmocka_unit_test(test_shape),
	        cmocka_unit_test(test_what_may_miss),
	        cmocka_unit_test(test_subject),
	        cmocka_unit_test(test_duplicates),
	        cmocka_unit_test(test_many_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
