/* Fuzz target: a container's passwd and group files, and what a user typed (podman's and crun's ways of being
 * led to root by one of the three). Parts are divided by NUL. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/runtime/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *part(const uint8_t **data, size_t *size)
{
	size_t len = strnlen((const char *)*data, *size);
	char *text = strndup((const char *)*data, len);

	len += len < *size;
	*data += len;
	*size -= len;
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct identity who;
	cleanup_free char *user = part(&data, &size), *further = part(&data, &size),
	                  *passwd = part(&data, &size), *group = part(&data, &size);
	char *groups[] = {further, NULL};
	struct err e = ERR_INIT;

	who = (struct identity){0};
	if (user_resolve(passwd, group, user, groups, &who, &e) != 0) {
		if (!*e.msg)
			abort();
	} else if (who.uid == (uid_t)-1 || who.gid == (gid_t)-1 || !memchr(who.home, '\0', sizeof who.home)) {
		abort(); /* -1 is "leave it" to setuid */
	}
	free(who.groups);
	return 0;
}
