/* The simulation's backups: those of every night, and those that users made. */
#include "engine/simulation_backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/simulation_registry.h"
#include "engine/simulation_volume.h"

#define DAY         (86400 * SIM_SECOND)
#define NIGHT       (2 * 3600 * SIM_SECOND) /* after midnight, UTC */
#define DAILY       14                      /* days for which each night's is kept; then Mondays' */
#define WEEKLY      35
#define MONDAY      4 /* days since the epoch, modulo 7 */
#define BACKUPS_MAX 1000
#define GROWTH      250 /* a volume grows by one part of so many a day */

/* ------------------------------------------------------------------ every night's */

/* Until then it was like this. */
static uint64_t size_then(const struct simulation *s, uint64_t size, int64_t when)
{
	int64_t days = (sim_wall(s, 0) - when) / DAY;

	return days > 0 ? size - size / GROWTH * (uint64_t)days : size;
}

/* Of a night, of all volumes of the cast that are backed up: those with files that change. */
static bool nightly(
        const struct simulation *s, const struct sim_volume_role *v, int64_t day, struct sim_backup *b)
{
	uint64_t seed = v->name ? sim_hash(sim_hash_text(v->name), (uint64_t)day) : 0;
	int64_t at = day * DAY + NIGHT + (int64_t)(seed % 240) * SIM_SECOND;
	int64_t first = sim_wall(s, -v->created * SIM_SECOND);

	if (!v->name || !strcmp(v->name, "backups") || at < first || at > sim_wall(s, sim_now(s)))
		return false;
	*b = (struct sim_backup){.dir = strdup(SIM_REPOSITORY),
	        .volume = strdup(v->name),
	        .files = strdup(v->name),
	        .at = at,
	        .bytes = size_then(s, v->size, at)};
	b->added = at - first < DAY ? b->bytes
	                            : (uint64_t)((double)b->bytes * (0.004 + 0.02 * sim_unit(seed, 1)));
	sim_hex(seed, b->id, SIM_BACKUP_ID - 1);
	return b->dir && b->volume && b->files;
}

static bool is_kept(int64_t day, int64_t today)
{
	return today - day < DAILY || (today - day < WEEKLY && day % 7 == MONDAY);
}

/* ------------------------------------------------------------------ lists */

static void backup_free(struct sim_backup *b)
{
	free(b->dir);
	free(b->volume);
	free(b->files);
}

void sim_backup_list_free(struct sim_backup *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		backup_free(&list[i]);
	free(list);
}

static bool same_dir(const char *a, const char *b)
{
	size_t n = strlen(a), k = strlen(b);

	while (n > 1 && a[n - 1] == '/')
		n--;
	while (k > 1 && b[k - 1] == '/')
		k--;
	return n == k && !strncmp(a, b, n);
}

static bool copy(struct sim_backup *to, const struct sim_backup *from)
{
	*to = *from;
	to->dir = strdup(from->dir);
	to->volume = strdup(from->volume);
	to->files = strdup(from->files);
	return to->dir && to->volume && to->files;
}

static int by_time(const void *a, const void *b)
{
	const struct sim_backup *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at ? 1 : strcmp(x->volume, y->volume);
}

static size_t nights(struct simulation *s, struct sim_backup *list)
{
	int64_t today = sim_wall(s, sim_now(s)) / DAY;
	size_t n = 0;

	for (int64_t day = today - WEEKLY; day <= today; day++) {
		for (size_t v = 0; v < sim_n_volumes && is_kept(day, today); v++) {
			if (!nightly(s, &sim_volume_roles[v], day, &list[n]))
				continue;
			if (strv_has(s->forgotten, list[n].id))
				backup_free(&list[n]);
			else
				n++;
		}
	}
	return n;
}

