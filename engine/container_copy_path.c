#include "engine/container_copy_path.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

/* ------------------------------------------------------------------ operands */

/* "./a:b" and "/a:b" are paths of this host, and so is "a/b:c": no container is called "a/b". */
static const char *colon_of(const char *text)
{
	const char *colon = strchr(text, ':');

	if (!colon || colon == text || text[0] == '.' || memchr(text, '/', (size_t)(colon - text)))
		return NULL;
	return colon;
}

int copy_operand_parse(const char *text, struct copy_operand *o, struct err *e)
{
	const char *colon = colon_of(text), *path = colon ? colon + 1 : text;

	*o = (struct copy_operand){.place = colon ? COPY_CONTAINER : COPY_HOST};
	if (strcmp(text, "-") == 0) {
		o->place = COPY_STREAM;
		return 0;
	}
	if (!*path)
		return colon ? err_set(e, ERR_USAGE, "\"%s\" lacks a path; its root is %s/", text, text)
		             : err_set(e, ERR_USAGE, "a path is empty; the current directory is \".\"");
	if (colon)
		o->container = strndup(text, (size_t)(colon - text));
	o->path = strdup(path);
	return o->path && (!colon || o->container) ? 0 : err_no_memory(e);
}

void copy_operand_free(struct copy_operand *o)
{
	free(o->container);
	free(o->path);
	*o = (struct copy_operand){0};
}

/* ------------------------------------------------------------------ paths */

/* How much of it there is without slashes and "." at its end. */
static size_t end_of(const char *s, struct copy_path *p)
{
	size_t n = strlen(s);

	for (;;) {
		if (n > 1 && s[n - 1] == '/')
			n--;
		else if (n > 1 && s[n - 1] == '.' && s[n - 2] == '/')
			n--, p->content = true;
		else
			return n;
		p->is_dir = true;
	}
}

/* ".." stays in the text: only a file system knows where that is. */
int copy_path_parse(const char *text, struct copy_path *p, struct err *e)
{
	*p = (struct copy_path){0};
	size_t n = end_of(text, p), name = n;

	while (name > 0 && text[name - 1] != '/')
		name--;
	bool nameless = name == n || (n - name == 1 && text[name] == '.') ||
	                (n - name == 2 && strncmp(text + name, "..", 2) == 0);
	size_t dir = name;
	while (dir > 1 && text[dir - 1] == '/')
		dir--;
	p->text = strndup(text, n);
	p->dir = dir ? strndup(text, dir) : strdup(".");
	if (nameless)
		p->is_dir = p->content = true;
	else
		p->name = strndup(text + name, n - name);
	return p->text && p->dir && (nameless || p->name) ? 0 : err_no_memory(e);
}

void copy_path_free(struct copy_path *p)
{
	free(p->text);
	free(p->dir);
	free(p->name);
	*p = (struct copy_path){0};
}

char *copy_path_follow(const struct copy_path *p, const char *target)
{
	const char *end = p->is_dir ? "/" : "";

	return target[0] == '/' ? str_printf("%s%s", target, end)
	                        : str_printf("%s/%s%s", p->dir, target, end);
}

/* ------------------------------------------------------------------ rules */

static int rule_of_file(const struct copy_path *source, const char *from, const struct copy_path *dest,
        enum copy_kind dest_kind, const char *to, struct err *e)
{
	if (source->is_dir)
		return err_set(e, ERR_USAGE, "%s is not a directory", from);
	if (dest_kind == COPY_DIRECTORY)
		return COPY_INTO;
	if (dest->is_dir)
		return dest_kind == COPY_NOTHING
		               ? err_set(e, ERR_NOT_FOUND, "%s: no such directory; make it first", to)
		               : err_set(e, ERR_USAGE, "%s is not a directory", to);
	return COPY_AS;
}

int copy_rule(const struct copy_path *source, enum copy_kind source_kind, const char *from,
        const struct copy_path *dest, enum copy_kind dest_kind, const char *to, struct err *e)
{
	if (source_kind != COPY_DIRECTORY)
		return rule_of_file(source, from, dest, dest_kind, to, e);
	if (dest_kind == COPY_FILE)
		return err_set(e, ERR_USAGE, "cannot copy the directory %s over the file %s", from, to);
	if (dest_kind == COPY_NOTHING)
		return COPY_AS;
	return source->content ? COPY_CONTENT : COPY_INTO;
}
