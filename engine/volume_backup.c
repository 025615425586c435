/* The backup of a volume: held, its users frozen when asked, read once, and put into an archive or a
 * repository. */
#include "engine/volume_backup.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "engine/archive/tree_walk.h"
#include "engine/backup/repository.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/freeze.h"

#define SKIPPED_MAX 1000 /* lines of what is left out; the last one says how many more */

/* ------------------------------------------------------------------ what is left out */

/* A pattern with a slash is about the path, one without about names anywhere. */
static bool matches(const char *pattern, const char *path)
{
	const char *name = strrchr(path, '/');
	cleanup_free char *clean = strdup(pattern + (pattern[0] == '/'));
	size_t len = clean ? strlen(clean) : 0;
	if (len > 1 && clean[len - 1] == '/')
		clean[len - 1] = '\0';
	if (!clean)
		return false;
	if (pattern[0] == '/' || strchr(clean, '/'))
		return fnmatch(clean, path, FNM_PATHNAME) == 0;
	return fnmatch(clean, name ? name + 1 : path, 0) == 0;
}

bool volume_backup_excluded(void *arg, const char *path)
{
	const struct volume_backup *b = arg;
	strv_foreach (pattern, b->request->excludes)
		if (matches(*pattern, path))
			return true;
	return false;
}

void volume_backup_skipped(void *arg, const char *path, const char *why)
{
	struct volume_backup *b = arg;
	text_note(&b->result->skipped, SKIPPED_MAX, path, why);
}

/* ------------------------------------------------------------------ progress */

void volume_backup_progress(void *arg, uint64_t bytes)
{
	struct volume_backup *b = arg;
	uint64_t total = atomic_load(&b->total);
	if (b->progress)
		progress_step(b->progress, b->request->volume, "backing up", bytes,
		        total && total < bytes ? bytes : total);
}

/* How much there is to read is added up while it is read already: it costs nothing that anybody waits for. */
struct counting {
	struct volume_backup *backup;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	uint64_t bytes;
};

static int count_entry(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct counting *c = arg;
	(void)w;
	if (!entry->first)
		c->bytes += entry->size < entry->blocks * 512 ? entry->size : entry->blocks * 512;
	return atomic_load(&c->stop) ? err_set(e, ERR_INTERRUPTED, "enough") : TREE_WALK_ON;
}

static bool count_excluded(void *arg, const char *path)
{
	const struct counting *c = arg;
	return volume_backup_excluded(c->backup, path);
}

static void *count_all(void *arg)
{
	struct counting *c = arg;
	const struct tree_walk_options o = {.entry = count_entry, .excluded = count_excluded, .arg = c};
	if (tree_walk(c->backup->data_fd, &o, NULL) == 0)
		atomic_store(&c->backup->total, c->bytes);
	return NULL;
}

static void counting_begin(struct counting *c, struct volume_backup *b)
{
	sigset_t all, old;
	*c = (struct counting){.backup = b};
	if (!b->progress || (b->progress->fd < 0 && !b->progress->terminal))
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	c->started = pthread_create(&c->thread, NULL, count_all, c) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void counting_end(struct counting *c)
{
	atomic_store(&c->stop, true);
	if (c->started)
		pthread_join(c->thread, NULL);
}

/* ------------------------------------------------------------------ users that stand still */

struct still {
	struct stood {
		struct container container;
		struct freeze freeze;
	} * list;
	size_t n;
};

/* The last one first, as each watcher has the pipes of those before it open, too, and they wait for their
 * ends. tests/e2e/backup.bats */
static void still_end(struct still *s)
{
	for (size_t i = s->n; i-- > 0;)
		freeze_end(&s->list[i].freeze);
	for (size_t i = 0; i < s->n; i++)
		container_close(&s->list[i].container);
	free(s->list);
	*s = (struct still){0};
}

static bool stands(const struct still *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->list[i].container.id, id) == 0)
			return true;
	return false;
}

static int stop_one(struct still *s, const struct store *store, const char *id, struct err *e)
{
	struct stood *one = &s->list[s->n];
	*one = (struct stood){.container = CONTAINER_INIT, .freeze = FREEZE_INIT};
	s->n++;
	if (container_open_id(store, id, &one->container, e) < 0 ||
	        container_lock(store, &one->container, e) < 0)
		return -1;
	return freeze_begin(&one->freeze, store, &one->container, e);
}

/* All that run and have the volume mounted, even read-only: they may pass on what they read. One that has
 * just gone needs no freezing. */
