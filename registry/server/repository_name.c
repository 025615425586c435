/* The grammars of names that come from outside. */
#include <string.h>

#include "base/defence.h"
#include "registry/server/repository.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* What may stand between two letters or digits: ".", "_", "__", or any number of "-". Its length, 0: none. */
static size_t separator(const char *p)
{
	if (*p == '-')
		return strspn(p, "-");
	if (*p == '.')
		return 1;
	if (*p == '_')
		return p[1] == '_' ? 2 : 1;
	return 0;
}

/* One component up to '/' or the end; NULL when it is none. */
static const char *component(const char *p)
{
	if (!is_alnum(*p))
		return NULL;
	for (;;) {
		while (is_alnum(*p))
			p++;
		if (!*p || *p == '/')
			return p;
		p += separator(p);
		if (!is_alnum(*p))
			return NULL;
	}
}

/* Names become directories: what is no name (`..`, empty components, upper case, control characters) never
 * gets that far. tests/unit/test_registry_storage.c, tests/e2e/registry_spec.py "names". */
bool repository_name_ok(const char *name)
{
	if (!DEFENCE("repository-name"))
		return true;
	if (strnlen(name, REPOSITORY_NAME_MAX + 1) > REPOSITORY_NAME_MAX)
		return false;
	for (const char *p = name; (p = component(p)); p++)
		if (!*p)
			return true;
	return false;
}

bool tag_ok(const char *tag)
{
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strnlen(tag, TAG_MAX + 1);
	return len > 0 && len <= TAG_MAX && *tag != '.' && *tag != '-' && strspn(tag, rest) == len;
}

bool media_type_ok(const char *type)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+/";
	size_t len = strnlen(type, MEDIA_TYPE_MAX + 1);
	const char *slash = strchr(type, '/');
	return len <= MEDIA_TYPE_MAX && strspn(type, ok) == len && slash && slash > type && slash[1] &&
	       !strchr(slash + 1, '/');
}

bool upload_id_ok(const char *id)
{
	return strnlen(id, UPLOAD_ID_SIZE) == UPLOAD_ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdef") == UPLOAD_ID_SIZE - 1;
}

void repository_directory(const char *name, char dst[REPOSITORY_NAME_MAX + 1])
{
	size_t len = strnlen(name, REPOSITORY_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		dst[i] = name[i] == '/' ? '+' : name[i];
	dst[len] = '\0';
}
