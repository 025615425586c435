/* What is done with a backup repository as a whole: list, compare, verify, forget, prune. Making and
 * restoring backups is in volume_backup.c and volume_restore.c. */
#include "engine/backup/repository.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/backup/tar_verify.h"
#include "engine/backup_keep.h"
#include "engine/backup_source.h"
#include "engine/tare.h"

#define cleanup_snapshot      __attribute__((cleanup(snapshot_free)))
#define cleanup_snapshot_list __attribute__((cleanup(snapshot_list_free)))

static struct repository *open_repository(
        const char *dir, const char *key_file, int lock, struct progress *p, struct err *e)
{
	const struct repository_options o = {.key_file = key_file, .lock = lock, .progress = p};

	return repository_open(dir, &o, e);
}

/* ------------------------------------------------------------------ as JSON */

static json *snapshot_row(const struct snapshot *s)
{
	json *row = json_object_new_object();

	json_set_str(row, "Id", s->id);
	json_set_str(row, "Volume", s->volume);
	json_set_int(row, "Time", s->time);
	json_set_str(row, "Host", s->host);
	json_set_int(row, "Bytes", (int64_t)s->bytes);
	json_set_int(row, "Files", (int64_t)s->files);
	json_set_int(row, "Entries", (int64_t)s->entries);
	json_set_int(row, "Added", (int64_t)s->added);
	json_set_int(row, "Stored", (int64_t)s->stored);
	return row;
}

/* JSON is UTF-8, names of files are any bytes: what is none becomes U+FFFD. */
static void set_path(json *row, const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;
	size_t len = strlen(path);
	char bytes[4];
	uint32_t cp;

	if (utf8_valid(path, len)) {
		json_set_str(row, "Path", path);
		return;
	}
	for (size_t i = 0; i < len;) {
		i += utf8_decode(path + i, len - i, &cp);
		buf_add(&text, bytes, utf8_encode(cp, bytes));
	}
	json_set_str(row, "Path", buf_str(&text));
}

json *tare_backup_file_json(const struct tare_backup_file *f)
{
	json *row = json_object_new_object();
	const char change[2] = {f->change, 0};

	if (f->change)
		json_set_str(row, "Change", change);
	set_path(row, f->path);
	json_set_int(row, "Mode", f->mode);
	json_set_int(row, "Size", (int64_t)f->size);
	json_set_int(row, "Time", f->mtime);
	return row;
}

/* ------------------------------------------------------------------ looking */

int tare_backups(const char *dir, const char *volume, const char *key_file, json **list, struct err *e)
{
	cleanup_repository_handle struct repository *r =
	        open_repository(dir, key_file, REPOSITORY_SHARED, NULL, e);
	cleanup_snapshot_list struct snapshot_list snapshots = {0};

	if (!r || repository_list(r, volume, &snapshots, e) < 0)
		return -1;
	if (snapshots.n_unread)
		log_line(LOG_LEVEL_WARN, "%zu backup%s cannot be read (%s); tare volume verify %s says why",
		        snapshots.n_unread, snapshots.n_unread > 1 ? "s" : "", snapshots.unread, dir);
	*list = json_object_new_array();
	for (size_t i = 0; i < snapshots.n; i++)
		json_object_array_add(*list, snapshot_row(&snapshots.rows[i]));
	return *list ? 0 : err_no_memory(e);
}

/* Which volume's backup is the latest must not be left to chance. `hint`: how to say it. */
static int check_sole_volume(struct repository *r, const char *dir, const char *hint, struct err *e)
{
	cleanup_snapshot_list struct snapshot_list l = {0};

	if (repository_list(r, NULL, &l, e) < 0)
		return -1;
	for (size_t i = 1; i < l.n; i++)
		if (strcmp(l.rows[i].volume, l.rows[0].volume) != 0)
			return err_set(e, ERR_USAGE,
			        "%s has backups of several volumes: which one's latest is meant? %s", dir,
			        hint);
	return 0;
}

/* As repository_find(), but "latest" needs a volume where there are several, and an id with a volume must be
 * one of its. Of one that cannot be read out->id is set all the same. */
static int find(struct repository *r, const char *dir, const char *id, const char *volume, const char *hint,
        struct snapshot *out, struct err *e)
{
	*out = (struct snapshot){0};
	if (!volume && strcmp(id, "latest") == 0 && check_sole_volume(r, dir, hint, e) < 0)
		return -1;
	if (repository_find(r, id, volume, out, e) < 0)
		return -1;
	if (!volume || strcmp(out->volume, volume) == 0)
		return 0;
	return err_set(e, ERR_NOT_FOUND, "backup %s is not one of the volume %s", out->id, volume);
}
#define SAY_VOLUME "add --volume VOLUME"

/* What the user named. */
struct ids {
	const char *dir, *from, *to, *volume; /* to, volume: may be NULL */
};

