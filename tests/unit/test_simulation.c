/* The simulated engine: the same for every process that looks, whatever the journal holds. */
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

#include "base/err.h"
#include "base/file.h"
#include "engine/simulation.h"
#include "tests/unit/simulation_box.h"

static int setup_running(void **state)
{
	return set_up_at(state, NULL);
}

static int setup_held(void **state)
{
	return set_up_at(state, "77");
}

static enum tare_state state_of(struct tare_engine *t, const char *ref)
{
	struct tare_container c = look(t, ref);
	enum tare_state state = c.state;

	tare_container_free(&c);
	return state;
}

/* ------------------------------------------------------------------ the table */

static void every_function_is_there(void **state)
{
	struct fixture *f = *state;
	const struct tare_engine *t = f->a;
	void *const *p = (void *const *)t;

	for (size_t i = 0; i < sizeof(*t) / sizeof(void *); i++)
		if (!p[i] && &p[i] != (void *const *)&t->security) /* real containers only */
			fail_msg("function number %zu of the table is missing", i);
}

/* ------------------------------------------------------------------ the same for everybody */

static void rows_are_equal(const struct tare_container *x, const struct tare_container *y)
{
	assert_string_equal(x->id, y->id);
	assert_string_equal(x->name, y->name);
	assert_int_equal(x->state, y->state);
	assert_int_equal(x->started, y->started);
	assert_int_equal(x->finished, y->finished);
	assert_int_equal(x->pid, y->pid);
}

static void a_held_clock_shows_the_same_each_time(void **state)
{
	struct fixture *f = *state;
	struct tare_container_list x, y;
	struct tare_stats sx, sy;

	assert_int_equal(f->a->now(f->a), SIM_EPOCH + 77 * SIM_SECOND);
	assert_int_equal(f->a->list(f->a, true, &x, NULL), 0);
	usleep(20000);
	assert_int_equal(f->b->list(f->b, true, &y, NULL), 0);
	assert_int_equal(x.n, 14);
	assert_int_equal(y.n, 14);
	for (size_t i = 0; i < x.n; i++) {
		const char *id = x.rows[i].id;

		rows_are_equal(&x.rows[i], &y.rows[i]);
		assert_int_equal(f->a->sample(f->a, &id, 1, &sx, NULL), 0);
		assert_int_equal(f->b->sample(f->b, &id, 1, &sy, NULL), 0);
		assert_memory_equal(&sx, &sy, sizeof(sx));
		assert_true((sx.time != 0) ==
		            (x.rows[i].state == TARE_RUNNING || x.rows[i].state == TARE_PAUSED));
	}
	tare_container_list_free(&x);
	tare_container_list_free(&y);
}

