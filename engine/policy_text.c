/* The words of restart policies, health and what follows from it. */
#include <string.h>

#include "base/units.h"
#include "engine/tare.h"

static const char *const restarts[] = {
        [TARE_RESTART_NO] = "no",
        [TARE_RESTART_ON_FAILURE] = "on-failure",
        [TARE_RESTART_ALWAYS] = "always",
        [TARE_RESTART_UNLESS_STOPPED] = "unless-stopped",
};
static const char *const healths[] = {
        [TARE_HEALTH_NONE] = "none",
        [TARE_HEALTH_STARTING] = "starting",
        [TARE_HEALTH_HEALTHY] = "healthy",
        [TARE_HEALTH_UNHEALTHY] = "unhealthy",
};
static const char *const actions[] = {
        [TARE_HEALTH_DO_NOTHING] = "none",
        [TARE_HEALTH_KILL] = "kill",
        [TARE_HEALTH_RESTART] = "restart",
        [TARE_HEALTH_STOP] = "stop",
};
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static int find(const char *const *words, size_t n, const char *text, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(words[i]) == len && strncmp(words[i], text, len) == 0)
			return (int)i;
	return -1;
}

const char *tare_restart_name(enum tare_restart r)
{
	return restarts[r];
}

const char *tare_health_name(enum tare_health h)
{
	return healths[h];
}

const char *tare_health_action_name(enum tare_health_action a)
{
	return actions[a];
}

int tare_parse_restart(const char *text, enum tare_restart *policy, unsigned *max, struct err *e)
{
	size_t len = strcspn(text, ":");
	int found = find(restarts, COUNT(restarts), text, len);
	int64_t n = 0;

	if (found < 0)
		return err_set(e, ERR_USAGE,
		        "unknown restart policy \"%s\"; one of no, on-failure[:TIMES], always, "
		        "unless-stopped",
		        text);
	if (text[len] && found != TARE_RESTART_ON_FAILURE)
		return err_set(e, ERR_USAGE,
		        "restart policy \"%s\": only on-failure takes a number, as in on-failure:5", text);
	if (text[len] && int_parse(text + len + 1, 0, INT32_MAX, "number of restarts", &n, e) != 0)
		return -1;
	*policy = (enum tare_restart)found;
	*max = (unsigned)n;
	return 0;
}

int tare_parse_health_action(const char *text, enum tare_health_action *a, struct err *e)
{
	int found = find(actions, COUNT(actions), text, strlen(text));

	if (found < 0)
		return err_set(e, ERR_USAGE, "unknown action \"%s\"; one of none, kill, restart, stop", text);
	*a = (enum tare_health_action)found;
	return 0;
}
