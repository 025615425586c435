/* Looking at trees of files that do not exist: directories are made from the paths of the files in them. */
#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE 700 /* the type bits of st_mode */
#endif
#include "engine/simulation_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/simulation_volume.h"

#define LINKS_MAX   8
#define CONTENT_MAX (UINT64_C(1) << 20) /* more of a file without a text isn't made */

/* ------------------------------------------------------------------ trees */

static const struct sim_file *set_of(const char *owner)
{
	for (size_t i = 0; i < sim_n_file_sets; i++)
		if (strcmp(sim_file_sets[i].owner, owner) == 0)
			return sim_file_sets[i].files;
	return NULL;
}

static size_t add_set(const struct sim_file *sets[SIM_SETS_MAX], size_t n, const char *owner)
{
	const struct sim_file *set = set_of(owner);

	if (set && n < SIM_SETS_MAX)
		sets[n++] = set;
	return n;
}

size_t sim_sets_of_container(const struct sim_container *c, const struct sim_file *sets[SIM_SETS_MAX])
{
	const struct sim_image_role *image = NULL;
	size_t n = c->role ? add_set(sets, 0, c->role->name) : 0;

	for (size_t i = 0; i < sim_n_images && !image; i++)
		if (sim_image_roles[i].name && strcmp(sim_image_roles[i].name, c->image) == 0)
			image = &sim_image_roles[i];
	if (image && image->name)
		n = add_set(sets, n, image->name);
	if (image && image->base)
		n = add_set(sets, n, image->base);
	return add_set(sets, n, "base");
}

/* A layer shows what its image adds; the first one of a base, all of the base. */
static size_t sets_of_layer(const char *diff_id, const struct sim_file *sets[SIM_SETS_MAX])
{
	char id[8 + TARE_ID_LEN];

	for (size_t i = 0; i < sim_n_images; i++) {
		const struct sim_image_role *role = &sim_image_roles[i];

		for (size_t k = 0; k < 8 && role->layers[k].created_by; k++) {
			size_t n;

			sim_layer_id(&role->layers[k], id);
			if (strcmp(id, diff_id) != 0)
				continue;
			n = add_set(sets, 0, role->name ? role->name : "shop/api:2.4");
			return role->base ? n : add_set(sets, n, "base");
		}
	}
	return 0;
}

/* What users brought in lies above all, in *copied, the caller's to free. */
static size_t add_copied(const struct simulation *s, const char *owner, struct sim_file **copied,
        const struct sim_file *sets[SIM_SETS_MAX])
{
	*copied = sim_copied_set(s, owner);
	sets[0] = *copied;
	return *copied ? 1 : 0;
}

static int sets_of(struct simulation *s, enum tare_tree tree, const char *ref,
        const struct sim_file *sets[SIM_SETS_MAX], size_t *n, struct sim_file **copied, struct err *e)
{
	const struct sim_container *c;
	const struct sim_volume *v;
	cleanup_free char *owner = NULL, *own = NULL;

	*n = 0;
	switch (tree) {
	case TARE_TREE_CONTAINER:
		c = sim_find(s, ref, e);
		if (!c)
			return -1;
		*n = add_copied(s, c->id, copied, sets);
		*n += sim_sets_of_container(c, sets + *n);
		return 0;
	case TARE_TREE_VOLUME:
		v = sim_find_volume(s, ref, e);
		if (!v)
			return -1;
		own = str_printf("volume:%s", ref);
		owner = str_printf("volume:%s", v->files ? v->files : v->name);
		*n = own ? add_copied(s, own, copied, sets) : 0;
		*n = owner ? add_set(sets, *n, owner) : *n;
		return 0;
	case TARE_TREE_LAYER:
		*n = sets_of_layer(ref, sets);
		return *n ? 0 : err_set(e, ERR_NOT_FOUND, "there is no layer \"%.80s\"", ref);
	}
	return err_set(e, ERR_USAGE, "there is no such kind of tree");
}

/* ------------------------------------------------------------------ paths */

/* Without ".", ".." and double slashes, none in front. False: too long. */
static bool normalize(const char *path, char *dst, size_t size)
{
	size_t len = 0;

	dst[0] = '\0';
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			char *slash = strrchr(dst, '/');

			*(slash ? slash : dst) = '\0';
			len = strlen(dst);
		} else if (n > 0 && !(n == 1 && *path == '.')) {
			if (len + n + 2 > size)
				return false;
			len += (size_t)snprintf(
			        dst + len, size - len, "%s%.*s", len ? "/" : "", (int)n, path);
		}
		path += n + (path[n] == '/');
	}
	return true;
}

/* The entry itself, or a link that stands in the way at path[0..*used). */
static const struct sim_file *entry_or_link(
        const struct sim_file *const *sets, size_t n, const char *path, size_t *used, bool *directory)
{
	size_t len = strlen(path);

	*directory = len == 0;
	*used = len;
	for (size_t i = 0; i < n; i++) {
		for (const struct sim_file *f = sets[i]; f->path; f++) {
			size_t own = strlen(f->path);

			if (f->removed)
				continue;
			if (own == len && memcmp(f->path, path, len) == 0)
				return f;
			if (own < len && S_ISLNK(f->mode) && memcmp(f->path, path, own) == 0 &&
			        path[own] == '/') {
				*used = own;
				return f;
			}
			if (own > len && memcmp(f->path, path, len) == 0 && f->path[len] == '/')
				*directory = true;
		}
	}
	return NULL;
}

