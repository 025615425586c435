/* How a container's health is asked and what follows from its end: --health-*, --no-healthcheck, --restart.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/units.h"
#include "engine/request.h"
#include "engine/tare.h"

#define DURATION_MIN INT64_C(1000000) /* Docker's: 1 ms */
#define RETRIES_MAX  1000000

static bool is_none(char *const *test)
{
	return test && *test && strcmp(*test, "NONE") == 0;
}

static int set_test(struct tare_create *c, const char *kind, const char *text, struct err *e)
{
	strv_free_ptr(&c->health.test);
	if (strv_add(&c->health.test, kind) < 0 || (text && strv_add(&c->health.test, text) < 0))
		return err_no_memory(e);
	return 0;
}

/* ["CMD","curl","-f","http://localhost/"]: the form of an image's HEALTHCHECK. Words without CMD before them
 * are a command too. NULL: it is none, so that `[ -e /ready ]` stays a text for the shell. */
static char **read_array(const char *text)
{
	cleanup_json json *array = *text == '[' ? json_parse(text, strlen(text), "command", NULL) : NULL;
	cleanup_json json *object = json_object_new_object();
	static const char *const kinds[] = {"CMD", "CMD-SHELL", "NONE", NULL};
	char **words, **test = NULL;

	if (!array || !json_object_is_type(array, json_type_array))
		return NULL;
	json_set(object, "test", json_object_get(array));
	words = json_strv(object, "test");
	if (!words || strv_len(words) != json_object_array_length(array)) {
		strv_free(words);
		return NULL;
	}
	if (strv_has((char *const *)kinds, *words))
		return words;
	int rc = strv_add(&test, "CMD");
	strv_foreach (word, words)
		rc |= strv_add(&test, *word);
	strv_free(words);
	if (rc != 0)
		strv_free_ptr(&test);
	return test;
}

int tare_parse_health_cmd(struct tare_create *c, const char *text, struct err *e)
{
	char **test;

	if (!*text) { /* Docker's: as if it was not given */
		strv_free_ptr(&c->health.test);
		return 0;
	}
	if (strcmp(text, "none") == 0)
		return set_test(c, "NONE", NULL, e);
	test = read_array(text);
	if (!test)
		return set_test(c, "CMD-SHELL", text, e);
	strv_free(c->health.test);
	c->health.test = test;
	if (!is_none(test) && !test[1])
		return err_set(e, ERR_USAGE,
		        "health command \"%s\" has no command; write it as for a shell, or as "
		        "[\"CMD\",\"program\",\"argument\"]",
		        text);
	return 0;
}

int tare_parse_health_retries(struct tare_create *c, const char *text, struct err *e)
{
	int64_t n;

	if (int_parse(text, 0, RETRIES_MAX, "number of retries", &n, e) != 0)
		return -1;
	c->health.retries = (int)n;
	return 0;
}

int tare_no_health(struct tare_create *c, struct err *e)
{
	if (c->health.test && !is_none(c->health.test))
		return err_set(e, ERR_USAGE,
		        "--no-healthcheck and --health-cmd exclude each other; use one of them");
	return set_test(c, "NONE", NULL, e);
}

/* ------------------------------------------------------------------ the whole */

static int check_times(const struct health_check *h, struct err *e)
{
	const struct {
		const char *flag;
		int64_t value;
	} times[] = {{"--health-interval", h->interval}, {"--health-timeout", h->timeout},
	        {"--health-start-period", h->start_period}, {"--health-start-interval", h->start_interval}};

	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		if (times[i].value && times[i].value < DURATION_MIN)
			return err_set(
			        e, ERR_USAGE, "%s is less than 1ms; use a time such as 10s", times[i].flag);
	return 0;
}

int tare_check_health(const struct tare_create *c, struct err *e)
{
	const struct health_check *h = &c->health;

	if (c->auto_remove && c->restart != TARE_RESTART_NO)
		return err_set(e, ERR_USAGE,
		        "--rm and --restart %s exclude each other: nothing is left to start again; leave one "
		        "of them out",
		        tare_restart_name(c->restart));
	if (is_none(h->test) && (h->interval || h->timeout || h->start_period || h->start_interval ||
	                                h->retries || c->health_on_failure))
		return err_set(e, ERR_USAGE,
		        "--no-healthcheck excludes the --health- options; leave it or them out");
	return check_times(h, e);
}
