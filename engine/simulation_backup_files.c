/* What was in a simulated volume at a moment: its files as they are now, of which each has its own pace of
 * changing, and some that come and go. */
#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE 700 /* the type bits of st_mode */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/simulation_backup.h"
#include "engine/simulation_volume.h"

#define DAY (86400 * SIM_SECOND)

/* Numbered files: the last few are there, and the number counts on. */
struct series {
	const char *volume, *format;
	uint64_t size;
	unsigned a_day, keep;
};
static const struct series series[] = {
        {"shop-db-data", "pg_wal/0000000100000012%08lX", 16777216, 3, 5},
        {"shop-cache-data", "temp-%lu.rdb", 40811000, 1, 1},
        {"search-index", "segments/_x%lu.cfs", 121844113, 2, 6},
};

static bool room(struct sim_old_file **list, size_t n)
{
	struct sim_old_file *grown = n % 32 ? *list : realloc(*list, (n + 32) * sizeof(*grown));

	if (grown)
		*list = grown;
	return grown != NULL;
}

/* How many days lie between two of its changes; 0: it never does. */
static int64_t pace(const struct sim_file *f, uint64_t seed)
{
	const char *dot = strrchr(f->path, '.');

	if (!S_ISREG(f->mode) || (f->text && (!dot || strcmp(dot, ".conf") != 0)))
		return 0;
	return f->size > SIM_MIB ? 1 : 1 + (int64_t)(seed % 23);
}

/* Changed last on the day `last`, at its own time of the day. */
static struct sim_old_file file_then(const struct sim_file *f, int64_t when)
{
	uint64_t seed = sim_hash_text(f->path);
	int64_t hour = (int64_t)(seed % 86400) * SIM_SECOND, days = (when - hour) / DAY,
	        every = pace(f, seed);
	int64_t last = every ? days - (days + (int64_t)(seed % 97)) % every : 0;
	struct sim_old_file old = {.mode = f->mode, .size = f->text ? strlen(f->text) : f->size};

	snprintf(old.path, sizeof(old.path), "%s", f->path);
	old.version = (uint64_t)last;
	if (last)
		old.mtime = last * DAY + hour;
	else
		old.mtime = INT64_C(1760000000) * SIM_SECOND + (int64_t)(seed % 40) * DAY;
	if (last && !f->text && f->size)
		old.size = f->size - f->size / 400 * (sim_hash(seed, (uint64_t)last) % 8);
	if (f->text && seed % 3 == 1 && days % 11 < 5) /* somebody shuts it now and then */
		old.mode &= ~077U;
	return old;
}

static void add_series(struct sim_old_file **list, size_t *n, const char *files, int64_t when)
{
	for (size_t i = 0; i < sizeof(series) / sizeof(*series); i++) {
		const struct series *r = &series[i];
		unsigned long last = (unsigned long)(when / (DAY / r->a_day) % 100000);

		for (unsigned long k = 0; k < r->keep && !strcmp(r->volume, files) && room(list, *n); k++) {
			struct sim_old_file *f = &(*list)[(*n)++];

			*f = (struct sim_old_file){.mode = S_IFREG | 0600,
			        .size = r->size,
			        .mtime = when - when % (DAY / r->a_day) - (int64_t)k * (DAY / r->a_day)};
			/* the format is one of ours, with one number in it */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(f->path, sizeof(f->path), r->format, last - k);
#pragma GCC diagnostic pop
		}
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct sim_old_file *)a)->path, ((const struct sim_old_file *)b)->path);
}

struct sim_old_file *sim_files_then(const struct simulation *s, const char *files, int64_t when, size_t *n)
{
	struct sim_old_file *list = NULL;
	cleanup_free char *owner = str_printf("volume:%s", files);

	*n = 0;
	if (!owner || !room(&list, 0))
		return NULL;
	for (size_t i = 0; i < sim_n_file_sets; i++)
		for (const struct sim_file *f = sim_file_sets[i].files;
		        !strcmp(sim_file_sets[i].owner, owner) && f->path; f++)
			if (room(&list, *n))
				list[(*n)++] = file_then(f, when);
	for (size_t i = 0; i < s->n_copied; i++) {
		const struct sim_copied *c = &s->copied[i];

		if (strcmp(c->owner, owner) != 0 || sim_wall(s, c->at) > when || !room(&list, *n))
			continue;
		list[*n] = (struct sim_old_file){
		        .mode = c->mode, .size = c->size, .mtime = c->mtime, .version = c->size};
		snprintf(list[(*n)++].path, sizeof(list->path), "%s", c->path);
	}
	add_series(&list, n, files, when);
	qsort(list, *n, sizeof(*list), by_path);
	return list;
}

/* ------------------------------------------------------------------ two of them */

static void tell(json *rows, const struct sim_old_file *f, char change)
{
	json *row = json_object_new_object();
	const char word[2] = {change, '\0'};

	json_set_str(row, "Path", f->path);
	json_set_int(row, "Mode", f->mode);
	json_set_int(row, "Size", (int64_t)f->size);
	json_set_int(row, "Time", f->mtime);
	if (change)
		json_set_str(row, "Change", word);
	json_object_array_add(rows, row);
}

/* 0: the same. */
static char change_of(const struct sim_old_file *a, const struct sim_old_file *b)
{
	if (a->version != b->version || a->size != b->size)
		return 'C';
	return a->mode != b->mode ? 'M' : '\0';
}

static void compare(
        json *rows, const struct sim_old_file *a, size_t n, const struct sim_old_file *b, size_t k)
{
	size_t i = 0, j = 0;

	while (i < n || j < k) {
		int order = i == n ? 1 : j == k ? -1 : strcmp(a[i].path, b[j].path);

		if (order < 0)
			tell(rows, &a[i], 'D');
		else if (order > 0)
			tell(rows, &b[j], 'A');
		else if (change_of(&a[i], &b[j]))
			tell(rows, &b[j], change_of(&a[i], &b[j]));
		i += order <= 0;
		j += order >= 0;
	}
}

static void tell_all(json *rows, const struct sim_old_file *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tell(rows, &a[i], '\0');
}

int sim_volume_backup_compare(
        struct tare_engine *t, const char *dir, const char *from, const char *to, json **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_backup *list = NULL, x, y;
	ssize_t n = sim_backups_in(s, dir, &list, e);
	cleanup_free struct sim_old_file *a = NULL, *b = NULL;
	size_t na = 0, nb = 0;
	int rc = -1;

	if (n >= 0 && sim_backup_find(list, (size_t)n, from, NULL, &x, e) &&
	        (!to || sim_backup_find(list, (size_t)n, to, NULL, &y, e))) {
		a = sim_files_then(s, x.files, x.at, &na);
		b = to ? sim_files_then(s, y.files, y.at, &nb) : NULL;
		rc = a && (b || !to) ? 0 : err_no_memory(e);
	}
	sim_backup_list_free(list, n > 0 ? (size_t)n : 0);
	if (rc < 0)
		return -1;
	*out = json_object_new_array();
	if (to)
		compare(*out, a, na, b, nb);
	else
		tell_all(*out, a, na);
	return 0;
}
