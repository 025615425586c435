#include "engine/oci/namespace_mode.h"

#include <string.h>

#include "base/err.h"

#define JOIN "container:"

/* --ipc as Docker has it: none is a private one without /dev/shm, shareable a private one; whether others may
 * join is theirs to ask for, not ours to mark. */
static const struct option {
	const char *flag;
	const char *private[4];
	bool host, join;
	const char *words;
} options[NS_KIND_COUNT] = {
        [NS_NETWORK] = {"--network", {"none", "bridge", "default"}, true, true,
                "none host bridge container:NAME"},
        [NS_PID] = {"--pid", {"private"}, true, true, "private host container:NAME"},
        [NS_IPC] = {"--ipc", {"none", "private", "shareable"}, true, true,
                "none private shareable host container:NAME"},
        [NS_UTS] = {"--uts", {"private"}, true, false, "private host"},
        [NS_CGROUP] = {"--cgroupns", {"private"}, true, false, "private host"},
};

int namespace_mode_parse(enum spec_namespace_kind kind, const char *value, enum spec_namespace_mode *mode,
        const char **container, struct err *e)
{
	const struct option *o = &options[kind];

	*mode = NS_PRIVATE;
	*container = NULL;
	if (!value)
		return 0;
	for (const char *const *word = o->private; *word; word++)
		if (strcmp(value, *word) == 0)
			return 0;
	if (o->host && strcmp(value, "host") == 0) {
		*mode = NS_HOST;
		return 0;
	}
	if (o->join && strncmp(value, JOIN, strlen(JOIN)) == 0 && value[strlen(JOIN)]) {
		*mode = NS_JOIN;
		*container = value + strlen(JOIN);
		return 0;
	}
	return err_set(e, ERR_USAGE, "unknown %s \"%s\"; one of: %s", o->flag, value, o->words);
}

const char *namespace_mode_flag(enum spec_namespace_kind kind)
{
	return options[kind].flag;
}