static bool is_latest(const char *id)
{
	return id && strcmp(id, "latest") == 0;
}

/* Of two the latest is that of the volume which the other one is of. */
static int find_two(
        struct repository *r, const struct ids *q, struct snapshot *a, struct snapshot *b, struct err *e)
{
	const char *volume = q->volume;

	if (is_latest(q->from) && q->to && !is_latest(q->to)) {
		if (find(r, q->dir, q->to, volume, SAY_VOLUME, b, e) < 0)
			return -1;
		return find(r, q->dir, q->from, b->volume, SAY_VOLUME, a, e);
	}
	if (find(r, q->dir, q->from, volume, SAY_VOLUME, a, e) < 0)
		return -1;
	if (is_latest(q->to))
		volume = a->volume;
	return q->to ? find(r, q->dir, q->to, volume, SAY_VOLUME, b, e) : 0;
}

struct file_call {
	tare_backup_file_fn each;
	void *arg;
};

static int call_each(void *arg, const struct repository_file *f, struct err *e)
{
	const struct file_call *c = arg;
	const struct tare_backup_file file = {f->path, f->mode, f->size, f->mtime, f->change};

	return c->each(c->arg, &file, e);
}

int tare_backup_files(const char *dir, const char *volume, const char *from, const char *to,
        const char *key_file, tare_backup_file_fn each, void *arg, struct err *e)
{
	cleanup_repository_handle struct repository *r =
	        open_repository(dir, key_file, REPOSITORY_SHARED, NULL, e);
	cleanup_snapshot struct snapshot a = {0}, b = {0};
	struct file_call call = {each, arg};
	const struct ids q = {dir, from, to, volume};

	if (!r || find_two(r, &q, &a, &b, e) < 0)
		return -1;
	return to ? repository_compare(r, &a, &b, call_each, &call, e)
	          : repository_files(r, &a, call_each, &call, e);
}

static int add_file(void *arg, const struct tare_backup_file *f, struct err *e)
{
	json *row = tare_backup_file_json(f);

	if (row && json_object_array_add(arg, row) == 0)
		return 0;
	json_free(&row);
	return err_no_memory(e);
}

int tare_backup_compare(
        const char *dir, const char *from, const char *to, const char *key_file, json **list, struct err *e)
{
	cleanup_json json *files = json_object_new_array();

	if (tare_backup_files(dir, NULL, from, to, key_file, add_file, files, e) < 0)
		return -1;
	*list = steal_ptr(&files);
	return 0;
}

/* ------------------------------------------------------------------ verify */

struct damages {
	void (*line)(void *arg, const char *line);
	void *arg;
};

static void tell_damage(void *arg, const struct snapshot *s, const char *path, const char *what)
{
	const struct damages *d = arg;
	cleanup_buf struct buf line = BUF_INIT;

	if (path) {
		buf_char(&line, '"');
		text_harmless(&line, path, strlen(path));
		buf_str_add(&line, "\"");
	}
	if (s)
		buf_printf(
		        &line, "%sbackup %s of %s", path ? " in " : "", s->id, s->volume ? s->volume : "?");
	if (line.len)
		buf_str_add(&line, ": ");
	text_harmless(&line, what, strlen(what));
	d->line(d->arg, buf_str(&line));
}

static int verified(long found, struct tare_verified *out)
{
	out->damaged = found > 0 ? (uint64_t)found : 0;
	return found < 0 ? -1 : 0;
}

static int verify_one(struct repository *r, const struct backup_source *from, struct damages *d,
        struct tare_verified *out, struct err *e)
{
	cleanup_snapshot struct snapshot s = {0};

	if (find(r, from->dir, from->id, NULL, "name it by its id", &s, e) < 0)
		return -1;
	out->backups = 1;
	out->bytes = s.bytes;
	return verified(repository_verify_one(r, &s, tell_damage, d, e), out);
}

static int verify_repository(const struct backup_source *s, const char *key_file, struct progress *p,
        struct damages *d, struct tare_verified *out, struct err *e)
{
	cleanup_snapshot_list struct snapshot_list l = {0};
	cleanup_repository_handle struct repository *r =
	        open_repository(s->dir, key_file, REPOSITORY_SHARED, p, e);

	if (!r)
		return -1;
	if (s->id)
		return verify_one(r, s, d, out, e);
	if (repository_list(r, NULL, &l, e) < 0)
		return -1;
	out->backups = l.n;
	for (size_t i = 0; i < l.n; i++)
		out->bytes += l.rows[i].bytes;
	return verified(repository_verify(r, tell_damage, d, e), out);
}

