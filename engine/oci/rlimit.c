/* The names of resource limits. */
#include "engine/oci/rlimit.h"

#include <stddef.h>
#include <strings.h>
#include <sys/resource.h>

static const struct {
	const char *name;
	int number;
} limits[] = {
        {"as", RLIMIT_AS},
        {"core", RLIMIT_CORE},
        {"cpu", RLIMIT_CPU},
        {"data", RLIMIT_DATA},
        {"fsize", RLIMIT_FSIZE},
        {"locks", RLIMIT_LOCKS},
        {"memlock", RLIMIT_MEMLOCK},
        {"msgqueue", RLIMIT_MSGQUEUE},
        {"nice", RLIMIT_NICE},
        {"nofile", RLIMIT_NOFILE},
        {"nproc", RLIMIT_NPROC},
        {"rss", RLIMIT_RSS},
        {"rtprio", RLIMIT_RTPRIO},
        {"rttime", RLIMIT_RTTIME},
        {"sigpending", RLIMIT_SIGPENDING},
        {"stack", RLIMIT_STACK},
};

#define N_LIMITS (sizeof limits / sizeof limits[0])

const char *rlimit_name(int resource)
{
	for (size_t i = 0; i < N_LIMITS; i++)
		if (limits[i].number == resource)
			return limits[i].name;
	return NULL;
}

int rlimit_number(const char *name)
{
	if (strncasecmp(name, "RLIMIT_", 7) == 0)
		name += 7;
	for (size_t i = 0; i < N_LIMITS; i++)
		if (strcasecmp(limits[i].name, name) == 0)
			return limits[i].number;
	return -1;
}
