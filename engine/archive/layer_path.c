#include "engine/archive/layer_path.h"

#include <stddef.h>
#include <string.h>

#include "base/defence.h"
#include "base/err.h"

#define WHITEOUT      ".wh."
#define WHITEOUT_META ".wh..wh."
#define OPAQUE        ".wh..wh..opq"

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static int refuse(struct err *e, const char *text, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the archive is damaged or hostile: \"%.300s\" %s", text, why);
}

/* Path traversal (the "zip slip" class, docker's breakoutError): ".." and absolute names are refused by
 * name already, before openat2 would stop them at the root. tests/e2e/archives-hostile.bats */
static int add_component(struct layer_path *p, const char *s, size_t len, const char *text, struct err *e)
{
	if (DEFENCE("entry-names") && len == 2 && memcmp(s, "..", 2) == 0)
		return refuse(e, text, "contains \"..\"");
	if (len > NAME_MAX)
		return refuse(e, text, "has a name longer than 255 bytes");
	size_t parent_len = strlen(p->parent), name_len = strlen(p->name);
	if (name_len) {
		if (parent_len + name_len + len + 3 > sizeof(p->parent))
			return refuse(e, text, "is longer than a path can be");
		if (parent_len)
			p->parent[parent_len++] = '/';
		memcpy(p->parent + parent_len, p->name, name_len + 1);
	}
	memcpy(p->name, s, len);
	p->name[len] = '\0';
	return 0;
}

static int split(const char *path, struct layer_path *p, const char *text, struct err *e)
{
	p->parent[0] = p->name[0] = '\0';
	if (path[0] == '\0')
		return refuse(e, text, "is an empty name");
	while (*path) {
		size_t len = strcspn(path, "/");
		bool skipped = len == 0 || (len == 1 && path[0] == '.');
		if (!skipped && add_component(p, path, len, text, e) < 0)
			return -1;
		path += len + (path[len] == '/');
	}
	return 0;
}

/* 1 when the path lies inside a directory that aufs kept for itself, 0 when not, -1 with e for other
 * directories that are called like whiteouts. */
static int inside_whiteout(const char *parent, const char *text, struct err *e)
{
	for (const char *s = parent; *s;) {
		size_t len = strcspn(s, "/");
		if (starts(s, WHITEOUT_META))
			return 1;
		if (starts(s, WHITEOUT))
			return refuse(e, text, "has a whiteout for a directory");
		s += len + (s[len] == '/');
	}
	return 0;
}

int layer_path_parse_plain(const char *text, struct layer_path *p, struct err *e)
{
	return DEFENCE("entry-names") && text[0] == '/' ? refuse(e, text, "is an absolute path")
	                                                : split(text, p, text, e);
}

/* Whiteouts of nothing (".wh.", ".wh..", ".wh..."), which would remove the directory that they are in or the
 * one above, are judged after the mark is taken off. Test: test_archive_unpack.c, test_paths. */
int layer_path_parse(const char *text, struct layer_path *p, struct err *e)
{
	if (layer_path_parse_plain(text, p, e) < 0)
		return -1;
	int inside = inside_whiteout(p->parent, text, e);
	if (inside != 0)
		return inside < 0 ? -1 : LAYER_PATH_IGNORED;
	if (!starts(p->name, WHITEOUT))
		return LAYER_PATH_PLAIN;
	if (strcmp(p->name, OPAQUE) == 0) {
		p->name[0] = '\0';
		return LAYER_PATH_OPAQUE;
	}
	if (starts(p->name, WHITEOUT_META))
		return LAYER_PATH_IGNORED;
	const char *hidden = p->name + strlen(WHITEOUT);
	if (DEFENCE("whiteout-names") &&
	        (hidden[0] == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0))
		return refuse(e, text, "is a whiteout of nothing that can be removed");
	memmove(p->name, hidden, strlen(hidden) + 1);
	return LAYER_PATH_WHITEOUT;
}

int layer_path_parse_link(const char *text, struct layer_path *p, struct err *e)
{
	return split(text + strspn(text, "/"), p, text, e);
}