int tare_backup_verify(const char *from, const char *key_file, struct progress *p,
        void (*damaged)(void *arg, const char *line), void *arg, struct tare_verified *out, struct err *e)
{
	cleanup_backup_source struct backup_source s = {0};
	struct damages d = {damaged, arg};

	*out = (struct tare_verified){0};
	if (backup_source_parse(from, &s, e) < 0)
		return -1;
	if (s.dir)
		return verify_repository(&s, key_file, p, &d, out, e);
	return tar_verify(s.archive, p, damaged, arg, &out->damaged, e);
}

/* ------------------------------------------------------------------ forget, prune */

static bool mark(const struct snapshot_list *l, const char *id, bool *keep)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->rows[i].id, id) == 0) {
			keep[i] = false;
			return true;
		}
	return false;
}

/* One that cannot be read can be forgotten by its id: nothing could be pruned as long as it is there. Whose
 * it was is not known, so not by a volume's name. `keep` has room for it. */
static int add_unread(struct snapshot_list *l, const char *id, bool *keep, struct err *e)
{
	struct snapshot *grown = reallocarray(l->rows, l->n + 1, sizeof(*grown));

	if (!grown)
		return err_no_memory(e);
	l->rows = grown;
	l->rows[l->n] = (struct snapshot){.volume = strdup("?"), .host = strdup("?")};
	snprintf(l->rows[l->n].id, sizeof(l->rows[l->n].id), "%s", id);
	keep[l->n++] = false;
	return l->rows[l->n - 1].volume && l->rows[l->n - 1].host ? 0 : err_no_memory(e);
}

/* The rows that the ids name; each must be there. */
static int mark_ids(
        struct repository *r, const struct tare_forget *q, struct snapshot_list *l, bool *keep, struct err *e)
{
	strv_foreach (id, q->ids) {
		cleanup_snapshot struct snapshot s = {0};
		struct err why = ERR_INIT;
		bool unread = find(r, q->dir, *id, q->volume, SAY_VOLUME, &s, &why) < 0;

		if (unread && (!s.id[0] || q->volume)) {
			if (e)
				*e = why;
			return -1;
		}
		if (!mark(l, s.id, keep) && unread && add_unread(l, s.id, keep, e) < 0)
			return -1;
	}
	return 0;
}

static int choose(
        struct repository *r, const struct tare_forget *q, struct snapshot_list *l, bool *keep, struct err *e)
{
	if (!q->ids)
		return backup_keep(l, q, keep, e);
	memset(keep, true, l->n);
	return mark_ids(r, q, l, keep, e);
}

static int forget(struct repository *r, const struct tare_forget *q, json *forgotten, struct err *e)
{
	cleanup_snapshot_list struct snapshot_list l = {0};
	cleanup_free bool *keep = NULL;

	if (repository_list(r, q->volume, &l, e) < 0)
		return -1;
	keep = calloc(l.n + strv_len(q->ids) + 1, sizeof(*keep));
	if (!keep)
		return err_no_memory(e);
	if (choose(r, q, &l, keep, e) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		if (keep[i])
			continue;
		if (!q->dry_run && repository_forget(r, &l.rows[i], e) < 0)
			return -1;
		json_object_array_add(forgotten, snapshot_row(&l.rows[i]));
	}
	return 0;
}

static int check_forget(const struct tare_forget *q, struct err *e)
{
	bool rules = backup_keep_has_rules(q);

	if (q->ids && rules)
		return err_set(e, ERR_USAGE, "say either which backups to forget, or which to keep");
	if (!q->ids && !rules)
		return err_set(e, ERR_USAGE,
		        "which backups? name their ids, or say what to keep, as in --keep-daily 7 (see: tare "
		        "volume backups %s)",
		        q->dir);
	return 0;
}

int tare_backup_forget(
        const struct tare_forget *q, struct progress *p, json **forgotten, uint64_t *bytes, struct err *e)
{
	cleanup_json json *rows = json_object_new_array();
	struct repository_pruned pruned = {0};

	*bytes = 0;
	if (check_forget(q, e) < 0)
		return -1;
	cleanup_repository_handle struct repository *r = open_repository(
	        q->dir, q->key_file, q->dry_run ? REPOSITORY_SHARED : REPOSITORY_EXCLUSIVE, p, e);
	if (!r || forget(r, q, rows, e) < 0)
		return -1;
	/* What would be freed isn't known as long as the backups are there. */
	if (q->prune && !q->dry_run && repository_prune(r, false, &pruned, e) < 0)
		return -1;
	*bytes = pruned.bytes;
	*forgotten = steal_ptr(&rows);
	return 0;
}

int tare_backup_prune(const char *dir, const char *key_file, bool dry_run, struct progress *p,
        uint64_t *bytes, struct err *e)
{
	struct repository_pruned pruned = {0};
	cleanup_repository_handle struct repository *r =
	        open_repository(dir, key_file, REPOSITORY_EXCLUSIVE, p, e);

	if (!r || repository_prune(r, dry_run, &pruned, e) < 0)
		return -1;
	*bytes = pruned.bytes;
	return 0;
}