const struct sim_file *sim_file_at(const struct sim_file *const *sets, size_t n, const char *path,
        bool *directory, char *real, size_t size)
{
	cleanup_free char *work = malloc(PATH_MAX);
	const struct sim_file *f;
	size_t used;

	*directory = false;
	if (!work || !normalize(path, real, size))
		return NULL;
	for (int links = 0; links < LINKS_MAX; links++) {
		int len;

		f = entry_or_link(sets, n, real, &used, directory);
		if (!f || !S_ISLNK(f->mode)) {
			if (f && S_ISDIR(f->mode))
				*directory = true;
			return f;
		}
		/* The target stands in the link's own directory, or begins at the root. */
		len = snprintf(work, PATH_MAX, "%.*s/%s%s", f->text[0] == '/' ? 0 : (int)used, real,
		        f->text[0] == '/' ? "" : "../", f->text);
		if (len < 0 || (size_t)len + strlen(real + used) + 1 > PATH_MAX)
			return NULL;
		memcpy(work + len, real + used, strlen(real + used) + 1);
		if (!normalize(work, real, size))
			return NULL;
	}
	*directory = false;
	return NULL;
}

/* ------------------------------------------------------------------ lists */

static uint64_t size_of(const struct sim_file *f)
{
	return f->text ? strlen(f->text) : f->size;
}

static bool listed(const struct tare_file_list *l, const char *name, size_t len)
{
	for (size_t i = 0; i < l->n; i++)
		if (strlen(l->rows[i].name) == len && memcmp(l->rows[i].name, name, len) == 0)
			return true;
	return false;
}

static int list_one(struct tare_file_list *l, const struct sim_file *f, const char *name, int64_t mtime)
{
	size_t len = strcspn(name, "/");
	bool whole = !name[len];
	struct tare_file *grown, *row;

	if (listed(l, name, len))
		return 0;
	grown = realloc(l->rows, (l->n + 1) * sizeof(*grown));
	if (!grown)
		return -1;
	l->rows = grown;
	row = &grown[l->n];
	*row = (struct tare_file){.name = strndup(name, len),
	        .mode = whole ? f->mode : S_IFDIR | 0755,
	        .size = whole && S_ISREG(f->mode) ? size_of(f) : 0,
	        .mtime = mtime - (int64_t)(sim_hash_text(f->path) % (90 * 86400)) * SIM_SECOND,
	        .removed = whole && f->removed};
	if (!row->name)
		return -1;
	l->n++;
	if (whole && S_ISLNK(f->mode))
		row->target = strdup(f->text);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tare_file *)a)->name, ((const struct tare_file *)b)->name);
}

int sim_directory(const struct sim_file *const *sets, size_t n, const char *path, int64_t mtime,
        struct tare_file_list *out, struct err *e)
{
	char real[PATH_MAX];
	bool directory;
	const struct sim_file *at = sim_file_at(sets, n, path, &directory, real, sizeof(real));
	size_t len = strlen(real);

	*out = (struct tare_file_list){0};
	if (!directory)
		return at ? err_set(e, ERR_CONFLICT, "%s is no directory", path)
		          : err_set(e, ERR_NOT_FOUND, "there is no directory %s", path);
	for (size_t i = 0; i < n; i++) {
		for (const struct sim_file *f = sets[i]; f->path; f++) {
			bool inside = len == 0 || (strncmp(f->path, real, len) == 0 && f->path[len] == '/');

			if (inside && list_one(out, f, f->path + (len ? len + 1 : 0), mtime) < 0) {
				tare_file_list_free(out);
				return err_no_memory(e);
			}
		}
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof(*out->rows), by_name);
	return 0;
}

/* ------------------------------------------------------------------ the table's functions */

int sim_files(struct tare_engine *t, enum tare_tree tree, const char *ref, const char *path,
        struct tare_file_list *out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_file *sets[SIM_SETS_MAX + 1];
	cleanup_free struct sim_file *copied = NULL;
	size_t n;

	*out = (struct tare_file_list){0};
	if (sets_of(s, tree, ref, sets, &n, &copied, e) < 0)
		return -1;
	return sim_directory(sets, n, path, sim_wall(s, 0), out, e);
}

/* Half text, so that a look at it shows something. */
static int write_content(int fd, const struct sim_file *f)
{
	uint64_t left = f->size < CONTENT_MAX ? f->size : CONTENT_MAX;
	char block[1024];

	if (f->text)
		return write_all(fd, f->text, strlen(f->text));
	for (uint64_t n = 0; left > 0; n++) {
		size_t len = left < sizeof(block) ? (size_t)left : sizeof(block);

		for (size_t i = 0; i < len; i++)
			block[i] = (char)(sim_hash(f->size, n * sizeof(block) + i) & (i & 512 ? 0x3f : 0xff));
		if (write_all(fd, block, len) < 0)
			return -1;
		left -= len;
	}
	return 0;
}

int sim_file_open(
        struct tare_engine *t, enum tare_tree tree, const char *ref, const char *path, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_file *sets[SIM_SETS_MAX + 1], *f;
	cleanup_free struct sim_file *copied = NULL;
	char real[PATH_MAX];
	bool directory;
	size_t n;
	cleanup_fd int fd = -1;

	if (sets_of(s, tree, ref, sets, &n, &copied, e) < 0)
		return -1;
	f = sim_file_at(sets, n, path, &directory, real, sizeof(real));
	if (!f || !S_ISREG(f->mode))
		return directory ? err_set(e, ERR_CONFLICT, "%s is a directory", path)
		                 : err_set(e, ERR_NOT_FOUND, "there is no file %s", path);
	fd = sim_nameless(s, e);
	if (fd < 0)
		return -1;
	if (write_content(fd, f) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "cannot make the file %s", path);
	return steal_fd(&fd);
}
