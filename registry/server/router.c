#include "registry/server/router.h"

#include <string.h>

#include "base/text.h"

#define PATH_LENGTH_MAX 1024

/* Decode once, and never again: what looks encoded afterwards is no name (%252e). A zero byte would end the
 * text for us and not for others. tests/unit/test_registry_router.c */
static bool decode(const char *uri, size_t len, char *dst, size_t size)
{
	size_t out = 0;
	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)uri[i];
		if (c == '%') {
			int high = i + 2 < len ? hex_digit(uri[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(uri[i + 2]) : -1;
			if (low < 0)
				return false;
			c = high << 4 | low;
			i += 2;
		}
		if (c < 0x21 || c >= 0x7f || c == '\\' || out + 1 >= size)
			return false;
		dst[out++] = (char)c;
	}
	dst[out] = '\0';
	return true;
}

static const struct {
	const char *path;
	enum route route;
} plain[] = {
        {"/v2/", ROUTE_BASE},
        {"/v2", ROUTE_BASE},
        {"/v2/_catalog", ROUTE_CATALOG},
        {"/token", ROUTE_TOKEN},
        {"/metrics", ROUTE_METRICS},
        {"/healthz", ROUTE_HEALTH},
};

/* Cut the last component off: what was behind the last slash; NULL when there is none. */
static char *cut(char *path)
{
	char *slash = strrchr(path, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	return slash + 1;
}

/* NAME/blobs/uploads/ID, with `path` being NAME/blobs and last being ID. */
static bool is_upload(char *path)
{
	char *slash = strrchr(path, '/');
	if (!slash || strcmp(slash, "/blobs") != 0)
		return false;
	*slash = '\0';
	return true;
}

/* path: behind "/v2/"; shortened to the repository's name. */
static enum route split(char *path, char **last)
{
	*last = cut(path);
	if (!*last)
		return ROUTE_OTHER;
	if (strcmp(*last, "uploads") == 0 && is_upload(path)) {
		*last += strlen(*last);
		return ROUTE_UPLOAD;
	}
	const char *kind = cut(path);
	if (!kind)
		return ROUTE_OTHER;
	if (strcmp(kind, "manifests") == 0 && **last)
		return ROUTE_MANIFEST;
	if (strcmp(kind, "blobs") == 0 && **last)
		return ROUTE_BLOB;
	if (strcmp(kind, "referrers") == 0 && **last)
		return ROUTE_REFERRERS;
	if (strcmp(kind, "tags") == 0 && strcmp(*last, "list") == 0)
		return ROUTE_TAGS;
	return strcmp(kind, "uploads") == 0 && is_upload(path) ? ROUTE_UPLOAD : ROUTE_OTHER;
}

enum router_result router_find(const char *uri, struct router_match *m)
{
	char path[PATH_LENGTH_MAX + 1], *last;
	memset(m, 0, sizeof(*m));
	m->route = ROUTE_OTHER;
	if (!decode(uri, strcspn(uri, "?"), path, sizeof(path)))
		return ROUTER_BAD_PATH;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(path, plain[i].path) == 0) {
			m->route = plain[i].route;
			return ROUTER_FOUND;
		}
	}
	if (strncmp(path, "/v2/", 4) != 0)
		return ROUTER_NOTHING;
	enum route route = split(path + 4, &last);
	if (route == ROUTE_OTHER)
		return ROUTER_NOTHING;
	if (!repository_name_ok(path + 4))
		return ROUTER_BAD_NAME;
	if (strlen(last) > REFERENCE_MAX)
		return ROUTER_BAD_PATH;
	m->route = route;
	strcpy(m->repository, path + 4);
	strcpy(m->reference, last);
	return ROUTER_FOUND;
}
