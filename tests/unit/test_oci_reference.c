/* Digests and references: what is accepted, what it becomes, and that nothing else gets through. */
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
#include "engine/oci/digest.h"
#include "engine/oci/reference.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_digest_accepts_only_what_it_should(void **state)
{
	static const char *const bad[] = {"", "sha256", "sha256:", HEX64, "sha256:" HEX64 "0",
	        "sha256:0" HEX64, "sha256:../../../../../../../../../../../../../../../../../../../../../x",
	        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "md5:" HEX64,
	        "sha512:" HEX64, "SHA256:" HEX64, " sha256:" HEX64, "sha256:" HEX64 "\n", "sha256::" HEX64};
	struct digest d;
	struct err e = ERR_INIT;
	char text[DIGEST_TEXT_SIZE];
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(digest_parse(bad[i], &d, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_false(digest_is_set(&d));
	}
	assert_int_equal(digest_parse(NULL, &d, &e), -1);
	assert_int_equal(digest_parse("sha256:" HEX64, &d, &e), 0);
	assert_string_equal(digest_text(&d, text), "sha256:" HEX64);
	assert_string_equal(digest_path(&d, text), "sha256/" HEX64);
	assert_int_equal(digest_parse("sha512:" HEX64 HEX64, &d, &e), 0);
	assert_string_equal(digest_text(&d, text), "sha512:" HEX64 HEX64);
}

static void test_digest_equality_needs_the_algorithm(void **state)
{
	struct digest a, b;
	(void)state;
	assert_true(digest_read("sha256:" HEX64, &a));
	b = a;
	assert_true(digest_equal(&a, &b));
	strcpy(b.alg, "sha512");
	assert_false(digest_equal(&a, &b));
	b = a;
	b.hex[63] = '0';
	assert_false(digest_equal(&a, &b));
}

static void test_references_are_normalised(void **state)
{
	static const struct {
		const char *text, *full, *familiar;
	} rows[] = {
	        {"busybox", "docker.io/library/busybox:latest", "busybox:latest"},
	        {"busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"},
	        {"docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
	        {"index.docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
	        {"library/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
	        {"me/app", "docker.io/me/app:latest", "me/app:latest"},
	        {"docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
	        {"localhost/x", "localhost/x:latest", "localhost/x:latest"},
	        {"localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x:y"},
	        {"127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest", "127.0.0.1:5000/a/b/c:latest"},
	        {"[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"},
	        {"Upper/x", "Upper/x:latest", "Upper/x:latest"},
	        {"quay.io/a.b/c_d/e__f/g--h:v1.2_3-4", "quay.io/a.b/c_d/e__f/g--h:v1.2_3-4",
	                "quay.io/a.b/c_d/e__f/g--h:v1.2_3-4"},
	        {"x@sha256:" HEX64, "docker.io/library/x@sha256:" HEX64, "x@sha256:" HEX64},
	        {"x:t@sha256:" HEX64, "docker.io/library/x:t@sha256:" HEX64, "x:t@sha256:" HEX64},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		cleanup_reference struct reference r = REFERENCE_INIT;
		if (reference_parse(rows[i].text, &r, &e) < 0)
			fail_msg("%s: %s", rows[i].text, e.msg);
		cleanup_free char *full = reference_full(&r), *familiar = reference_familiar(&r);
		assert_string_equal(full, rows[i].full);
		assert_string_equal(familiar, rows[i].familiar);
		/* The normal form is a fixed point. */
		cleanup_reference struct reference again = REFERENCE_INIT;
		assert_int_equal(reference_parse(full, &again, &e), 0);
		cleanup_free char *same = reference_full(&again);
		assert_string_equal(same, full);
	}
}

static void test_bad_references_are_quoted(void **state)
{
	static const char *const bad[] = {"", ":tag", "UPPER", "a//b", "/a", "a/", "a:", "a:b:c", "../x",
	        "a/../b", "-a", "a-", "a..b", "a___b", "a b", "a\nb", "a:ta g", "a:-x", "a:.x", "a@",
	        "a@sha256:short", "a@md5:" HEX64, HEX64, "host:port/x", "host:123456/x", "-host.com/x",
	        "a.b-/x", "%n", "$(id)", "a@sha256:" HEX64 "@sha256:" HEX64, "ü", "a:ü"};
	char longest[400];
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;
		struct reference r;
		if (reference_parse(bad[i], &r, &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, "invalid image name \""));
		assert_null(r.path);
	}
	struct reference r;
	memset(longest, 'a', sizeof(longest));
	longest[256] = '\0';
	assert_int_equal(reference_parse(longest, &r, NULL), -1);
	snprintf(longest, sizeof(longest), "a:%0129d", 0);
	assert_int_equal(reference_parse(longest, &r, NULL), -1);
	snprintf(longest, sizeof(longest), "a:%0128d", 0);
	assert_int_equal(reference_parse(longest, &r, NULL), 0);
	reference_free(&r);
}

static void test_shortening_leaves_foreign_text_alone(void **state)
{
	(void)state;
	cleanup_free char *a = reference_shorten("docker.io/library/x:1"),
	                  *b = reference_shorten("not a name");
	assert_string_equal(a, "x:1");
	assert_string_equal(b, "not a name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_digest_accepts_only_what_it_should),
	        cmocka_unit_test(test_digest_equality_needs_the_algorithm),
	        cmocka_unit_test(test_references_are_normalised),
	        cmocka_unit_test(test_bad_references_are_quoted),
	        cmocka_unit_test(test_shortening_leaves_foreign_text_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
