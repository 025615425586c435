/* The restore of a volume: beside the live data, checked to the last byte, then swapped in. */
#include "engine/volume_restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/progress.h"
#include "base/text.h"
#include "engine/backup/repository.h"
#include "engine/backup_source.h"
#include "engine/events.h"
#include "engine/store/store.h"
#include "engine/volume.h"

#define DROPPED_MAX 100 /* lines; the last one says that there is more */

/* ------------------------------------------------------------------ what is asked */

/* "a/b" of "/a//b/"; ".." leads nowhere. */
static int clean_path(const char *text, char **path, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *copy = strdup(text);
	char *rest = copy;
	if (!copy)
		return err_no_memory(e);
	for (char *part; (part = strsep(&rest, "/"));) {
		if (strcmp(part, "..") == 0)
			return err_set(e, ERR_USAGE, "--path %s: \"..\" leads out of the volume", text);
		if (!*part || strcmp(part, ".") == 0)
			continue;
		if (b.len)
			buf_char(&b, '/');
		buf_str_add(&b, part);
	}
	if (b.len == 0)
		return 0; /* all of it */
	*path = buf_take(&b);
	return *path ? 0 : err_no_memory(e);
}

void volume_restore_dropped(void *arg, const char *path, const char *what)
{
	struct volume_restore *r = arg;
	text_note(&r->result->dropped, DROPPED_MAX, path, what);
}

/* ------------------------------------------------------------------ repositories */

static int from_repository(struct volume_restore *r, const struct backup_source *from, struct err *e)
{
	const struct tare_restore *q = r->request;
	const struct repository_options o = {
	        .key_file = q->key_file, .lock = REPOSITORY_SHARED, .progress = r->progress};
	struct snapshot s = {0};
	cleanup_repository_handle struct repository *repository = repository_open(from->dir, &o, e);
	if (!repository)
		return -1;
	/* By its id a backup of another volume may be meant. */
	const char *id = from->id ? from->id : "latest";
	const char *volume = strcmp(id, "latest") == 0 ? q->volume : NULL;
	if (repository_find(repository, id, volume, &s, e) < 0)
		return -1;
	r->result->id = strdup(s.id);
	r->result->of = strdup(s.volume);
	r->result->time = s.time;
	const struct repository_restore request = {.subtree = r->path,
	        .in_place = true,
	        .dry_run = r->dir_fd < 0,
	        .label = r->result->volume,
	        .dropped = volume_restore_dropped,
	        .arg = r};
	int rc = repository_restore(
	        repository, &s, r->dir_fd, &request, &r->result->entries, &r->result->bytes, e);
	snapshot_free(&s);
	r->rooted = true;
	return rc;
}

/* A backup could fill the disk past the volume's limit. tests/e2e/volume-quota.bats */
static int fill(struct volume_restore *r, const struct backup_source *from, struct err *e)
{
	obey_quotas(true);
	int rc = from->archive ? volume_restore_from_archive(r, from->archive, e)
	                       : from_repository(r, from, e);
	obey_quotas(false);
	return rc;
}

/* ------------------------------------------------------------------ places */

/* An archive that says nothing of its root (`tar c a b`) leaves it as it is in the volume: what a container's
 * user could write to stays so. */
static void keep_root(const struct volume_restore *r, const char *name)
{
	struct stat st;
	cleanup_fd int live = r->rooted || r->path ? -1 : volume_open_data(r->store, name, NULL);
	if (live < 0 || fstat(live, &st) < 0)
		return;
	if (fchown(r->dir_fd, st.st_uid, st.st_gid) < 0 || fchmod(r->dir_fd, st.st_mode & 07777) < 0)
		return;
}

static int into_new(
        struct volume_restore *r, const char *name, const struct backup_source *from, struct err *e)
{
	struct volume_draft draft = VOLUME_DRAFT_INIT;
	const struct tare_volume_create how = {.name = name};
	int rc = volume_draft_begin(r->store, &how, &draft, e);
	if (rc == 0) {
		r->dir_fd = draft.data_fd;
		rc = fill(r, from, e);
	}
	if (rc == 0)
		rc = volume_draft_publish(r->store, &draft, e);
	volume_draft_close(r->store, &draft);
	r->result->made = rc == 0;
	return rc;
}

