#include "tui/image_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_MOST 512

/* Is the last component (all behind the registry and its port) in lower case up to its tag? */
static bool is_lower(const char *text)
{
	const char *slash = strchr(text, '/'), *from = text;
	size_t host = slash ? (size_t)(slash - text) : 0;

	/* the first part is a host when it looks like one */
	if (host && (memchr(text, '.', host) || memchr(text, ':', host) || !strncmp(text, "localhost/", 10)))
		from = slash + 1;
	for (; *from && *from != ':' && *from != '@'; from++)
		if (isupper((unsigned char)*from))
			return false;
	return true;
}

bool image_name_check(const char *text, char *error, size_t size)
{
	static const char allowed[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@[]";
	const char *wrong = "";

	if (strstr(text, "://"))
		wrong = "without https://, as in quay.io/prometheus/node-exporter";
	else if (text[strspn(text, allowed)])
		wrong = "a name is letters, digits and ._-/, then a colon and a tag";
	else if (!is_lower(text))
		wrong = "a name is in lower case; only its tag may have capitals";
	else if (strlen(text) > NAME_MOST)
		wrong = "that is too long for a name";
	snprintf(error, size, "%s", wrong);
	return !*wrong;
}