ssize_t sim_backups_in(struct simulation *s, const char *dir, struct sim_backup **out, struct err *e)
{
	size_t most = (WEEKLY + 1) * sim_n_volumes + s->n_backups, n = 0;
	bool is_there = same_dir(dir, SIM_REPOSITORY);

	if (sim_refresh(s, e) < 0)
		return -1;
	*out = calloc(most + 1, sizeof(**out));
	if (!*out)
		return err_no_memory(e);
	if (is_there)
		n = nights(s, *out);
	for (size_t i = 0; i < s->n_backups; i++) {
		const struct sim_backup *b = &s->backups[i];

		if (!*b->id || !same_dir(b->dir, dir))
			continue;
		is_there = true;
		if (!strv_has(s->forgotten, b->id))
			n += copy(&(*out)[n], b);
	}
	qsort(*out, n, sizeof(**out), by_time);
	if (is_there)
		return (ssize_t)n;
	free(*out);
	*out = NULL;
	return err_set(e, ERR_NOT_FOUND,
	        "there is no backup repository in %s; tare volume backup --to %s VOLUME makes one", dir, dir);
}

bool sim_backup_find(const struct sim_backup *list, size_t n, const char *id, const char *volume,
        struct sim_backup *out, struct err *e)
{
	bool latest = !strcmp(id, "latest");

	for (size_t i = n; i > 0; i--) {
		if ((volume && strcmp(list[i - 1].volume, volume) != 0) ||
		        (!latest && strncmp(list[i - 1].id, id, strlen(id)) != 0))
			continue;
		*out = list[i - 1];
		return true;
	}
	err_set(e, ERR_NOT_FOUND, "there is no backup %.40s%s%s", latest ? "of" : id, latest ? " " : "",
	        latest && volume ? volume : "");
	return false;
}

const struct sim_backup *sim_archive(const struct simulation *s, const char *file)
{
	for (size_t i = s->n_backups; i > 0; i--)
		if (!*s->backups[i - 1].id && !strcmp(s->backups[i - 1].dir, file))
			return &s->backups[i - 1];
	return NULL;
}

/* ------------------------------------------------------------------ the journal's */

static void made(struct simulation *s, json *line, int64_t at)
{
	struct sim_backup *grown = realloc(s->backups, (s->n_backups + 1) * sizeof(*grown)), *b;
	const char *id = json_str(line, "backup", "");
	int64_t bytes = json_int(line, "bytes", 0), added = json_int(line, "added", 0);

	if (!grown)
		return;
	s->backups = grown;
	if (s->n_backups >= BACKUPS_MAX || (*id && strlen(id) != SIM_BACKUP_ID - 1))
		return;
	b = &grown[s->n_backups];
	*b = (struct sim_backup){.dir = strdup(json_str(line, "dir", "")),
	        .volume = strdup(json_str(line, "volume", "")),
	        .files = strdup(json_str(line, "files", "")),
	        .at = sim_wall(s, at),
	        .bytes = bytes > 0 ? (uint64_t)bytes : 0,
	        .added = added > 0 ? (uint64_t)added : 0};
	memcpy(b->id, id, strlen(id) + 1);
	if (b->dir && b->volume && b->files)
		s->n_backups++;
	else
		backup_free(b);
}

void sim_backup_apply(struct simulation *s, const char *verb, json *line, int64_t at)
{
	if (strcmp(verb, "backup-made") == 0)
		made(s, line, at);
	else if (strcmp(verb, "backup-forget") == 0)
		strv_add(&s->forgotten, json_str(line, "backup", ""));
}

void sim_backups_free(struct simulation *s)
{
	sim_backup_list_free(s->backups, s->n_backups);
	strv_free(s->forgotten);
}

/* ------------------------------------------------------------------ backup */

/* What is new since the last one: a little, and all at first. */
static uint64_t added_since(struct simulation *s, const char *dir, const char *volume, uint64_t bytes)
{
	struct sim_backup *list = NULL, last;
	ssize_t n = sim_backups_in(s, dir, &list, NULL);
	uint64_t added = bytes;

	if (n > 0 && sim_backup_find(list, (size_t)n, "latest", volume, &last, NULL))
		added = bytes / 180;
	sim_backup_list_free(list, n > 0 ? (size_t)n : 0);
	return added;
}

