/* Manifests, indexes and image configs: strict reading, and writing what was read. */
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
#include "engine/oci/image_change.h"
#include "engine/oci/image_config.h"
#include "engine/oci/manifest.h"

#define HEX64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D      "\"digest\":\"sha256:" HEX64 "\",\"size\":5"
#define CONFIG "\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\"," D "}"
#define LAYER  "{\"mediaType\":\"" MEDIA_OCI_LAYER_GZIP "\"," D "}"

static int parse(const char *text, const char *outer, struct manifest *m, struct err *e)
{
	return manifest_parse(text, strlen(text), outer, m, e);
}

static void test_manifest_round_trip(void **state)
{
	static const char text[] = "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," CONFIG
	                           ",\"layers\":[" LAYER "," LAYER "],\"annotations\":{\"a\":\"b\"}}";
	cleanup_manifest struct manifest m = MANIFEST_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	(void)state;
	if (parse(text, MEDIA_OCI_MANIFEST, &m, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(m.n_layers, 2);
	assert_int_equal(m.layers[1].size, 5);
	assert_string_equal(m.layers[1].digest.hex, HEX64);
	cleanup_json json *j = manifest_to_json(&m);
	json_print(&b, j, JSON_COMPACT);
	assert_string_equal(buf_str(&b), text);
}

static void test_manifest_refusals(void **state)
{
	static const struct {
		const char *text, *outer, *why;
	} rows[] = {
	        {"{}", NULL, "schemaVersion"},
	        {"[]", NULL, "schemaVersion"},
	        {"{\"schemaVersion\":1," CONFIG ",\"layers\":[]}", NULL, "schemaVersion"},
	        {"{\"schemaVersion\":2,\"mediaType\":\"text/plain\"," CONFIG ",\"layers\":[]}", NULL,
	                "not supported"},
	        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[]}", MEDIA_OCI_INDEX, "not supported"},
	        {"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," CONFIG ",\"layers\":[]}",
	                MEDIA_DOCKER_MANIFEST, "its descriptor"},
	        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}", NULL,
	                "both manifests and layers"},
	        {"{\"schemaVersion\":2,\"layers\":[]}", NULL, "descriptor is missing"},
	        {"{\"schemaVersion\":2," CONFIG "}", NULL, "\"layers\" is missing"},
	        {"{\"schemaVersion\":2," CONFIG ",\"layers\":{}}", NULL, "not a list"},
	        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[null]}", NULL, "descriptor is missing"},
	        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x/y\"," D "}]}", NULL,
	                "media type"},
	        {"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x/y\"," D "},\"layers\":[]}", NULL,
	                "not a container image"},
	        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"sha256:" HEX64
	         "\",\"size\":-5}]}",
	                NULL, "size"},
	        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"sha256:" HEX64
	         "\",\"size\":\"5\"}]}",
	                NULL, "size"},
	        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"sha256:../x\",\"size\":5}]}",
	                NULL, "not a digest"},
	        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[]} trailing", NULL, "line 1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct manifest m;
		struct err e = ERR_INIT;
		if (parse(rows[i].text, rows[i].outer, &m, &e) == 0)
			fail_msg("accepted: %s", rows[i].text);
		if (!strstr(e.msg, rows[i].why))
			fail_msg("\"%s\" does not say \"%s\"", e.msg, rows[i].why);
		assert_null(m.layers);
	}
}

