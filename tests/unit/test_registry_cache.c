/* The cache's names, and what the supervisor lets itself be asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "registry/server/cache_private.h"

static void parse(struct upstreams *u, char *const *texts)
{
	struct err e = ERR_INIT;

	if (upstreams_parse(texts, u, &e) < 0)
		fail_msg("%s", e.msg);
}

static void names_lead_to_upstreams(void **state)
{
	char *texts[] = {"docker.io", "quay.io=q", "127.0.0.1:5000=q/local", NULL};
	static const struct {
		const char *repository, *host, *path;
	} cases[] = {
	        {"docker.io/library/alpine", "docker.io", "library/alpine"},
	        {"q/team/app", "quay.io", "team/app"},
	        {"q/local/app", "127.0.0.1:5000", "app"},
	        {"q/localhost", "quay.io", "localhost"},
	        {"q", NULL, NULL},
	        {"docker.iox/a", NULL, NULL},
	        {"mine/app", NULL, NULL},
	};
	struct upstreams u;

	(void)state;
	parse(&u, texts);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *path = NULL;
		const struct upstream *found = upstream_of(&u, cases[i].repository, &path);
		if (!cases[i].host) {
			assert_null(found);
			continue;
		}
		assert_non_null(found);
		assert_string_equal(found->host, cases[i].host);
		assert_string_equal(path, cases[i].path);
	}
	upstreams_free(&u);
}

static void an_empty_prefix_takes_all_names(void **state)
{
	char *texts[] = {"docker.io=", "quay.io=q", NULL};
	const char *path = NULL;
	struct upstreams u;

	(void)state;
	parse(&u, texts);
	assert_string_equal(upstream_of(&u, "library/alpine", &path)->host, "docker.io");
	assert_string_equal(path, "library/alpine");
	assert_string_equal(upstream_of(&u, "q/alpine", &path)->host, "quay.io");
	upstreams_free(&u);
}

static void wrong_upstreams_are_refused(void **state)
{
	static const char *const wrong[] = {
	        "", "=a", "a b", "host/path", "h=UPPER", "h=a//b", "h=../x", "127.0.0.1:5000"};
	struct upstreams u;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char *texts[] = {(char *)(uintptr_t)wrong[i], NULL};
		struct err e = ERR_INIT;
		if (upstreams_parse(texts, &u, &e) == 0)
			fail_msg("\"%s\" was accepted", wrong[i]);
		assert_non_null(strstr(e.msg, "--upstream"));
	}
}

/* What the supervisor does with a message shows in the pipe: a refused one is closed at once. */
static bool is_refused(const char *text)
{
	char *texts[] = {"docker.io=hub", NULL}, byte;
	struct upstreams u;
	int ends[2];

	parse(&u, texts);
	assert_int_equal(pipe(ends), 0);
	json *message = json_parse(text, strlen(text), "message", NULL);
	assert_non_null(message);
	pid_t before = getpid();
	bool started = cache_fetch_start(&u, message, ends[1]);
	assert_int_equal(getpid(), before);
	bool closed = read(ends[0], &byte, 1) == 0;
	close(ends[0]);
	json_object_put(message);
	upstreams_free(&u);
	return closed && !started;
}

#define ASKS(kind, host, path, reference, known, via)                                                        \
	"{\"kind\":\"" kind "\",\"host\":\"" host "\",\"path\":\"" path "\",\"reference\":\"" reference      \
	"\",\"known\":\"" known "\",\"via\":\"" via "\"}"
#define VIA "0123456789abcdef0123456789abcdef"
static void a_worker_cannot_have_anything_fetched(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	assert_true(is_refused(ASKS("blob", "evil.example", "a", "v1", "", VIA)));
	assert_true(is_refused(ASKS("shell", "docker.io", "a", "v1", "", VIA)));
	assert_true(is_refused(ASKS("blob", "docker.io", "../a", "v1", "", VIA)));
	assert_true(is_refused(ASKS("blob", "docker.io", "a", "--root", "", VIA)));
	assert_true(is_refused(ASKS("manifest", "docker.io", "a", "v1", "; x", VIA)));
	assert_true(is_refused(ASKS("manifest", "docker.io", "a", "v1", "", "x\\r\\nAuthorization: y")));
	assert_true(is_refused("{}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names_lead_to_upstreams),
	        cmocka_unit_test(an_empty_prefix_takes_all_names),
	        cmocka_unit_test(wrong_upstreams_are_refused),
	        cmocka_unit_test(a_worker_cannot_have_anything_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
