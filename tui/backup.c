#include "tui/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/app.h"
#include "tui/config.h"

#define DEMO_REPOSITORY "/srv/backups" /* where the simulated nightly ones are */

/* ------------------------------------------------------------------ the list */

void backup_list_free(struct backup_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->rows[i].id);
		free(l->rows[i].volume);
		free(l->rows[i].host);
	}
	free(l->rows);
	*l = (struct backup_list){0};
}

static uint64_t number(json *row, const char *key)
{
	int64_t n = json_int(row, key, 0);

	return n > 0 ? (uint64_t)n : 0;
}

static int by_time(const void *a, const void *b)
{
	const struct backup *x = a, *y = b;

	return x->time < y->time ? 1 : x->time > y->time ? -1 : strcmp(x->id, y->id);
}

int backup_list_parse(const char *text, size_t len, struct backup_list *out, struct err *e)
{
	cleanup_json json *doc = json_parse(text, len, "the list of backups", e);
	size_t n = json_object_is_type(doc, json_type_array) ? json_object_array_length(doc) : 0;

	*out = (struct backup_list){.rows = calloc(n + 1, sizeof(*out->rows))};
	if (!doc || !out->rows) {
		backup_list_free(out);
		return doc ? err_no_memory(e) : -1;
	}
	for (size_t i = 0; i < n; i++) {
		json *row = json_object_array_get_idx(doc, i);
		struct backup b = {.id = strdup(json_str(row, "Id", "")),
		        .volume = strdup(json_str(row, "Volume", "")),
		        .host = strdup(json_str(row, "Host", "")),
		        .time = json_int(row, "Time", 0),
		        .bytes = number(row, "Bytes"),
		        .files = number(row, "Files"),
		        .added = number(row, "Added"),
		        .stored = number(row, "Stored")};

		backup_time(b.time, b.when);
		out->rows[out->n++] = b;
		if (b.id && b.volume && b.host)
			continue;
		backup_list_free(out);
		return err_no_memory(e);
	}
	qsort(out->rows, out->n, sizeof(*out->rows), by_time);
	return 0;
}

const struct backup *backup_find(const struct backup_list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->rows[i].id, id))
			return &l->rows[i];
	return NULL;
}

const struct backup *backup_meant(const struct backup_list *l, const char *volume, const char *id)
{
	bool newest = !*id || !strcmp(id, "latest");

	for (size_t i = 0; i < l->n; i++)
		if (newest ? !strcmp(l->rows[i].volume, volume) : !strncmp(l->rows[i].id, id, strlen(id)))
			return &l->rows[i];
	return NULL;
}

char *backup_time(int64_t ns, char dst[BACKUP_TIME_SIZE])
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;

	if (ns <= 0 || !localtime_r(&t, &tm) || !strftime(dst, BACKUP_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(dst, "-");
	return dst;
}

/* ------------------------------------------------------------------ changes */

void change_list_free(struct change_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->rows[i].path);
	free(l->rows);
	*l = (struct change_list){0};
}

/* Of `tare diff` a number, of backups a letter. */
static char kind_of(json *row)
{
	static const char numbers[] = "CAD";
	int64_t n = json_int(row, "Kind", -1);
	const char *letter = json_str(row, "Change", "");

	if (n >= 0 && n < 3)
		return numbers[n];
	return strlen(letter) == 1 && strchr("ADCM", *letter) ? *letter : ' ';
}

static void count(struct change_list *l, char kind)
{
	l->added += kind == 'A';
	l->removed += kind == 'D';
	l->changed += kind == 'C';
	l->touched += kind == 'M';
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->path, ((const struct change *)b)->path);
}

int change_list_take(json *rows, struct change_list *out, struct err *e)
{
	size_t n = json_object_is_type(rows, json_type_array) ? json_object_array_length(rows) : 0;

	*out = (struct change_list){.cut = n > CHANGES_MAX};
	n = n > CHANGES_MAX ? CHANGES_MAX : n;
	out->rows = calloc(n + 1, sizeof(*out->rows));
	if (!out->rows)
		return err_no_memory(e);
	for (size_t i = 0; i < n; i++) {
		json *row = json_object_array_get_idx(rows, i);
		struct change *c = &out->rows[out->n];

		*c = (struct change){.path = strdup(json_str(row, "Path", "")),
		        .kind = kind_of(row),
		        .mode = (unsigned)json_int(row, "Mode", 0),
		        .size = number(row, "Size"),
		        .time = json_int(row, "Time", 0)};
		if (!c->path) {
			change_list_free(out);
			return err_no_memory(e);
		}
		count(out, c->kind);
		out->n++;
	}
	qsort(out->rows, out->n, sizeof(*out->rows), by_path);
	return 0;
}