static void test_manifest_bounds(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct manifest m;
	struct err e = ERR_INIT;
	(void)state;
	buf_str_add(&b, "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER);
	for (int i = 1; i < MANIFEST_MAX_LAYERS; i++)
		buf_str_add(&b, "," LAYER);
	size_t fits = b.len;
	buf_str_add(&b, "]}");
	assert_int_equal(manifest_parse(b.data, b.len, NULL, &m, &e), 0);
	manifest_free(&m);
	b.len = fits;
	buf_str_add(&b, "," LAYER "]}");
	assert_int_equal(manifest_parse(b.data, b.len, NULL, &m, &e), -1);
	assert_non_null(strstr(e.msg, "more than the limit of 512"));
	char *huge = calloc(1, MANIFEST_MAX_BYTES + 2);
	memset(huge, ' ', MANIFEST_MAX_BYTES + 1);
	assert_int_equal(manifest_parse(huge, MANIFEST_MAX_BYTES + 1, NULL, &m, &e), -1);
	assert_non_null(strstr(e.msg, "more than the limit"));
	free(huge);
}

static void test_index_picks_this_machine(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	struct err e = ERR_INIT;
	(void)state;
	buf_printf(&b,
	        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," D
	        ",\"platform\":{\"os\":\"linux\",\"architecture\":\"pdp11\"}},{\"mediaType\":"
	        "\"" MEDIA_OCI_MANIFEST "\"," D ",\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"},"
	        "\"annotations\":{\"" ANNOTATION_REF_NAME "\":\"a:b\"}}]}",
	        host_architecture());
	if (oci_index_parse(b.data, b.len, &idx, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(idx.n, 2);
	assert_ptr_equal(oci_index_for_host(&idx), &idx.entries[1]);
	assert_string_equal(idx.entries[1].ref_name, "a:b");
	static const char both[] = "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}";
	struct oci_index none;
	assert_int_equal(oci_index_parse(both, strlen(both), &none, &e), -1);
}

static void test_config_round_trip(void **state)
{
	static const char text[] = "{\"created\":\"2026-01-02T03:04:05.000000006Z\",\"author\":\"me\","
	                           "\"architecture\":\"arm64\",\"os\":\"linux\","
	                           "\"variant\":\"v8\",\"config\":{\"User\":\"1:2\",\"ExposedPorts\":{\"80/"
	                           "tcp\":{}},\"Env\":[\"A=b\"],"
	                           "\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\",\"d\"],\"Shell\":[\"/bin/"
	                           "bash\",\"-c\"],\"Volumes\":{\"/v\":{}},"
	                           "\"WorkingDir\":\"/"
	                           "w\",\"Labels\":{\"k\":\"v\"},\"Healthcheck\":{\"Test\":[\"NONE\"]},"
	                           "\"StopSignal\":\"SIGINT\"},"
	                           "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX64
	                           "\"]},\"history\":[{\"comment\":\"x\"}]}";
	cleanup_image_config struct image_config c = IMAGE_CONFIG_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	(void)state;
	if (image_config_parse(text, strlen(text), &c, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(c.created, 1767323045000000006);
	assert_string_equal(c.user, "1:2");
	assert_string_equal(c.cmd[1], "d");
	assert_int_equal(c.n_diff_ids, 1);
	cleanup_json json *j = image_config_to_json(&c);
	json_print(&b, j, JSON_COMPACT);
	assert_string_equal(buf_str(&b), text);
}

static void test_config_of_little(void **state)
{
	static const char text[] =
	        "{\"created\":\"0001-01-01T00:00:00Z\",\"config\":{\"Env\":null,\"Cmd\":null,\"User\":\"\"},"
	        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}";
	static const char ago[] = "{\"created\":\"10m\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null}}";
	struct image_config c;
	struct err e = ERR_INIT;
	(void)state;
	assert_int_equal(image_config_parse(text, strlen(text), &c, &e), 0);
	assert_int_equal(c.created, 0);
	assert_string_equal(c.user, "");
	assert_null(c.env);
	image_config_free(&c);
	assert_int_equal(image_config_parse(ago, strlen(ago), &c, &e), 0);
	assert_int_equal(c.created, 0);
	image_config_free(&c);
}

static void test_config_refusals(void **state)
{
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}"
	static const char *const bad[] = {
	        "null",
	        "[]",
	        "{}",
	        "{\"rootfs\":{\"type\":\"x\",\"diff_ids\":[]}}",
	        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":{}}}",
	        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:x\"]}}",
	        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[null]}}",
	        "{\"config\":{\"User\":5}," ROOTFS "}",
	        "{\"config\":{\"User\":\"a\\u0000b\"}," ROOTFS "}",
	        "{\"config\":{\"Env\":\"A=b\"}," ROOTFS "}",
	        "{\"config\":{\"Env\":[\"A\\u0000\"]}," ROOTFS "}",
	        "{\"config\":{\"Cmd\":[[]]}," ROOTFS "}",
	        "{\"config\":{\"Volumes\":[\"/x\"]}," ROOTFS "}",
	        "{\"os\":[]," ROOTFS "}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct image_config c;
		struct err e = ERR_INIT;
		if (image_config_parse(bad[i], strlen(bad[i]), &c, &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_null(c.diff_ids);
	}
}

static void change(struct image_config *c, const char *text)
{
	struct err e = ERR_INIT;
	if (image_config_change(c, text, &e) < 0)
		fail_msg("%s", e.msg);
}

static void test_changes(void **state)
{
	cleanup_image_config struct image_config c = IMAGE_CONFIG_INIT;
	(void)state;
	change(&c, "CMD [\"a b\", \"c\"]");
	assert_string_equal(c.cmd[0], "a b");
	assert_int_equal(strv_len(c.cmd), 2);
	change(&c, "cmd echo $HOME");
	assert_string_equal(c.cmd[0], "/bin/sh");
	assert_string_equal(c.cmd[2], "echo $HOME");
	change(&c, "SHELL [\"/bin/bash\", \"-lc\"]");
	change(&c, "ENTRYPOINT run me");
	assert_string_equal(c.entrypoint[1], "-lc");
	change(&c, "ENV A=1 B='two words' C=th\\ ree D=\"q\\\"q\"");
	change(&c, "ENV A=2");
	change(&c, "ENV OLD form of it");
	assert_int_equal(strv_len(c.env), 5);
	assert_string_equal(c.env[0], "A=2");
	assert_string_equal(c.env[1], "B=two words");
	assert_string_equal(c.env[2], "C=th ree");
	assert_string_equal(c.env[3], "D=q\"q");
	assert_string_equal(c.env[4], "OLD=form of it");
	change(&c, "EXPOSE 80 53/udp 80");
	assert_int_equal(strv_len(c.exposed_ports), 2);
	assert_string_equal(c.exposed_ports[0], "80/tcp");
	change(&c, "LABEL x=y");
	assert_string_equal(json_str(c.labels, "x", ""), "y");
	change(&c, "USER www");
	change(&c, "VOLUME [\"/a\"]");
	change(&c, "VOLUME /b /a");
	assert_int_equal(strv_len(c.volumes), 2);
	change(&c, "WORKDIR /w");
	change(&c, "WORKDIR x");
	assert_string_equal(c.workdir, "/w/x");
	change(&c, "STOPSIGNAL SIGQUIT");
	assert_string_equal(c.stop_signal, "SIGQUIT");
}

static void test_bad_changes(void **state)
{
	static const char *const bad[] = {"", "RUN x", "CMD", "ENV", "ENV =x", "ENV A=1 B", "ENV A",
	        "EXPOSE 0", "EXPOSE 70000", "EXPOSE 80/x", "EXPOSE x", "USER a b", "VOLUME relative",
	        "STOPSIGNAL SIGNO", "SHELL bash", "SHELL []", "CMDX a"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cleanup_image_config struct image_config c = IMAGE_CONFIG_INIT;
		struct err e = ERR_INIT;
		if (image_config_change(&c, bad[i], &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_manifest_round_trip),
	        cmocka_unit_test(test_manifest_refusals),
	        cmocka_unit_test(test_manifest_bounds),
	        cmocka_unit_test(test_index_picks_this_machine),
	        cmocka_unit_test(test_config_round_trip),
	        cmocka_unit_test(test_config_of_little),
	        cmocka_unit_test(test_config_refusals),
	        cmocka_unit_test(test_changes),
	        cmocka_unit_test(test_bad_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
