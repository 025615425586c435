/* Which snapshots there are. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/backup/repository_own.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **repository_snapshot_ids(struct repository *r, struct err *e)
{
	cleanup_strv char **ids = calloc(1, sizeof(*ids));
	cleanup_fd int fd = openat(r->snapshots, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir || !ids)
		return err_sys_null(e, "cannot list %s/snapshots", r->dir);
	fd = -1;
	for (struct dirent *d; (errno = 0, d = readdir(dir));)
		if (snapshot_id_is(d->d_name) && strv_add(&ids, d->d_name) < 0) {
			err_no_memory(e);
			return NULL;
		}
	if (errno)
		return err_sys_null(e, "cannot list %s/snapshots", r->dir);
	qsort(ids, strv_len(ids), sizeof(*ids), by_text);
	return steal_ptr(&ids);
}

static int by_time(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;
	return x->time != y->time ? (x->time < y->time ? -1 : 1) : strcmp(x->id, y->id);
}

static int add_row(struct snapshot_list *l, struct snapshot *s, struct err *e)
{
	struct snapshot *grown = realloc(l->rows, (l->n + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	l->rows = grown;
	l->rows[l->n++] = *s;
	*s = (struct snapshot){0};
	return 0;
}

static int list_ids(
        struct repository *r, char *const *ids, const char *volume, struct snapshot_list *out, struct err *e)
{
	strv_foreach (id, ids) {
		struct err why = ERR_INIT;
		cleanup_snapshot_record struct snapshot_record record = {0};
		if (snapshot_read(r->snapshots, &r->seal, *id, &record, &why) < 0) {
			strcpy(out->unread, *id);
			out->n_unread++;
			continue;
		}
		if (volume && strcmp(record.about.volume, volume) != 0)
			continue;
		if (add_row(out, &record.about, e) < 0)
			return -1;
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof(*out->rows), by_time);
	return 0;
}

int repository_list(struct repository *r, const char *volume, struct snapshot_list *out, struct err *e)
{
	*out = (struct snapshot_list){0};
	cleanup_strv char **ids = repository_snapshot_ids(r, e);
	if (!ids)
		return -1;
	if (list_ids(r, ids, volume, out, e) == 0)
		return 0;
	snapshot_list_free(out);
	return -1;
}

static int no_backup(const struct repository *r, const char *volume, struct err *e)
{
	return volume ? err_set(e, ERR_NOT_FOUND, "%s has no backup of the volume \"%.200s\"", r->dir, volume)
	              : err_set(e, ERR_NOT_FOUND, "%s has no backup", r->dir);
}

int repository_newest(struct repository *r, const char *volume, struct snapshot *out, struct err *e)
{
	struct snapshot_list list;
	*out = (struct snapshot){0};
	if (repository_list(r, volume, &list, e) < 0)
		return -1;
	int rc = list.n ? 0 : no_backup(r, volume, e);
	if (list.n)
		*out = list.rows[--list.n];
	snapshot_list_free(&list);
	return rc;
}

/* One that cannot be read may be the newest: to restore the one before it would be a wrong result that nobody
 * notices. tests/e2e/backup-repository.bats */
static int find_latest(struct repository *r, const char *volume, struct snapshot *out, struct err *e)
{
	struct snapshot_list list;
	char unread[SNAPSHOT_ID_SIZE];
	if (repository_list(r, volume, &list, e) < 0)
		return -1;
	size_t n = list.n_unread;
	strcpy(unread, list.unread);
	snapshot_list_free(&list);
	if (n)
		return err_set(e, ERR_CORRUPT,
		        "which backup is the latest cannot be told, as %s%s cannot be read; name one by its "
		        "id, or forget that one (tare volume verify %s says more)",
		        unread, n > 1 ? " and others" : "", r->dir);
	return repository_newest(r, volume, out, e);
}

int repository_find(
        struct repository *r, const char *id, const char *volume, struct snapshot *out, struct err *e)
{
	const char *found = NULL;
	size_t len = strlen(id);
	*out = (struct snapshot){0};
	if (strcmp(id, "latest") == 0)
		return find_latest(r, volume, out, e);
	cleanup_strv char **ids = repository_snapshot_ids(r, e);
	if (!ids)
		return -1;
	strv_foreach (s, ids) {
		if (len == 0 || strncmp(*s, id, len) != 0)
			continue;
		if (found)
			return err_set(e, ERR_CONFLICT,
			        "several backups begin with \"%.40s\"; give more of the id", id);
		found = *s;
	}
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "%s has no backup \"%.40s\"", r->dir, id);
	cleanup_snapshot_record struct snapshot_record record = {0};
	strcpy(out->id, found);
	if (snapshot_read(r->snapshots, &r->seal, found, &record, e) < 0)
		return err_wrap(e, "backup %s", found);
	*out = record.about;
	record.about = (struct snapshot){0};
	return 0;
}

/* Its chunks go with the next prune. */
int repository_forget(struct repository *r, const struct snapshot *s, struct err *e)
{
	if (repository_needs_exclusive(r, e) < 0)
		return -1;
	if (!snapshot_id_is(s->id) || unlinkat(r->snapshots, s->id, 0) < 0)
		return err_sys(e, "cannot forget the backup %.40s", s->id);
	return fsync(r->snapshots) < 0 ? err_sys(e, "cannot forget the backup %s", s->id) : 0;
}
