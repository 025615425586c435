/* Looking at volumes: rows of the list, Docker's document, sizes. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/engine.h"

static const char *kind_name(enum volume_kind kind)
{
	static const char *const names[] = {"directory", "tmpfs", "bind"};

	return names[kind];
}

static char *path_of(const struct store *s, const struct volume_record *r, const char *name)
{
	return r->kind == VOLUME_BIND ? strdup(r->device) : str_printf("%s/volumes/%s/data", s->root, name);
}

/* ------------------------------------------------------------------ list */

/* A record that cannot be read hides no volume. */
static int fill_row(
        const struct store *s, const char *name, const struct volume_users *users, struct tare_volume *v)
{
	cleanup_volume_record struct volume_record r = {0};

	volume_record_read(s, name, &r, NULL);
	*v = (struct tare_volume){.name = strdup(name),
	        .path = path_of(s, &r, name),
	        .created = r.created,
	        .anonymous = volume_is_anonymous(name),
	        .labels = json_object_get(r.labels),
	        .options = json_object_get(r.options),
	        .kind = kind_name(r.kind),
	        .quota = r.quota};
	for (size_t i = 0; i < users->n; i++)
		if (strcmp(users->rows[i].volume, name) == 0 && !strv_has(v->used_by, users->rows[i].id) &&
		        strv_add(&v->used_by, users->rows[i].id) != 0)
			return -1;
	return v->name && v->path ? 0 : -1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tare_volume *)a)->name, ((const struct tare_volume *)b)->name);
}

static int add_rows(
        const struct store *s, DIR *d, const struct volume_users *users, struct tare_volume_list *out)
{
	for (struct dirent *entry; (entry = readdir(d));) {
		if (!isalnum((unsigned char)entry->d_name[0]) || strlen(entry->d_name) >= VOLUME_NAME_MAX)
			continue;
		struct tare_volume *rows = realloc(out->rows, (out->n + 1) * sizeof *rows);
		if (!rows)
			return -1;
		out->rows = rows;
		if (fill_row(s, entry->d_name, users, &rows[out->n++]) != 0)
			return -1;
	}
	return 0;
}

int volumes_list(const struct store *s, struct tare_volume_list *out, struct err *e)
{
	cleanup_volume_users struct volume_users users = {0};

	*out = (struct tare_volume_list){0};
	int fd = openat(s->volumes_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_sys(e, "cannot read %s/volumes", s->root);
	if (volume_users(s, NULL, &users, e) != 0)
		return -1;
	if (add_rows(s, d, &users, out) != 0) {
		tare_volume_list_free(out);
		return err_no_memory(e);
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof *out->rows, by_name);
	return 0;
}

/* ------------------------------------------------------------------ inspect */

static json *users_json(const struct volume_users *users)
{
	json *a = json_object_new_array();

	for (size_t i = 0; i < users->n; i++) {
		const struct volume_user *u = &users->rows[i];
		json *o = json_object_new_object();
		json_set_str(o, "Id", u->id);
		json_set_str(o, "Name", u->name);
		json_set_bool(o, "Running", u->running);
		json_set_str(o, "Destination", u->destination);
		json_set_bool(o, "RW", u->writable);
		json_object_array_add(a, o);
	}
	return a;
}

int engine_volume_inspect(struct tare_engine *t, const char *name, json **out, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_volume_record struct volume_record r = {0};
	cleanup_volume_users struct volume_users users = {0};
	char created[TIME_TEXT_SIZE];
	json *schedule;

	if (volume_record_read(s, name, &r, e) != 0 || volume_users(s, name, &users, e) != 0)
		return -1;
	cleanup_free char *path = path_of(s, &r, name);
	*out = json_object_new_object();
	json_set_str(*out, "CreatedAt", time_format(r.created, created));
	json_set_str(*out, "Driver", "local");
	json_set(*out, "Labels", r.labels ? json_object_get(r.labels) : json_object_new_object());
	json_set_str(*out, "Mountpoint", path);
	json_set_str(*out, "Name", name);
	json_set(*out, "Options", r.options ? json_object_get(r.options) : json_object_new_object());
	json_set_str(*out, "Scope", "local");
	json_set_str(*out, "Kind", kind_name(r.kind));
	if (r.quota)
		json_set_int(*out, "Quota", (int64_t)r.quota);
	json_set_bool(*out, "Anonymous", volume_is_anonymous(name));
	json_set(*out, "UsedBy", users_json(&users));
	if (tare_volume_schedule(s->root, name, &schedule, NULL) == 0 && schedule)
		json_set(*out, "Schedule", schedule);
	return 0;
}

/* ------------------------------------------------------------------ sizes */

/* What is not there holds nothing. */
static int size_of_tmpfs(int data, uint64_t *bytes)
{
	struct statfs fs;

	if (data >= 0 && fstatfs(data, &fs) == 0)
		*bytes = (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
	return 0;
}

/* A quota's own count costs nothing. */
static int size_of_directory(int dir_fd, int data, const struct volume_record *r, uint64_t *bytes)
{
	int64_t used = r->quota ? volume_quota_used(data) : -1;
	uint64_t entries;

	*bytes = used > 0 ? (uint64_t)used : 0;
	return used >= 0 ? 0 : tree_size_at(dir_fd, "data", bytes, &entries);
}

static int size_at(int dir_fd, const struct volume_record *r, uint64_t *bytes, struct err *e)
{
	uint64_t entries;
	int rc;

	if (r->kind == VOLUME_BIND) {
		cleanup_free char *real =
		        realpath(r->device, NULL); /* it may be a link, as for a container */
		rc = real ? tree_size_at(AT_FDCWD, real, bytes, &entries) : -1;
		return rc != 0 && errno != ENOENT ? err_sys(e, "cannot read volume %s", r->name) : 0;
	}
	cleanup_fd int data = volume_open_data_at(dir_fd, r, r->kind == VOLUME_TMPFS ? NULL : e);
	if (r->kind == VOLUME_TMPFS)
		return size_of_tmpfs(data, bytes);
	if (data < 0)
		return -1;
	return size_of_directory(dir_fd, data, r, bytes) != 0 ? err_sys(e, "cannot read volume %s", r->name)
	                                                      : 0;
}

int volume_size(const struct store *s, const char *name, uint64_t *bytes, struct err *e)
{
	cleanup_volume_record struct volume_record r = {0};

	*bytes = 0;
	if (volume_record_read(s, name, &r, e) != 0)
		return -1;
	cleanup_fd int dir = openat(s->volumes_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir < 0 ? err_set(e, ERR_NOT_FOUND, "no such volume: %s", name) : size_at(dir, &r, bytes, e);
}

int engine_volume_size(struct tare_engine *t, const char *name, uint64_t *bytes, struct err *e)
{
	return volume_size(engine_store(t), name, bytes, e);
}
