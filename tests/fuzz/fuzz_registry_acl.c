/* The files that an admin writes: rules and users. They must be read whole or refused, and never be slow. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "registry/server/access.h"
#include "registry/server/acl.h"
#include "registry/server/htpasswd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_rules(const char *text)
{
	struct err e = ERR_INIT;
	struct acl *a = acl_parse(text, &e);

	if (!a) {
		if (!e.msg[0])
			abort();
		return;
	}
	if (acl_rights(a, "team/app", "alice") & ~(unsigned)RIGHT_ALL ||
	        acl_rights(a, "x", "") & ~(unsigned)RIGHT_ALL)
		abort();
	acl_free(a);
}

static void look_at_users(const char *text)
{
	struct err e = ERR_INIT;
	struct htpasswd *h = htpasswd_parse(text, &e);

	if (!h && !e.msg[0])
		abort();
	if (h && htpasswd_hash(h, ""))
		abort();
	htpasswd_free(h);
}

/* The first byte chooses; a pattern and a name are parted by a zero. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = size > 1 ? malloc(size) : NULL;
	size_t len;

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	len = strlen(text);
	if (data[0] % 3 == 0)
		look_at_rules(text);
	else if (data[0] % 3 == 1)
		look_at_users(text);
	else if (len < 255 && len + 1 < size)
		acl_matches(text, text + len + 1, "alice");
	free(text);
	return 0;
}
