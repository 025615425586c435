/* The heap in a frame in which nothing changed: the whole dashboard runs on a pseudo terminal with the
 * simulated engine, and is made to paint all anew. Whatever it shows, that must not allocate. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/tare.h"
#include "tui/app_run.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

/* ------------------------------------------------------------------ counting */

static atomic_ulong allocations;

#ifndef HAS_SANITIZER /* a sanitizer has an allocator of its own */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	allocations++;
	return __libc_realloc(p, size);
}
#endif

/* ------------------------------------------------------------------ the dashboard */

#define QUIET_MS 25
#define PAINT_MS 5000

struct board {
	char dir[64];
	int master, slave;
	pthread_t thread;
	int result;
	unsigned long bytes;
};

static struct tare_engine *open_engine(void *dir, struct err *e)
{
	return tare_engine_simulated(dir, e);
}

static void *run(void *arg)
{
	static char program[] = "tare";
	char *const tare[] = {program, NULL};
	struct board *b = arg;
	struct err e = ERR_INIT;
	struct app_options o = {.engine = open_engine(b->dir, &e),
	        .open_engine = open_engine,
	        .open_arg = b->dir,
	        .tare = tare,
	        .tare_text = program,
	        .demo = true,
	        .depth = DEPTH_TRUE,
	        .tty = b->slave};

	b->result = o.engine ? app_run(&o, &e) : -1;
	if (o.engine)
		o.engine->close(o.engine);
	return NULL;
}

/* Reads what it writes: waits for it at most `first_ms`, and then until it has been quiet for a while. */
static void settle(struct board *b, int first_ms)
{
	struct pollfd p = {.fd = b->master, .events = POLLIN};
	char bytes[16384];
	ssize_t n;

	for (int ms = first_ms; poll(&p, 1, ms) > 0; ms = first_ms < QUIET_MS ? first_ms : QUIET_MS) {
		n = read(b->master, bytes, sizeof bytes);
		if (n <= 0)
			break;
		b->bytes += (unsigned long)n;
	}
}

static void type(struct board *b, const char *keys)
{
	assert_int_equal(write(b->master, keys, strlen(keys)), strlen(keys));
	settle(b, 60);
}

