/* Which member of an index is taken. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "registry/client/platform.h"

/* An index of these platforms; "-" says none, a "!" before it makes it an attestation, "?" another kind of
 * document. */
static struct oci_index index_of(struct descriptor *list, const char *const *texts)
{
	struct oci_index index = {.entries = list};

	for (; *texts; texts++) {
		struct descriptor *d = &list[index.n++];
		char *save = NULL, *text = strdup(*texts), *at = text;
		*d = (struct descriptor){.media_type = strdup(*at == '?' ? "text/plain" : MEDIA_OCI_MANIFEST),
		        .about_another = *at == '!'};
		at += *at == '!' || *at == '?';
		if (*at != '-') {
			char *os = strtok_r(at, "/", &save), *arch = strtok_r(NULL, "/", &save),
			     *variant = strtok_r(NULL, "/", &save);
			d->os = strdup(os);
			d->architecture = strdup(arch);
			d->variant = variant ? strdup(variant) : NULL;
		}
		free(text);
	}
	return index;
}

/* Which one is chosen for `platform`: its place, or -1. */
static int chosen(const char *platform, bool asked, const char *const *texts, struct err *e)
{
	struct descriptor list[16];
	struct platform p;
	struct oci_index index = index_of(list, texts);

	assert_int_equal(platform_parse(platform, &p, NULL), 0);
	p.asked = asked;
	const struct descriptor *d = platform_choose(&index, &p, "x", e);
	int place = d ? (int)(d - list) : -1;
	for (size_t i = 0; i < index.n; i++)
		descriptor_free(&list[i]);
	return place;
}
#define CHOSEN(platform, ...)          chosen(platform, true, (const char *const[]){__VA_ARGS__, NULL}, NULL)
#define CHOSEN_FOR_HOST(platform, ...) chosen(platform, false, (const char *const[]){__VA_ARGS__, NULL}, NULL)

static void texts_are_read(void **state)
{
	static const char *const good[][2] = {{"linux/amd64", "linux/amd64"}, {"amd64", "linux/amd64"},
	        {"linux/x86_64", "linux/amd64"}, {"linux/aarch64", "linux/arm64"},
	        {"linux/arm64/v8", "linux/arm64"}, {"linux/arm", "linux/arm/v7"},
	        {"linux/arm/6", "linux/arm/v6"}, {"armhf", "linux/arm/v7"},
	        {"windows/amd64", "windows/amd64"}, {"linux/amd64/v1", "linux/amd64"}};
	static const char *const bad[] = {"", "/", "linux/", "/amd64", "linux/arm/v7/x", "linux//v7", "a b",
	        "linux/am\033d64", "linux/0123456789012345678901234567890123456789"};
	struct platform p;
	char text[PLATFORM_TEXT_SIZE];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(platform_parse(good[i][0], &p, NULL), 0);
		assert_string_equal(platform_text(&p, text), good[i][1]);
		assert_true(p.asked);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(platform_parse(bad[i], &p, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
	}
	assert_int_equal(platform_parse(NULL, &p, NULL), 0);
	assert_string_equal(p.os, "linux");
	assert_string_equal(p.architecture, host_architecture());
	assert_false(p.asked);
}

static void the_right_one_is_taken(void **state)
{
	(void)state;
	assert_int_equal(CHOSEN("linux/amd64", "linux/arm64", "linux/amd64", "linux/amd64"), 1);
	assert_int_equal(CHOSEN("linux/arm64", "linux/arm/v7", "linux/arm64/v8"), 1);
	assert_int_equal(CHOSEN("linux/amd64", "windows/amd64", "darwin/amd64"), -1);
	/* amd64/v3 needs a processor that nobody promised */
	assert_int_equal(CHOSEN("linux/amd64", "linux/amd64/v3", "linux/amd64"), 1);
	assert_int_equal(CHOSEN("linux/amd64", "linux/amd64/v3"), -1);
	assert_int_equal(CHOSEN("linux/amd64/v3", "linux/amd64", "linux/amd64/v2", "linux/amd64/v4"), 1);
}

static void older_variants_of_arm_run_too(void **state)
{
	(void)state;
	assert_int_equal(CHOSEN("linux/arm/v7", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7"), 2);
	assert_int_equal(CHOSEN("linux/arm/v7", "linux/arm/v5", "linux/arm/v6"), 1);
	assert_int_equal(CHOSEN("linux/arm/v6", "linux/arm/v7", "linux/arm/v5"), 1);
	assert_int_equal(CHOSEN("linux/arm/v6", "linux/arm"), -1); /* without a variant: v7 */
	assert_int_equal(CHOSEN("linux/arm", "linux/arm/v8"), -1);
}

static void a_64_bit_host_takes_32_bits_unless_asked_otherwise(void **state)
{
	(void)state;
	assert_int_equal(CHOSEN_FOR_HOST("linux/amd64", "linux/386", "linux/arm64"), 0);
	assert_int_equal(CHOSEN_FOR_HOST("linux/amd64", "linux/386", "linux/amd64"), 1);
	assert_int_equal(CHOSEN("linux/amd64", "linux/386", "linux/arm64"), -1);
	assert_int_equal(CHOSEN_FOR_HOST("linux/arm64", "linux/arm/v6", "linux/arm/v7"), 1);
	assert_int_equal(CHOSEN("linux/arm64", "linux/arm/v7"), -1);
}

static void attestations_and_foreign_documents_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(CHOSEN("linux/amd64", "!linux/amd64", "unknown/unknown", "linux/amd64"), 2);
	assert_int_equal(CHOSEN("linux/amd64", "?linux/amd64", "unknown/unknown"), -1);
	/* one that says nothing is taken when it is the only one of its kind */
	assert_int_equal(CHOSEN("linux/amd64", "unknown/unknown", "-"), 1);
	assert_int_equal(CHOSEN("linux/amd64", "linux/arm64", "-"), 1);
	assert_int_equal(CHOSEN("linux/amd64", "-", "-"), -1);
}

static void the_error_lists_what_there_is(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	static const char *const some[] = {"linux/arm/v7", "!linux/amd64", "windows/amd64", NULL};
	assert_int_equal(chosen("linux/riscv64", true, some, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_string_equal(e.msg,
	        "x is not there for linux/riscv64; choose with --platform: linux/arm/v7, windows/amd64");
	static const char *const none[] = {"unknown/unknown", NULL};
	assert_int_equal(chosen("linux/amd64", true, none, &e), -1);
	assert_string_equal(e.msg, "x is an index without any image");
}

static void a_config_is_compared_by_the_same_rules(void **state)
{
	struct platform p;
	struct image_config c = {
	        .os = (char[]){"linux"}, .architecture = (char[]){"arm"}, .variant = (char[]){"v6"}};

	(void)state;
	assert_int_equal(platform_parse("linux/arm/v7", &p, NULL), 0);
	assert_true(platform_fits(&p, &c));
	assert_int_equal(platform_parse("linux/amd64", &p, NULL), 0);
	assert_false(platform_fits(&p, &c));
	c.os = NULL;
	assert_false(platform_fits(&p, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(texts_are_read),
	        cmocka_unit_test(the_right_one_is_taken),
	        cmocka_unit_test(older_variants_of_arm_run_too),
	        cmocka_unit_test(a_64_bit_host_takes_32_bits_unless_asked_otherwise),
	        cmocka_unit_test(attestations_and_foreign_documents_are_passed_over),
	        cmocka_unit_test(the_error_lists_what_there_is),
	        cmocka_unit_test(a_config_is_compared_by_the_same_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
