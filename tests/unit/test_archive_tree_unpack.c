/* Unpack tree: what the hooks of who unpacks see and change. */
#include "tests/unit/tree_tape.h"

struct seen {
	char text[2048]; /* of each entry: "path(data)\n", with what happened */
	char path[64];
};

static void tell(struct seen *s, const char *what, size_t len)
{
	size_t at = strlen(s->text);
	snprintf(s->text + at, sizeof(s->text) - at, "%.*s", (int)len, what);
}

static int see_data(void *arg, const struct tree_entry *entry, const void *data, size_t len, struct err *e)
{
	(void)entry;
	(void)e;
	tell(arg, data, len);
	return 0;
}

static int see_done(void *arg, const struct tree_entry *entry, struct err *e)
{
	(void)e;
	tell(arg, "|", 1);
	tell(arg, entry->path, strlen(entry->path));
	tell(arg, "\n", 1);
	return 0;
}

/* "skip" is left out, "list" only read, what is in "sub" comes to "new", and of the rest nothing changes. */
static int choose(void *arg, struct tree_entry *entry, struct err *e)
{
	struct seen *s = arg;
	if (strcmp(entry->path, "bad") == 0)
		return err_set(e, ERR_CONFLICT, "not this one");
	if (strncmp(entry->path, "skip", 4) == 0)
		return UNPACK_LEAVE;
	if (strcmp(entry->path, "list") == 0)
		return UNPACK_READ;
	if (strncmp(entry->path, "sub/", 4) == 0) {
		snprintf(s->path, sizeof(s->path), "new/%s", entry->path + 4);
		entry->path = s->path;
		entry->uid = 42;
	}
	return UNPACK_MAKE;
}

static void begin(struct tape *t, void **state, struct seen *s)
{
	tape_begin(t, state);
	t->options.entry = choose;
	t->options.data = see_data;
	t->options.done = see_done;
	t->options.arg = s;
}

static void test_hooks(void **state)
{
	struct seen s = {.text = ""};
	struct tape t;
	begin(&t, state, &s);
	tape_add(&t, '0', "./plain", "", "1");
	tape_add(&t, '0', "skip", "", "2");
	tape_add(&t, '5', "skip-dir/", "", "");
	tape_add(&t, '0', "./sub//in", "", "3");
	tape_add(&t, '0', "list", "", "4");
	tape_add(&t, '2', "link", "plain", "");
	if (tape_play(&t) < 0)
		fail_msg("%s", t.e.msg);
	assert_string_equal(s.text, "1|plain\n3|new/in\n4|list\n|link\n");
	assert_string_equal(tape_content(t.box, "new/in"), "3");
	assert_int_equal(tree_box_look(t.box->out, "new/in").st_uid, 42);
	assert_int_equal(tree_box_count(t.box->out), 3);
	assert_int_equal(t.result.bytes, 3);
}

static void test_a_hook_can_say_no(void **state)
{
	struct seen s = {.text = ""};
	struct tape t;
	begin(&t, state, &s);
	tape_add(&t, '0', "good", "", "1");
	tape_add(&t, '0', "bad", "", "2");
	assert_int_equal(tape_play(&t), -1);
	assert_int_equal(t.e.kind, ERR_CONFLICT);
	assert_string_equal(s.text, "1|good\n");
	assert_false(tree_box_there(t.box->out, "bad"));
}

/* A hook's path is as foreign as the archive's. */
static int lead_out(void *arg, struct tree_entry *entry, struct err *e)
{
	(void)arg;
	(void)e;
	entry->path = "../outside/secret";
	return UNPACK_MAKE;
}

static void test_changed_paths_are_checked(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	t.options.entry = lead_out;
	tape_add(&t, '0', "good", "", "1");
	assert_int_equal(tape_play(&t), -1);
	assert_int_equal(t.e.kind, ERR_CORRUPT);
}

/* Of a sparse file the data are its pieces, whether it is made or only read. */
static void test_sparse(void **state)
{
	for (int read_only = 0; read_only < 2; read_only++) {
		struct seen s = {.text = ""};
		struct tape t;
		begin(&t, state, &s);
		cleanup_buf struct buf body = BUF_INIT, records = BUF_INIT;
		tar_writer_record(&records, "GNU.sparse.major", "1", 1);
		tar_writer_record(&records, "GNU.sparse.minor", "0", 1);
		tar_writer_record(
		        &records, "GNU.sparse.name", read_only ? "list" : "holes", read_only ? 4 : 5);
		tar_writer_record(&records, "GNU.sparse.realsize", "3000000", 7);
		buf_printf(&body, "2\n1000000\n3\n2000000\n2\n");
		while (body.len < 512)
			buf_char(&body, '\0');
		buf_str_add(&body, "abcde");
		const struct tar_member m = {.type = '0',
		        .path = "x",
		        .link = "",
		        .mode = 0644,
		        .size = body.len,
		        .more = &records};
		assert_int_equal(tar_writer_begin(&t.pack.tar, &m, NULL), 0);
		assert_int_equal(tar_writer_data(&t.pack.tar, body.data, body.len, NULL), 0);
		assert_int_equal(tar_writer_end(&t.pack.tar, NULL), 0);
		if (tape_play(&t) < 0)
			fail_msg("%s", t.e.msg);
		assert_string_equal(s.text, read_only ? "abcde|list\n" : "abcde|holes\n");
		if (!read_only) {
			assert_int_equal(tree_box_look(t.box->out, "holes").st_size, 3000000);
			assert_true(tree_box_look(t.box->out, "holes").st_blocks <= 16);
		}
		tree_box_down(state);
		tree_box_up(state);
	}
}

int main(void)
{
	umask(022);
#define TEST(f) cmocka_unit_test_setup_teardown(f, tree_box_up, tree_box_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_hooks),
	        TEST(test_a_hook_can_say_no),
	        TEST(test_changed_paths_are_checked),
	        TEST(test_sparse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