int sim_volume_backup(struct tare_engine *t, const struct tare_backup *q, struct progress *p,
        struct tare_backup_result *out, struct err *e)
{
	static const struct sim_phases phases = {"reading", "syncing", 0.95};
	struct simulation *s = sim_of(t);
	const struct sim_volume *v = sim_find_volume(s, q->volume, e);
	struct sim_layer_move move = {.object = "", .size = v ? sim_volume_bytes(v) : 0};
	char id[SIM_BACKUP_ID];
	uint64_t added;
	size_t n = 0;
	json *line;

	if (!v)
		return -1;
	if (q->file && !strcmp(q->file, "-"))
		return err_set(e, ERR_UNSUPPORTED, "the demo has no bytes to print; name a file");
	snprintf(move.object, sizeof(move.object), "%.12s", v->name);
	added = q->to ? added_since(s, q->to, v->name, move.size) : move.size;
	sim_move(s, &move, 1, &phases, p);
	free(sim_files_then(s, v->files ? v->files : v->name, sim_wall(s, sim_now(s)), &n));
	sim_hex(sim_hash(sim_hash_text(v->name), s->journal_read), id, SIM_BACKUP_ID - 1);
	*out = (struct tare_backup_result){
	        .bytes = move.size, .entries = n, .written = added / 2, .id = q->to ? strdup(id) : NULL};
	line = sim_action("backup-made", NULL);
	json_set_str(line, "dir", q->to ? q->to : q->file);
	json_set_str(line, "volume", v->name);
	json_set_str(line, "files", v->files ? v->files : v->name);
	if (q->to)
		json_set_str(line, "backup", id);
	json_set_int(line, "bytes", (int64_t)move.size);
	json_set_int(line, "added", (int64_t)added);
	return sim_journal_add(s, line, e);
}

/* ------------------------------------------------------------------ list, forget */

static json *row_of(const struct simulation *s, const struct sim_backup *b)
{
	json *row = json_object_new_object();
	size_t n = 0;

	free(sim_files_then(s, b->files, b->at, &n));
	json_set_str(row, "Id", b->id);
	json_set_str(row, "Volume", b->volume);
	json_set_int(row, "Time", b->at);
	json_set_str(row, "Host", "demo");
	json_set_int(row, "Bytes", (int64_t)b->bytes);
	json_set_int(row, "Files", (int64_t)n);
	json_set_int(row, "Entries", (int64_t)n + 1);
	json_set_int(row, "Added", (int64_t)b->added);
	json_set_int(row, "Stored", (int64_t)(b->added * 2 / 5));
	return row;
}

int sim_volume_backups(struct tare_engine *t, const char *dir, json **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_backup *list = NULL;
	ssize_t n = sim_backups_in(s, dir, &list, e);

	if (n < 0)
		return -1;
	*out = json_object_new_array();
	for (ssize_t i = 0; i < n; i++)
		json_object_array_add(*out, row_of(s, &list[i]));
	sim_backup_list_free(list, (size_t)n);
	return 0;
}

static int forget_one(
        struct simulation *s, const struct sim_backup *b, bool dry_run, json *rows, struct err *e)
{
	json *line;

	json_object_array_add(rows, row_of(s, b));
	if (dry_run)
		return 0;
	line = sim_action("backup-forget", NULL);
	json_set_str(line, "backup", b->id);
	return sim_journal_add(s, line, e);
}

int sim_volume_forget(struct tare_engine *t, const struct tare_forget *q, json **forgotten, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_backup *list = NULL, found;
	ssize_t n = sim_backups_in(s, q->dir, &list, e);
	cleanup_json json *rows = json_object_new_array();
	int rc = n < 0 ? -1 : 0;

	strv_foreach (id, q->ids)
		if (rc == 0)
			rc = sim_backup_find(list, (size_t)n, *id, q->volume, &found, e)
			             ? forget_one(s, &found, q->dry_run, rows, e)
			             : -1;
	sim_backup_list_free(list, n > 0 ? (size_t)n : 0);
	if (rc == 0)
		*forgotten = steal_ptr(&rows);
	return rc;
}
