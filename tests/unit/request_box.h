/* A request for a container, and the texts that fill it. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_REQUEST_BOX_H
#define TARE_TESTS_UNIT_REQUEST_BOX_H

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/tare.h"

typedef int text_parser(struct tare_create *c, const char *text, struct err *e);

static inline int request_setup(void **state)
{
	struct tare_create *c = calloc(1, sizeof *c);

	assert_non_null(c);
	tare_create_init(c);
	*state = c;
	return 0;
}

static inline int request_teardown(void **state)
{
	tare_create_free(*state);
	free(*state);
	return 0;
}

static inline void good(struct tare_create *c, text_parser *fn, const char *text)
{
	struct err e = ERR_INIT;

	if (fn(c, text, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
}

/* It fails, the message is one line, and it has these words. */
static inline void bad(struct tare_create *c, text_parser *fn, const char *text, const char *words)
{
	struct err e = ERR_INIT;

	if (fn(c, text, &e) == 0)
		fail_msg("\"%s\" was taken", text);
	if (!strstr(e.msg, words) || strchr(e.msg, '\n'))
		fail_msg("\"%s\": %s", text, e.msg);
	assert_int_not_equal(fn(c, text, NULL), 0);
}

#endif
