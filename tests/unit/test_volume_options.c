/* What --opt of a volume may say, and what it says of one that is on record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "tests/unit/store_box.h"

static void good(const char *const *options, struct volume_record *r)
{
	struct err e = ERR_INIT;

	*r = (struct volume_record){0};
	if (volume_options_parse((char *const *)options, r, &e) != 0)
		fail_msg("%s", e.msg);
}

static void options_make_a_kind(void **state)
{
	struct volume_record r;

	(void)state;
	good(NULL, &r);
	assert_int_equal(r.kind, VOLUME_DIRECTORY);
	assert_int_equal(r.quota, 0);
	volume_record_free(&r);
	good((const char *const[]){"size=1.5g", NULL}, &r);
	assert_int_equal(r.kind, VOLUME_DIRECTORY);
	assert_int_equal(r.quota, 3ull << 29);
	volume_record_free(&r);
	good((const char *const[]){"type=tmpfs", "device=tmpfs", "o=size=1.5m,mode=700,uid=7,noexec", NULL},
	        &r);
	assert_int_equal(r.kind, VOLUME_TMPFS);
	assert_true(strv_has(r.mount_options, "size=1572864"));
	assert_true(strv_has(r.mount_options, "mode=700"));
	assert_true(strv_has(r.mount_options, "uid=7"));
	assert_true(strv_has(r.mount_options, "noexec"));
	volume_record_free(&r);
	good((const char *const[]){"type=none", "o=bind,ro", "device=/srv", NULL}, &r);
	assert_int_equal(r.kind, VOLUME_BIND);
	assert_string_equal(r.device, "/srv");
	assert_true(r.read_only);
	volume_record_free(&r);
}

static void wrong_options_are_quoted(void **state)
{
	static const struct {
		const char *options[4], *says;
	} cases[] = {
	        {{"typ=tmpfs"}, "\"typ\"; did you mean type?"},
	        {{"colour=red"}, "unknown volume option \"colour\""},
	        {{"size"}, "\"size\" needs a value, as in size=10g"},
	        {{"size=much"}, "much"},
	        {{"size=0"}, "size=0 holds nothing"},
	        {{"type=nfs", "device=:/x", "o=addr=1.2.3.4"}, "volume type \"nfs\" is not in Tare"},
	        {{"type=none"}, "add o=bind and device=/PATH"},
	        {{"type=none", "o=bind"}, "add device=/PATH"},
	        {{"type=none", "o=bind", "device=srv"}, "add device=/PATH"},
	        {{"type=none", "o=bind,rw,sync", "device=/srv"}, "unknown option \"sync\""},
	        {{"type=none", "o=bind", "device=/srv", "size=1g"},
	                "size= limits a directory that Tare makes"},
	        {{"type=tmpfs", "o=mode=9"}, "unknown option \"mode=9\""},
	        {{"type=tmpfs", "o=nonsense"}, "unknown option \"nonsense\""},
	        {{"o=size=64m"}, "o= needs a type"},
	        {{"device=/srv"}, "device= needs a type"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct volume_record r = {0};
		struct err e = ERR_INIT;
		char *options[5] = {NULL};

		memcpy(options, cases[i].options, sizeof cases[i].options);
		assert_int_equal(volume_options_parse(options, &r, &e), -1);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("%s\nsays nothing of %s", e.msg, cases[i].says);
		volume_record_free(&r);
	}
}

static void what_was_asked_is_on_record(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	char name[VOLUME_NAME_MAX], *options[] = {"type=none", "o=bind", "device=/srv", NULL};
	cleanup_json json *labels = json_object_new_object();
	const struct tare_volume_create how = {.name = "www", .labels = labels, .options = options};
	const struct tare_volume_create other = {.name = "www", .options = (char *[]){"type=tmpfs", NULL}};
	const struct tare_volume_create bare = {.name = "www"};
	cleanup_volume_record struct volume_record r = {0};
	struct err e = ERR_INIT;

	json_set_str(labels, "stage", "test");
	assert_int_equal(volume_make(s, &how, name, NULL), 0);
	assert_int_equal(volume_make(s, &how, name, NULL), 0);
	assert_int_equal(volume_make(s, &bare, name, NULL), 0);
	assert_int_equal(volume_make(s, &other, name, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(volume_record_read(s, "www", &r, NULL), 0);
	assert_int_equal(r.kind, VOLUME_BIND);
	assert_string_equal(json_str(r.labels, "stage", ""), "test");
	volume_record_free(&r);
	assert_int_equal(volume_record_read(s, "nosuch", &r, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void damaged_records_are_told_of(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	static const char *const texts[] = {"", "{", "[]", "{\"options\": {\"type\": \"floppy\"}}"};
	char name[VOLUME_NAME_MAX];
	const struct tare_volume_create how = {.name = "v"};
	struct err e = ERR_INIT;

	assert_int_equal(volume_make(s, &how, name, NULL), 0);
	cleanup_fd int dir = openat(s->volumes_fd, "v", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct volume_record r;
		assert_int_equal(file_write_at(dir, "volume.json", texts[i], strlen(texts[i]), 0600,
		                         FILE_NO_SYNC, NULL),
		        0);
		assert_int_equal(volume_record_read(s, "v", &r, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		volume_record_free(&r);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_box_setup, store_box_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(options_make_a_kind),
	        cmocka_unit_test(wrong_options_are_quoted),
	        T(what_was_asked_is_on_record),
	        T(damaged_records_are_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