static int still_begin(struct still *s, const struct store *store, const char *volume, struct err *e)
{
	cleanup_volume_users struct volume_users users = {0};
	if (volume_users(store, volume, &users, e) < 0)
		return -1;
	s->list = calloc(users.n + 1, sizeof(*s->list));
	if (!s->list)
		return err_no_memory(e);
	for (size_t i = 0; i < users.n; i++) {
		struct err why = ERR_INIT;
		if (!users.rows[i].running || stands(s, users.rows[i].id) ||
		        stop_one(s, store, users.rows[i].id, &why) == 0 || why.kind == ERR_NOT_FOUND)
			continue;
		if (e)
			*e = why;
		return err_wrap(e, "cannot pause %s", users.rows[i].name);
	}
	return 0;
}

/* A container may start while the volume is read: it is not made to wait for that, but said. */
static void tell_newcomers(const struct still *s, const struct store *store, const char *volume)
{
	cleanup_volume_users struct volume_users users = {0};
	if (volume_users(store, volume, &users, NULL) < 0)
		return;
	for (size_t i = 0; i < users.n; i++)
		if (users.rows[i].running && users.rows[i].writable && !stands(s, users.rows[i].id))
			log_line(LOG_LEVEL_WARN,
			        "%s was started while the volume was read, so it was not paused: what it "
			        "wrote may be half in the backup",
			        users.rows[i].name);
}

/* ------------------------------------------------------------------ the whole */

static int to_repository(struct volume_backup *b, struct err *e)
{
	const struct tare_backup *q = b->request;
	const struct repository_options o = {
	        .key_file = q->key_file, .make = true, .lock = REPOSITORY_SHARED, .progress = b->progress};
	struct snapshot s = {0};
	cleanup_repository_handle struct repository *r = repository_open(q->to, &o, e);
	if (!r)
		return -1;
	const struct repository_backup request = {.volume = q->volume,
	        .excluded = volume_backup_excluded,
	        .skipped = volume_backup_skipped,
	        .arg = b,
	        .threads = q->threads,
	        .label = q->volume,
	        .total = atomic_load(&b->total)};
	if (repository_backup(r, b->data_fd, &request, &s, e) < 0)
		return -1;
	b->result->id = strdup(s.id);
	b->result->bytes = s.bytes;
	b->result->entries = s.entries;
	b->result->written = s.stored;
	snapshot_free(&s);
	return b->result->id ? 0 : err_no_memory(e);
}

static void tell(const struct volume_backup *b)
{
	const struct tare_backup *q = b->request;
	json *more = json_object_new_object();
	json_set_str(more, "name", q->volume);
	json_set_str(more, q->to ? "repository" : "file", q->to ? q->to : q->file);
	if (b->result->id)
		json_set_str(more, "backup", b->result->id);
	event_emit(b->store, "volume", "backup", q->volume, more);
}

/* Frozen first: the watchers are forked before there are threads. */
static int run(struct volume_backup *b, struct err *e)
{
	struct still still = {0};
	struct counting counting;
	if (b->request->pause && still_begin(&still, b->store, b->request->volume, e) < 0) {
		still_end(&still);
		return -1;
	}
	counting_begin(&counting, b);
	int rc = b->request->to ? to_repository(b, e) : volume_backup_to_archive(b, e);
	if (b->request->pause && rc == 0)
		tell_newcomers(&still, b->store, b->request->volume);
	still_end(&still);
	counting_end(&counting);
	if (b->progress && rc == 0)
		progress_done(b->progress, b->request->volume, "backed up");
	if (rc == 0)
		tell(b);
	return rc;
}

static int open_and_run(struct volume_backup *b, struct err *e)
{
	const char *name = b->request->volume;
	cleanup_volume_record struct volume_record record = {0};
	cleanup_fd int hold = volume_hold(b->store, name, e);
	if (hold < 0 || volume_record_read(b->store, name, &record, e) < 0)
		return -1;
	cleanup_fd int data = volume_open_data_at(hold, &record, e);
	if (data < 0)
		return -1;
	b->data_fd = data;
	return run(b, e);
}

static int check(const struct tare_backup *q, struct err *e)
{
	if (!q->file == !q->to)
		return err_set(e, ERR_USAGE,
		        "name one place for the backup: a FILE (- is standard output), or --to DIR");
	return 0;
}

int tare_volume_backup(const char *root, const char *state, const struct tare_backup *q, struct progress *p,
        struct tare_backup_result *r, struct err *e)
{
	struct store store;
	*r = (struct tare_backup_result){0};
	if (check(q, e) < 0 || store_open(&store, root, state, e) < 0)
		return -1;
	struct volume_backup b = {.store = &store, .request = q, .result = r, .progress = p, .data_fd = -1};
	int rc = open_and_run(&b, e);
	volume_settle(&store, q->volume);
	store_close(&store);
	if (rc < 0)
		tare_backup_result_free(r);
	return rc;
}
