#include "engine/oci/health_check.h"

#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#define TIME_MIN_NS INT64_C(1000000) /* Docker's: a millisecond */
#define TEST_MAX    4096             /* words */

void health_check_free(struct health_check *h)
{
	strv_free(h->test);
	*h = (struct health_check){0};
}

bool health_check_is_on(const struct health_check *h)
{
	return h->test && h->test[0] && strcmp(h->test[0], "NONE") != 0;
}

static int check_test(char *const *test, struct err *e)
{
	size_t n = strv_len(test);

	if (n == 0 || strcmp(test[0], "NONE") == 0)
		return 0;
	if (strcmp(test[0], "CMD") != 0 && strcmp(test[0], "CMD-SHELL") != 0)
		return err_set(e, ERR_USAGE, "health check: unknown kind \"%s\"; one of NONE, CMD, CMD-SHELL",
		        test[0]);
	if (n == 1)
		return err_set(e, ERR_USAGE, "health check: \"%s\" without a command", test[0]);
	if (n > TEST_MAX)
		return err_set(
		        e, ERR_USAGE, "health check: %zu words, more than the limit of %d", n, TEST_MAX);
	return 0;
}

static int check_times(const struct health_check *h, struct err *e)
{
	const struct {
		const char *name;
		int64_t ns;
	} times[] = {{"interval", h->interval}, {"timeout", h->timeout}, {"start period", h->start_period},
	        {"start interval", h->start_interval}};

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		if (times[i].ns && times[i].ns < TIME_MIN_NS)
			return err_set(e, ERR_USAGE,
			        "health check: %s of %lld ns; at least 1ms, or 0 for the default",
			        times[i].name, (long long)times[i].ns);
	if (h->retries < 0)
		return err_set(e, ERR_USAGE, "health check: %d retries; at least 1", h->retries);
	return 0;
}

static int read_test(json *j, struct health_check *h, struct err *e)
{
	json *test = json_get(j, "Test");
	size_t n = test && json_object_is_type(test, json_type_array) ? json_object_array_length(test) : 0;

	if (n > TEST_MAX)
		return err_set(
		        e, ERR_USAGE, "health check: %zu words, more than the limit of %d", n, TEST_MAX);
	h->test = json_strv(j, "Test");
	if (strv_len(h->test) != n)
		return err_set(e, ERR_USAGE, "health check: \"Test\" is not a list of plain strings");
	return 0;
}

int health_check_from_json(json *j, struct health_check *h, struct err *e)
{
	int64_t retries = json_int(j, "Retries", 0);

	*h = (struct health_check){.interval = json_int(j, "Interval", 0),
	        .timeout = json_int(j, "Timeout", 0),
	        .start_period = json_int(j, "StartPeriod", 0),
	        .start_interval = json_int(j, "StartInterval", 0),
	        .retries = retries > INT_MAX ? INT_MAX
	                   : retries < 0     ? -1
	                                     : (int)retries};
	if (read_test(j, h, e) == 0 && check_test(h->test, e) == 0 && check_times(h, e) == 0)
		return 0;
	health_check_free(h);
	return -1;
}

bool health_check_is_given(const struct health_check *h)
{
	return h->test || h->interval || h->timeout || h->start_period || h->start_interval || h->retries;
}

static void set_given(json *o, const char *key, int64_t v)
{
	if (v)
		json_set_int(o, key, v);
}

json *health_check_to_json(const struct health_check *h)
{
	json *o = json_object_new_object();

	if (h->test)
		json_set_strv(o, "Test", h->test);
	set_given(o, "Interval", h->interval);
	set_given(o, "Timeout", h->timeout);
	set_given(o, "StartPeriod", h->start_period);
	set_given(o, "StartInterval", h->start_interval);
	set_given(o, "Retries", h->retries);
	return o;
}

static void inherit(int64_t *v, int64_t image, int64_t dflt)
{
	if (!*v)
		*v = image ? image : dflt;
}

int health_check_merge(struct health_check *h, const struct health_check *image, struct err *e)
{
	static const struct health_check none;
	int64_t retries = h->retries;

	if (!image)
		image = &none;
	if (check_test(h->test, e) != 0 || check_times(h, e) != 0)
		return -1;
	if (!strv_len(h->test) && image->test) {
		strv_free(h->test);
		h->test = strv_copy(image->test);
		if (!h->test)
			return err_no_memory(e);
	}
	inherit(&h->interval, image->interval, HEALTH_INTERVAL_NS);
	inherit(&h->timeout, image->timeout, HEALTH_TIMEOUT_NS);
	inherit(&h->start_period, image->start_period, 0);
	inherit(&h->start_interval, image->start_interval, HEALTH_START_INTERVAL_NS);
	inherit(&retries, image->retries, HEALTH_RETRIES);
	h->retries = (int)retries;
	return 0;
}
