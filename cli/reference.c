#include "cli/reference.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

static const char *familiar(const char *name)
{
	static const char *const prefixes[] = {"docker.io/library/", "docker.io/", NULL};

	for (const char *const *p = prefixes; *p; p++)
		if (strncmp(name, *p, strlen(*p)) == 0)
			return name + strlen(*p);
	return name;
}

/* The colon of the tag; one before a slash belongs to a port. */
static const char *tag_of(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon && !strchr(colon, '/') ? colon : NULL;
}

bool reference_same(const char *have, const char *wanted)
{
	const char *a = familiar(have ? have : ""), *b = familiar(wanted);
	const char *tag_a = tag_of(a), *tag_b = tag_of(b);
	size_t len_a = tag_a ? (size_t)(tag_a - a) : strlen(a),
	       len_b = tag_b ? (size_t)(tag_b - b) : strlen(b);

	if (len_a != len_b || strncmp(a, b, len_a) != 0)
		return false;
	return strcmp(tag_a ? tag_a : ":latest", tag_b ? tag_b : ":latest") == 0;
}

bool reference_is_id(const char *id, const char *wanted)
{
	static const char algorithm[] = "sha256:";
	size_t skip = sizeof(algorithm) - 1;

	if (strncmp(wanted, algorithm, skip) == 0)
		wanted += skip;
	if (id && strncmp(id, algorithm, skip) == 0)
		id += skip;
	return id && strlen(wanted) >= 2 && strncmp(id, wanted, strlen(wanted)) == 0;
}

bool reference_glob(const char *repository, const char *tag, const char *pattern)
{
	cleanup_free char *whole = str_printf("%s:%s", repository, tag);

	pattern = familiar(pattern);
	if (!tag_of(pattern))
		return text_glob(pattern, repository);
	return whole && text_glob(pattern, whole);
}