static int start(void **state)
{
	static struct board b;
	struct winsize size = {.ws_row = 50, .ws_col = 200};
	char path[128];

	setlocale(LC_ALL, "C.UTF-8");
	snprintf(b.dir, sizeof b.dir, "/tmp/tare-frame.XXXXXX");
	if (!mkdtemp(b.dir))
		return -1;
	setenv("HOME", b.dir, 1);
	setenv("TERM", "xterm-256color", 1);
	setenv("TARE_DEMO_CLOCK", "3600", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	snprintf(path, sizeof path, "%s/.local", b.dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/.local/state", b.dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/.local/state/tare", b.dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/.local/state/tare/dashboard", b.dir);
	FILE *f = fopen(path, "we");
	if (!f)
		return -1;
	fputs("welcomed = yes\n", f);
	fclose(f);
	b.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (b.master < 0 || grantpt(b.master) != 0 || unlockpt(b.master) != 0)
		return -1;
	b.slave = open(ptsname(b.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (b.slave < 0 || ioctl(b.slave, TIOCSWINSZ, &size) != 0)
		return -1;
	*state = &b;
	if (pthread_create(&b.thread, NULL, run, &b) != 0)
		return -1;
	for (int i = 0; i < 5; i++)
		settle(&b, 200); /* first frame, lists, numbers */
	return 0;
}

static int end(void **state)
{
	struct board *b = *state;
	struct timespec until;
	int rc = -1;

	/* on a busy machine an Escape and what follows it are read together, as one key */
	for (int i = 0; i < 60 && rc != 0; i++) {
		type(b, "\033");
		type(b, "Q");
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		rc = pthread_timedjoin_np(b->thread, NULL, &until);
	}
	if (rc != 0)
		return -1;
	close(b->slave);
	close(b->master);
	remove_tree_at(AT_FDCWD, b->dir);
	return b->result;
}

/* ------------------------------------------------------------------ the test */

/* Numbers are sampled each second, and on a busy machine several frames in a row may meet that. What a frame
 * itself allocates shows in each of them. */
#define TRIES 60

static void expect_no_allocation(struct board *b, const char *where)
{
	unsigned long least = ~0ul;

	for (int i = 0; i < TRIES && least; i++) {
		unsigned long before = allocations, written = b->bytes;

		assert_int_equal(pthread_kill(b->thread, SIGWINCH), 0);
		settle(b, PAINT_MS);
		assert_true(b->bytes - written > 400); /* it did paint */
		if (i && allocations - before < least)
			least = allocations - before;
	}
	if (least)
		print_error("%s: %lu allocations in a frame in which nothing changed\n", where, least);
	assert_int_equal(least, 0);
}

static void it_counts(void **state)
{
	struct board *b = *state;
	unsigned long before = allocations;

#ifdef HAS_SANITIZER
	skip();
#endif
	type(b, "3"); /* another list, another directory */
	assert_true(allocations > before);
	type(b, "1");
}

static void panels(void **state)
{
	static const char *const keys[] = {"1", "2", "3", "4", "5", "6", "1"};
	struct board *b = *state;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		type(b, keys[i]);
		expect_no_allocation(b, keys[i]);
	}
}

static void tabs(void **state)
{
	static const char *const keys[] = {"l", "u", "h", "H", "f", "P", "v", "i"};
	struct board *b = *state;

	type(b, "jjjj");
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		type(b, keys[i]);
		settle(b, 200); /* what is read beside it */
		expect_no_allocation(b, keys[i]);
		type(b, "\033");
	}
}

static void layers_and_files(void **state)
{
	struct board *b = *state;

	type(b, "2");
	type(b, "jjjjjL");
	settle(b, 200);
	expect_no_allocation(b, "layers");
	type(b, "\033");
	type(b, "3");
	type(b, "f");
	settle(b, 200);
	expect_no_allocation(b, "files of a volume");
	type(b, "\033");
	type(b, "1");
}

static void networks(void **state)
{
	struct board *b = *state;

	type(b, "4");
	type(b, "jj");
	expect_no_allocation(b, "members beside the list");
	type(b, "m");
	expect_no_allocation(b, "members");
	type(b, "z");
	expect_no_allocation(b, "members with all columns");
	type(b, "\033");
	type(b, "\033");
	type(b, "z");
	expect_no_allocation(b, "networks with all columns");
	type(b, "\033");
	type(b, "a");
	expect_no_allocation(b, "the choice of a container");
	type(b, "\033");
	type(b, "c");
	expect_no_allocation(b, "the form of a network");
	type(b, "\033");
	type(b, "\033");
	type(b, "1");
}

static void filters_marks_and_groups(void **state)
{
	struct board *b = *state;

	type(b, "  t");
	expect_no_allocation(b, "marks and groups");
	type(b, "t\034");
	type(b, "/shop\r");
	expect_no_allocation(b, "a filter");
	type(b, "\033");
}

static void splits(void **state)
{
	struct board *b = *state;

	type(b, "u");
	type(b, "|");
	type(b, "-");
	settle(b, 200);
	expect_no_allocation(b, "three panes");
	type(b, "\027c");
	type(b, "\027c");
	type(b, "\033");
}

static void dialogs(void **state)
{
	static const char *const keys[] = {"?", "T", "d", "K", "R", "C", "b", "!", ":", "\020", "c"};
	struct board *b = *state;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		type(b, keys[i]);
		expect_no_allocation(b, keys[i]);
		type(b, "\033");
		type(b, "\033");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_counts),
	        cmocka_unit_test(panels),
	        cmocka_unit_test(tabs),
	        cmocka_unit_test(layers_and_files),
	        cmocka_unit_test(networks),
	        cmocka_unit_test(filters_marks_and_groups),
	        cmocka_unit_test(splits),
	        cmocka_unit_test(dialogs),
	};

	return cmocka_run_group_tests(tests, start, end);
}