static char *read_log(struct tare_engine *t, const char *ref)
{
	struct tare_log *l;
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	if (t->log_open(t, ref, &l, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(l->n, 1);
	lseek(l->files[0], 0, SEEK_SET);
	assert_int_equal(read_to_buf(l->files[0], &b), 0);
	t->log_close(t, l);
	return buf_take(&b);
}

/* "2026-01-31T10:00:00.123456789Z stdout F text\n", never going back. */
static void check_records(const char *log)
{
	char before[32] = "";
	size_t n = 0;

	for (const char *line = log; *line; n++) {
		const char *end = strchr(line, '\n');

		assert_non_null(end);
		assert_true(end - line >= 39);
		assert_memory_equal(line + 29, "Z std", 5);
		assert_true(memcmp(line + 34, "out F ", 6) == 0 || memcmp(line + 34, "err F ", 6) == 0);
		assert_true(strncmp(before, line, 30) <= 0);
		memcpy(before, line, 30);
		line = end + 1;
	}
	assert_true(n > 20);
}

static void logs_are_the_same_and_well_formed(void **state)
{
	static const char *const names[] = {"shop-web", "shop-api", "shop-worker", "shop-db", "shop-mailer",
	        "thumbnailer", "search-index", "build-agent", "odd-one"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		cleanup_free char *x = read_log(f->a, names[i]), *y = read_log(f->b, names[i]);

		assert_string_equal(x, y);
		check_records(x);
	}
}

static void nothing_is_due_while_the_clock_is_held(void **state)
{
	struct fixture *f = *state;
	struct tare_watch *w;

	assert_int_equal(f->a->watch_open(f->a, &w, NULL), 0);
	assert_int_equal(w->fd, -1);
	assert_int_equal(w->due, INT64_MAX);
	assert_int_equal(f->a->watch_drain(f->a, w, NULL, NULL, NULL), 0);
	assert_int_equal(w->due, INT64_MAX);
	f->a->watch_close(f->a, w);
}

/* What was opened early and drained is what is opened late. */
static void a_drained_log_is_the_log(void **state)
{
	struct fixture *f = *state;
	struct tare_log *l;
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *late = NULL;
	int got = 0;

	assert_int_equal(f->a->log_open(f->a, "build-agent", &l, NULL), 0);
	for (int i = 0; i < 100 && !(got & TARE_LOG_GREW); i++) {
		usleep(30000);
		got = f->a->log_drain(f->a, l, NULL);
		assert_true(got >= 0);
	}
	assert_true(got & TARE_LOG_GREW);
	late = read_log(f->b, "build-agent");
	lseek(l->files[0], 0, SEEK_SET);
	assert_int_equal(read_to_buf(l->files[0], &b), 0);
	/* the late one may begin and end a little later: what was said last is in it, though */
	const char *last = buf_str(&b) + b.len - 1;
	while (last > b.data && last[-1] != '\n')
		last--;
	assert_non_null(strstr(late, last));
	assert_null(strstr(late, "\n\n"));
	f->a->log_close(f->a, l);
}

static uint64_t log_bytes(const struct tare_log *l)
{
	uint64_t bytes = 0;
	struct stat st;

	for (size_t i = 0; i < l->n; i++) {
		assert_int_equal(fstat(l->files[i], &st), 0);
		bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

static void a_fast_log_is_as_fast_as_asked_and_rotates(void **state)
{
	struct fixture *f = *state;
	struct tare_log *l;
	struct tare_engine *t;
	uint64_t before;

	setenv("TARE_DEMO_LOG_RATE", "50000000", 1);
	t = open_one(f);
	unsetenv("TARE_DEMO_LOG_RATE");
	assert_int_equal(t->log_open(t, "shop-web", &l, NULL), 0);
	before = log_bytes(l);
	assert_true(before > 99000000 && before <= 100000000);
	assert_int_equal(l->n, 2);
	usleep(200000);
	assert_true(t->log_drain(t, l, NULL) & TARE_LOG_GREW);
	assert_true(log_bytes(l) - before >= 9000000);
	t->log_close(t, l);
	t->close(t);
}

/* ------------------------------------------------------------------ actions */

static int count_event(json *event, void *arg)
{
	char *seen = arg;

	strcat(seen, json_str(event, "Action", "?"));
	strcat(seen, " ");
	return 0;
}

static void what_one_does_the_other_sees(void **state)
{
	struct fixture *f = *state;
	struct tare_watch *w;
	char seen[512] = "";
	int exit_code;

	assert_int_equal(f->b->watch_open(f->b, &w, NULL), 0);
	assert_int_equal(f->a->pause(f->a, "shop-api", NULL), 0);
	assert_int_equal(state_of(f->b, "shop-api"), TARE_PAUSED);
	assert_int_equal(f->a->unpause(f->a, "shop-api", NULL), 0);
	assert_int_equal(state_of(f->b, "shop-api"), TARE_RUNNING);
	assert_int_equal(f->b->stop(f->b, "shop-api", 10, 0, NULL), 0);
	assert_int_equal(state_of(f->a, "shop-api"), TARE_EXITED);
	assert_int_equal(f->a->start(f->a, "shop-api", NULL, NULL, NULL, NULL), 0);
	assert_int_equal(f->a->kill(f->a, "shop-api", 0, NULL), 0);
	assert_int_equal(f->b->wait(f->b, "shop-api", false, &exit_code, NULL), 0);
	assert_int_equal(exit_code, 137);
	assert_int_equal(f->a->rename(f->a, "shop-api", "renamed", NULL), 0);
	assert_int_equal(f->b->remove(f->b, "renamed", &(struct tare_remove){0}, NULL), 0);
	assert_int_equal(f->a->resolve(f->a, "renamed", seen, NULL), -1);
	seen[0] = '\0';
	assert_true(f->b->watch_drain(f->b, w, count_event, seen, NULL) & TARE_CHANGED_CONTAINERS);
	assert_non_null(strstr(seen, "pause unpause kill die stop start kill die rename destroy "));
	f->b->watch_close(f->b, w);
}

static void made_by_one_run_for_the_other(void **state)
{
	struct fixture *f = *state;
	struct tare_create q;
	char id[TARE_ID_LEN + 1], again[TARE_ID_LEN + 1];
	struct err e = ERR_INIT;
	struct tare_container c;

	tare_create_init(&q);
	q.image = strdup("busybox");
	q.name = strdup("mine");
	strv_add(&q.args, "sh");
	strv_add(&q.args, "-c");
	strv_add(&q.args, "echo hello; exit 4");
	assert_int_equal(f->a->create(f->a, &q, id, &e), 0);
	assert_int_equal(f->b->create(f->b, &q, again, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(f->b->start(f->b, "mine", NULL, NULL, NULL, NULL), 0);
	c = look(f->a, id);
	assert_int_equal(c.state, TARE_EXITED);
	assert_int_equal(c.exit_code, 4);
	tare_container_free(&c);
	struct tare_log *l;
	cleanup_buf struct buf b = BUF_INIT;
	assert_int_equal(f->a->log_open(f->a, "mine", &l, NULL), 0);
	lseek(l->files[0], 0, SEEK_SET);
	assert_int_equal(read_to_buf(l->files[0], &b), 0);
	assert_non_null(strstr(buf_str(&b), "stdout F hello\n"));
	assert_true(l->ended);
	f->a->log_close(f->a, l);
	tare_create_free(&q);
}

static void a_dry_run_takes_nothing(void **state)
{
	struct fixture *f = *state;
	struct tare_prune_result dry, wet, rest;

	for (enum tare_prune_what what = TARE_PRUNE_CONTAINERS; what <= TARE_PRUNE_VOLUMES; what++) {
		assert_int_equal(f->a->prune(f->a, what, TARE_PRUNE_DRY_RUN, &dry, NULL), 0);
		assert_int_equal(f->b->prune(f->b, what, 0, &wet, NULL), 0);
		assert_int_equal(f->a->prune(f->a, what, 0, &rest, NULL), 0);
		assert_true(strv_len(dry.removed) > 0);
		assert_int_equal(strv_len(dry.removed), strv_len(wet.removed));
		assert_int_equal(dry.bytes, wet.bytes);
		assert_int_equal(strv_len(rest.removed), 0);
		tare_prune_result_free(&dry);
		tare_prune_result_free(&wet);
		tare_prune_result_free(&rest);
	}
}

/* ------------------------------------------------------------------ bad journals */

static void write_journal(const struct fixture *f, const char *text)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/demo/journal-held", f->dir);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void hostile_lines_are_passed_over(void **state)
{
	struct fixture *f = *state;
	struct tare_container_list l;
	cleanup_buf struct buf b = BUF_INIT;

	write_journal(f,
	        "\n\n{\n}{}[]\nnull\n\"x\"\n[1,2]\n{\"do\":1}\n{\"do\":\"create\"}\n\xff\xfe\x00 nothing\n");
	write_journal(f, "{\"do\":\"remove\",\"id\":\"../../"
	                 "etc\"}\n{\"do\":\"rename\",\"id\":\"zz\",\"name\":\"x\"}\n");
	write_journal(f, "{\"born\":1}\n{\"do\":\"image-tag\",\"imageID\":\"x\",\"name\":\"y\"}\n");
	for (int i = 0; i < 100; i++)
		buf_str_add(&b, "[[[[[[[[[[[[[[[[[[");
	buf_str_add(&b, "\n");
	write_journal(f, buf_str(&b));
	assert_int_equal(f->a->list(f->a, true, &l, NULL), 0);
	assert_int_equal(l.n, 14);
	char line[300];
	snprintf(line, sizeof(line),
	        "{\"do\":\"rename\",\"id\":\"%s\",\"name\":\"\\u001b[2J\"}\n"
	        "{\"do\":\"end\",\"id\":\"%s\",\"at\":-99999999999999999,\"code\":99999}\n",
	        l.rows[0].id, l.rows[0].id);
	tare_container_list_free(&l);
	write_journal(f, line);
	assert_int_equal(f->a->list(f->a, true, &l, NULL), 0);
	assert_int_equal(l.n, 14);
	for (size_t i = 0; i < l.n; i++)
		assert_null(strchr(l.rows[i].name, '\033'));
	tare_container_list_free(&l);
	assert_int_equal(f->a->now(f->a), SIM_EPOCH + 77 * SIM_SECOND);
	/* half a line is not taken before its end has come */
	write_journal(f, "{\"do\":\"pause\",");
	assert_int_equal(f->b->list(f->b, true, &l, NULL), 0);
	tare_container_list_free(&l);
}

static void a_foreign_directory_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[96];
	struct err e = ERR_INIT;

	snprintf(path, sizeof(path), "%s/demo", f->dir);
	assert_int_equal(chmod(path, 0777), 0);
	assert_null(tare_engine_simulated(f->dir, &e));
	assert_int_equal(e.kind, ERR_PERMISSION);
	assert_int_equal(chmod(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/other", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/other/demo", f->dir);
	assert_int_equal(symlink("/etc", path), 0);
	snprintf(path, sizeof(path), "%s/other", f->dir);
	assert_null(tare_engine_simulated(path, &e));
}

static void a_journal_of_days_ago_begins_anew(void **state)
{
	struct fixture *f = *state;
	char path[96];
	struct tare_engine *t;
	const struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};

	assert_int_equal(f->a->pause(f->a, "metrics", NULL), 0);
	snprintf(path, sizeof(path), "%s/demo/journal", f->dir);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	t = open_one(f);
	assert_int_equal(state_of(t, "metrics"), TARE_RUNNING);
	t->close(t);
}

/* ------------------------------------------------------------------ life, use */

static void natures_and_changes_agree(void **state)
{
	struct fixture *f = *state;
	struct simulation *s = sim_of(f->a);

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct sim_container *c = s->containers[i];
		int64_t t = 0;

		for (int n = 0; n < 20; n++) {
			int64_t next = sim_next_change(c, t);
			struct sim_status before, at;

			if (next == INT64_MAX)
				break;
			assert_true(next > t);
			before = sim_at(c, next - 1);
			at = sim_at(c, next);
			assert_int_equal(sim_at(c, t).state, before.state);
			assert_true(before.state != at.state);
			t = next;
		}
	}
}

static void counters_never_go_back_and_gauges_stay_below_limits(void **state)
{
	struct fixture *f = *state;
	struct tare_stats h[400], before = {0};
	ssize_t n = f->a->history(f->a, "shop-db", h, 400, NULL);

	assert_int_equal(n, 360);
	for (ssize_t i = 0; i < n; i++) {
		if (i > 0)
			assert_int_equal(h[i].time - before.time, 10 * SIM_SECOND);
		assert_true(h[i].cpu_ns >= before.cpu_ns && h[i].net_rx >= before.net_rx);
		assert_true(h[i].block_write >= before.block_write);
		assert_true(h[i].memory < h[i].memory_limit && h[i].memory > h[i].memory_limit / 10 * 9);
		before = h[i];
	}
	n = f->a->history(f->a, "thumbnailer", h, 400, NULL);
	assert_true(n > 300);
	for (ssize_t i = 0; i < n; i++)
		assert_true(h[i].memory < h[i].memory_limit);
	assert_int_equal(f->a->history(f->a, "shop-db", h, 5, NULL), 5);
}

static void noise_flows_evenly_in_the_long_run(void **state)
{
	double before = sim_flow(7, 0, 30, 0.1);

	(void)state;
	for (int i = 1; i < 5000; i++) {
		double now = sim_flow(7, i, 30, 0.1);

		assert_true(now >= before);
		before = now;
	}
	assert_true(before > 4900 && before < 5100);
}

/* ------------------------------------------------------------------ files */

static void links_stay_inside(void **state)
{
	struct fixture *f = *state;
	struct tare_file_list l;
	char text[64] = "";
	int fd;

	assert_int_equal(f->a->files(f->a, TARE_TREE_CONTAINER, "shop-web", "/", &l, NULL), 0);
	assert_true(l.n > 6);
	for (size_t i = 1; i < l.n; i++)
		assert_true(strcmp(l.rows[i - 1].name, l.rows[i].name) < 0);
	tare_file_list_free(&l);
	assert_int_equal(f->a->files(f->a, TARE_TREE_CONTAINER, "shop-web", "/bin", &l, NULL), 0);
	tare_file_list_free(&l);
	assert_int_equal(f->a->files(f->a, TARE_TREE_CONTAINER, "shop-web", "/etc/passwd", &l, NULL), -1);
	fd = f->a->file_open(f->a, TARE_TREE_CONTAINER, "shop-web", "/../../etc/../etc/debian_version", NULL);
	assert_true(fd >= 0);
	assert_int_equal(read_full(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "12.9\n");
	close(fd);
	assert_int_equal(f->a->file_open(f->a, TARE_TREE_CONTAINER, "shop-web", "/etc/shadow", NULL), -1);
	assert_int_equal(
	        f->a->file_open(f->a, TARE_TREE_VOLUME, "shop-db-data", "/PG_VERSION", NULL) >= 0, 1);
}

static void every_layer_can_be_looked_into(void **state)
{
	struct fixture *f = *state;
	struct tare_image_list images;
	struct tare_layer_list layers;
	struct tare_file_list files;

	assert_int_equal(f->a->image_list(f->a, &images, NULL), 0);
	assert_true(images.n >= 8);
	for (size_t i = 0; i < images.n; i++) {
		assert_int_equal(f->a->image_layers(f->a, images.rows[i].id, &layers, NULL), 0);
		assert_int_equal(layers.n, images.rows[i].n_layers);
		for (size_t k = 0; k < layers.n; k++) {
			assert_true(layers.rows[k].wasted <= layers.rows[k].size);
			assert_int_equal(
			        f->a->files(f->a, TARE_TREE_LAYER, layers.rows[k].diff_id, "/", &files, NULL),
			        0);
			tare_file_list_free(&files);
		}
		tare_layer_list_free(&layers);
	}
	tare_image_list_free(&images);
}

int main(void)
{
#define RUNNING(t) cmocka_unit_test_setup_teardown(t, setup_running, tear_down)
#define HELD(t)    cmocka_unit_test_setup_teardown(t, setup_held, tear_down)
	const struct CMUnitTest tests[] = {
	        HELD(every_function_is_there),
	        HELD(a_held_clock_shows_the_same_each_time),
	        HELD(logs_are_the_same_and_well_formed),
	        HELD(nothing_is_due_while_the_clock_is_held),
	        RUNNING(a_drained_log_is_the_log),
	        RUNNING(a_fast_log_is_as_fast_as_asked_and_rotates),
	        RUNNING(what_one_does_the_other_sees),
	        RUNNING(made_by_one_run_for_the_other),
	        RUNNING(a_dry_run_takes_nothing),
	        HELD(hostile_lines_are_passed_over),
	        HELD(a_foreign_directory_is_refused),
	        RUNNING(a_journal_of_days_ago_begins_anew),
	        HELD(natures_and_changes_agree),
	        HELD(counters_never_go_back_and_gauges_stay_below_limits),
	        HELD(noise_flows_evenly_in_the_long_run),
	        HELD(links_stay_inside),
	        HELD(every_layer_can_be_looked_into),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
