/* Files that users bring into the simulation, which shows them from then on; and what a container changed. */
#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE 700 /* the type bits of st_mode */
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "engine/simulation_registry.h"
#include "engine/simulation_volume.h"

#define TEXT_MAX   1024 /* of a file, to be remembered */
#define COPIED_MAX 1000

/* ------------------------------------------------------------------ what is there */

void sim_copied_free(struct simulation *s)
{
	for (size_t i = 0; i < s->n_copied; i++) {
		free(s->copied[i].owner);
		free(s->copied[i].path);
		free(s->copied[i].text);
	}
	free(s->copied);
}

struct sim_file *sim_copied_set(const struct simulation *s, const char *owner)
{
	struct sim_file *set = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->n_copied; i++)
		n += !strcmp(s->copied[i].owner, owner);
	if (n)
		set = calloc(n + 1, sizeof(*set));
	n = 0;
	for (size_t i = s->n_copied; set && i > 0; i--) {
		const struct sim_copied *c = &s->copied[i - 1];

		if (!strcmp(c->owner, owner))
			set[n++] = (struct sim_file){
			        .path = c->path, .text = c->text, .size = c->size, .mode = c->mode};
	}
	return set;
}

void sim_copied_apply(struct simulation *s, json *line, int64_t at)
{
	struct sim_copied *grown = realloc(s->copied, (s->n_copied + 1) * sizeof(*grown)), *c;
	const char *path = json_str(line, "path", ""), *text = json_str(line, "text", NULL);
	int64_t size = json_int(line, "bytes", 0), mode = json_int(line, "mode", 0644);

	if (!grown)
		return;
	s->copied = grown;
	if (s->n_copied >= COPIED_MAX || !*path || *path == '/' || strlen(path) >= PATH_MAX)
		return;
	c = &grown[s->n_copied];
	*c = (struct sim_copied){.owner = strdup(json_str(line, "owner", "")),
	        .path = strdup(path),
	        .text = text ? strdup(text) : NULL,
	        .at = at,
	        .mtime = json_int(line, "mtime", 0),
	        .size = size > 0 ? (uint64_t)size : 0,
	        .mode = (mode & S_IFDIR ? S_IFDIR : S_IFREG) | ((unsigned)mode & 07777)};
	if (c->owner && c->path)
		s->n_copied++;
}

/* ------------------------------------------------------------------ copy */

/* The side in the simulation: "NAME:/path" of a container, or of a volume where no container is called so. */
struct side {
	enum tare_tree tree;
	char *ref, *owner, *path;
};

static void side_free(struct side *x)
{
	free(x->ref);
	free(x->owner);
	free(x->path);
}

static int side_of(struct simulation *s, const char *text, struct side *x, struct err *e)
{
	const char *colon = strchr(text, ':');
	const struct sim_container *c;

	x->ref = colon ? strndup(text, (size_t)(colon - text)) : NULL;
	x->path = colon ? strdup(colon + 1) : NULL;
	if (!x->ref || !x->path)
		return err_set(e, ERR_USAGE, "one side is in a container: NAME:PATH");
	c = sim_find(s, x->ref, e);
	x->tree = c ? TARE_TREE_CONTAINER : TARE_TREE_VOLUME;
	if (!c && !sim_find_volume(s, x->ref, NULL))
		return -1;
	x->owner = c ? strdup(c->id) : str_printf("volume:%s", x->ref);
	return x->owner ? 0 : err_no_memory(e);
}