static int into_live(
        struct volume_restore *r, const char *name, const struct backup_source *from, struct err *e)
{
	const struct tare_restore *q = r->request;
	struct volume_swap swap = VOLUME_SWAP_INIT;
	struct err why = ERR_INIT;
	if (volume_swap_begin(r->store, name, r->path, q->force, &swap, &why) < 0) {
		volume_swap_close(&swap);
		if (why.kind == ERR_NOT_FOUND)
			return into_new(r, name, from, e);
		if (e)
			*e = why;
		return -1;
	}
	r->dir_fd = swap.new_fd;
	int rc = fill(r, from, e);
	if (rc == 0) {
		keep_root(r, name);
		rc = volume_swap_commit(r->store, &swap, q->force, &r->result->running, e);
	}
	volume_swap_close(&swap);
	volume_settle(r->store, name);
	return rc;
}

static bool volume_is_there(const struct store *s, const char *name)
{
	cleanup_volume_record struct volume_record record = {0};
	return volume_record_read(s, name, &record, NULL) == 0;
}

static int check_into(const struct volume_restore *r, struct err *e)
{
	const char *into = r->request->into;
	if (volume_name_check(into, e) < 0)
		return -1;
	if (volume_is_there(r->store, into))
		return err_set(
		        e, ERR_CONFLICT, "there is a volume %s already; --into takes a new name", into);
	return 0;
}

/* All is read and checked; and whether the real thing would be refused now is said, too. */
static int try_it(struct volume_restore *r, const char *name, const struct backup_source *from, struct err *e)
{
	const struct tare_restore *q = r->request;
	struct err why = ERR_INIT;
	if (fill(r, from, e) < 0)
		return -1;
	if (!q->into && !q->force && volume_is_there(r->store, name) &&
	        volume_need_no_writer(r->store, name, &why) < 0)
		log_line(LOG_LEVEL_WARN, "it would be refused now: %s", why.msg);
	return 0;
}

static void tell(const struct volume_restore *r, const char *name)
{
	json *more = json_object_new_object();
	json_set_str(more, "name", name);
	json_set_str(more, "from", r->request->from);
	if (r->path)
		json_set_str(more, "path", r->path);
	event_emit(r->store, "volume", "restore", name, more);
}

/* ------------------------------------------------------------------ the whole */

static int run(struct volume_restore *r, struct err *e)
{
	const struct tare_restore *q = r->request;
	const char *name = q->into ? q->into : q->volume;
	cleanup_backup_source struct backup_source from = {0};
	if (volume_name_check(q->volume, e) < 0 || backup_source_parse(q->from, &from, e) < 0)
		return -1;
	if ((q->path && clean_path(q->path, &r->path, e) < 0) || (q->into && check_into(r, e) < 0))
		return -1;
	r->result->volume = strdup(name);
	if (!r->result->volume)
		return err_no_memory(e);
	int rc = q->dry_run ? try_it(r, name, &from, e)
	         : q->into  ? into_new(r, name, &from, e)
	                    : into_live(r, name, &from, e);
	if (rc < 0)
		return -1;
	if (!q->dry_run)
		tell(r, name);
	if (r->progress)
		progress_done(r->progress, name, q->dry_run ? "checked" : "restored");
	return 0;
}

int tare_volume_restore(const char *root, const char *state, const struct tare_restore *q, struct progress *p,
        struct tare_restore_result *result, struct err *e)
{
	struct store store;
	*result = (struct tare_restore_result){0};
	if (store_open(&store, root, state, e) < 0)
		return -1;
	struct volume_restore r = {
	        .store = &store, .request = q, .result = result, .progress = p, .dir_fd = -1};
	int rc = run(&r, e);
	free(r.path);
	store_close(&store);
	if (rc < 0)
		tare_restore_result_free(result);
	return rc;
}