/* An array whose end is missing is closed behind its last whole object. Depths are told by brackets outside
 * of strings. NULL: there is no whole one, or no memory. */
static char *mend(const char *text, size_t len, size_t *mended)
{
	size_t depth = 0, last = 0;
	bool in_string = false;
	char *copy;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
		} else if (text[i] == '"') {
			in_string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			depth++;
		} else if ((text[i] == '}' || text[i] == ']') && depth) {
			last = --depth == 1 ? i + 1 : last;
		}
	}
	copy = last ? malloc(last + 2) : NULL;
	if (!copy)
		return NULL;
	memcpy(copy, text, last);
	copy[last] = ']';
	copy[last + 1] = '\0';
	*mended = last + 1;
	return copy;
}

int change_list_parse(const char *text, size_t len, struct change_list *out, struct err *e)
{
	cleanup_json json *doc = json_parse(text, len, "the list of files", NULL);
	cleanup_free char *mended = doc ? NULL : mend(text, len, &len);
	bool cut = mended != NULL;

	*out = (struct change_list){0};
	if (!doc)
		doc = json_parse(mended ? mended : text, len, "the list of files", e);
	if (!doc || change_list_take(doc, out, e) < 0)
		return -1;
	out->cut |= cut;
	return 0;
}

/* ------------------------------------------------------------------ where they are */

#define NAME_SIZE 160

/* What it is remembered as; the demo's is not that of this machine's backups. */
static const char *name_for(struct app *a, const char *what, const char *of, char dst[NAME_SIZE])
{
	snprintf(dst, NAME_SIZE, "%sbackup.%s%s%s", app_is_demo(a) ? "demo." : "", what, *of ? "." : "", of);
	return dst;
}

static const char *remembered(struct app *a, const char *what, const char *of, const char *dflt)
{
	char name[NAME_SIZE];

	return config_get(app_config(a), name_for(a, what, of, name), dflt);
}

static void remember(struct app *a, const char *what, const char *of, const char *value)
{
	char name[NAME_SIZE];

	config_remember(app_config(a), name_for(a, what, of, name), value);
}

const char *backup_repository(struct app *a, const char *volume)
{
	const char *dir = volume ? remembered(a, "repository", volume, "") : "";

	if (!*dir)
		dir = remembered(a, "repository", "", "");
	return !*dir && app_is_demo(a) ? DEMO_REPOSITORY : dir;
}

/* A path may be longer than what something can be remembered as, and have any characters (FNV-1a). */
static void digest(const char *path, char dst[17])
{
	uint64_t h = 0xcbf29ce484222325;
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)path[i]) * 0x100000001b3;
	snprintf(dst, 17, "%016llx", (unsigned long long)h);
}

const char *backup_key_file(struct app *a, const char *repository)
{
	const char *general = remembered(a, "repository", "", ""), *key;
	char of[17];

	digest(repository, of);
	key = remembered(a, "key", of, NULL);
	if (key)
		return key;
	return !*general || !strcmp(general, repository) ? remembered(a, "key_file", "", "") : "";
}

void backup_remember(struct app *a, const char *volume, const char *repository)
{
	if (!strcmp(backup_repository(a, volume), repository))
		return;
	if (!*remembered(a, "repository", "", ""))
		remember(a, "repository", "", repository);
	remember(a, "repository", volume, repository);
}

void backup_remember_key(struct app *a, const char *repository, const char *key_file)
{
	char of[17];

	digest(repository, of);
	if (strcmp(backup_key_file(a, repository), key_file) != 0)
		remember(a, "key", of, key_file);
}

char **backup_words(
        const char *repository, const char *key_file, const char *volume, const char *from, const char *to)
{
	char **words = NULL;

	strv_add(&words, "--json");
	strv_add(&words, "volume");
	strv_add(&words, "backups");
	if (*key_file) {
		strv_add(&words, "--key-file");
		strv_add(&words, key_file);
	}
	if (volume && !from) {
		strv_add(&words, "--volume");
		strv_add(&words, volume);
	}
	strv_add(&words, repository);
	if (from)
		strv_add(&words, from);
	if (from && to)
		strv_add(&words, to);
	return words;
}

const char *backup_history(struct app *a, bool is_file)
{
	if (app_is_demo(a))
		return is_file ? "demo-backup-file" : "demo-backup-repository";
	return is_file ? "backup-file" : "backup-repository";
}