static bool is_inside(const char *text)
{
	size_t n = strcspn(text, ":/");

	return *text != '/' && *text != '.' && text[n] == ':';
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "\0"-free UTF-8 of little length is kept as it is. */
static void remember_text(json *line, const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[TEXT_MAX + 1];
	ssize_t n = fd < 0 ? -1 : read_full(fd, text, sizeof(text));

	if (n < 0 || n > TEXT_MAX || memchr(text, '\0', (size_t)n) || !utf8_valid(text, (size_t)n))
		return;
	text[n] = '\0';
	json_set_str(line, "text", text);
}

static int copy_in(
        struct simulation *s, const char *from, const struct side *x, struct progress *p, struct err *e)
{
	static const struct sim_phases phases = {"copying", "syncing", 0.95};
	struct sim_layer_move move = {.object = ""};
	struct tare_file_list there = {0};
	struct stat st;
	cleanup_free char *path = NULL;
	json *line;

	if (stat(from, &st) < 0)
		return err_sys(e, "cannot read %s", from);
	/* into a directory that is there under its own name */
	if (sim_files(&s->api, x->tree, x->ref, *x->path ? x->path : "/", &there, NULL) == 0)
		path = str_printf("%s%s%s", x->path,
		        *x->path && x->path[strlen(x->path) - 1] == '/' ? "" : "/", base_of(from));
	else
		path = strdup(x->path);
	tare_file_list_free(&there);
	if (!path)
		return err_no_memory(e);
	move.size = (uint64_t)st.st_size;
	snprintf(move.object, sizeof(move.object), "%.12s", base_of(from));
	sim_move(s, &move, 1, &phases, p);
	line = sim_action("copy-in", NULL);
	json_set_str(line, "owner", x->owner);
	json_set_str(line, "path", path + strspn(path, "/"));
	json_set_int(line, "bytes", (int64_t)st.st_size);
	json_set_int(line, "mode", (int64_t)(S_ISDIR(st.st_mode) ? S_IFDIR : S_IFREG) | (st.st_mode & 0777));
	json_set_int(line, "mtime", (int64_t)st.st_mtime * SIM_SECOND);
	if (S_ISREG(st.st_mode))
		remember_text(line, from);
	return sim_journal_add(s, line, e);
}

static uint64_t size_in(const struct tare_file_list *l)
{
	uint64_t size = 0;

	for (size_t i = 0; i < l->n; i++)
		size += l->rows[i].size;
	return size;
}

/* Nothing is written: there is nothing to write. */
static int copy_out(
        struct simulation *s, const struct side *x, const char *to, struct progress *p, struct err *e)
{
	static const struct sim_phases phases = {"copying", "syncing", 0.95};
	struct sim_layer_move move = {.object = ""};
	struct tare_file_list list = {0};
	int fd;

	if (!strcmp(to, "-"))
		return err_set(e, ERR_UNSUPPORTED, "the demo has no bytes to print; name a file");
	snprintf(move.object, sizeof(move.object), "%.12s", base_of(x->path));
	if (sim_files(&s->api, x->tree, x->ref, x->path, &list, NULL) == 0) {
		move.size = size_in(&list);
	} else {
		struct stat st;

		fd = sim_file_open(&s->api, x->tree, x->ref, x->path, e);
		if (fd < 0)
			return -1;
		move.size = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
		close(fd);
	}
	tare_file_list_free(&list);
	sim_move(s, &move, 1, &phases, p);
	return 0;
}

int sim_copy(struct tare_engine *t, const struct tare_copy *q, struct progress *p, struct err *e)
{
	struct simulation *s = sim_of(t);
	__attribute__((cleanup(side_free))) struct side x = {0};
	bool out = is_inside(q->from);

	if (sim_refresh(s, e) < 0)
		return -1;
	if (out == is_inside(q->to))
		return err_set(e, ERR_USAGE, "exactly one side is in a container: NAME:PATH");
	if (side_of(s, out ? q->from : q->to, &x, e) < 0)
		return -1;
	return out ? copy_out(s, &x, q->to, p, e) : copy_in(s, q->from, &x, p, e);
}

/* ------------------------------------------------------------------ what a container changed */

enum { KIND_CHANGED, KIND_ADDED, KIND_DELETED };

/* By what is in its image; a directory is changed by what comes into it. */
static const struct {
	const char *image;
	int kind;
	const char *path;
} changes[] = {
        {"nginx:1.27", KIND_CHANGED, "/etc/nginx"},
        {"nginx:1.27", KIND_CHANGED, "/etc/nginx/mime.types"},
        {"nginx:1.27", KIND_CHANGED, "/run"},
        {"nginx:1.27", KIND_ADDED, "/run/nginx.pid"},
        {"nginx:1.27", KIND_CHANGED, "/usr/share/nginx/html"},
        {"nginx:1.27", KIND_DELETED, "/usr/share/nginx/html/50x.html"},
        {"nginx:1.27", KIND_ADDED, "/var/cache/nginx/client_temp"},
        {"nginx:1.27", KIND_ADDED, "/var/cache/nginx/proxy_temp"},
        {"postgres:16", KIND_CHANGED, "/run/postgresql"},
        {"postgres:16", KIND_ADDED, "/run/postgresql/.s.PGSQL.5432.lock"},
        {"redis:7", KIND_ADDED, "/run/redis.pid"},
        {"debian:12", KIND_ADDED, "/root/.bash_history"},
        {"debian:12", KIND_CHANGED, "/var/cache/apt/pkgcache.bin"},
        {NULL, KIND_CHANGED, "/tmp"},
        {NULL, KIND_ADDED, "/tmp/.lock"},
};

struct change {
	char *path;
	int kind;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->path, ((const struct change *)b)->path);
}

static void add_change(struct change *list, size_t *n, char *path, int kind)
{
	for (size_t i = 0; path && i < *n; i++)
		if (!strcmp(list[i].path, path)) {
			free(path);
			return;
		}
	if (path)
		list[(*n)++] = (struct change){path, kind};
}

int sim_diff(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	size_t n_table = sizeof(changes) / sizeof(*changes), n = 0;
	struct change *list = c ? calloc(n_table + s->n_copied + 1, sizeof(*list)) : NULL;
	struct sim_status st;

	if (!list)
		return c ? err_no_memory(e) : -1;
	st = sim_at(c, sim_now(s));
	for (size_t i = 0; i < n_table && st.started != SIM_NEVER; i++)
		if (!changes[i].image || !strcmp(changes[i].image, c->image))
			add_change(list, &n, strdup(changes[i].path), changes[i].kind);
	for (size_t i = 0; i < s->n_copied; i++)
		if (!strcmp(s->copied[i].owner, c->id))
			add_change(list, &n, str_printf("/%s", s->copied[i].path), KIND_ADDED);
	qsort(list, n, sizeof(*list), by_path);
	*out = json_object_new_array();
	for (size_t i = 0; i < n; i++) {
		json *row = json_object_new_object();

		json_set_str(row, "Path", list[i].path);
		json_set_int(row, "Kind", list[i].kind);
		json_object_array_add(*out, row);
		free(list[i].path);
	}
	free(list);
	return 0;
}
