#include "engine/volume_schedule.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/store/store.h"
#include "engine/volume.h"

/* ------------------------------------------------------------------ names */

int schedule_unit_name(const char *volume, char dst[SCHEDULE_NAME_SIZE], struct err *e)
{
	if (volume_name_check(volume, e) < 0)
		return -1;
	snprintf(dst, SCHEDULE_NAME_SIZE, "tare-backup-%s", volume);
	return 0;
}

int schedule_cron_name(const char *volume, char dst[SCHEDULE_NAME_SIZE], struct err *e)
{
	size_t n;

	if (volume_name_check(volume, e) < 0)
		return -1;
	n = (size_t)snprintf(dst, SCHEDULE_NAME_SIZE, "tare-backup-");
	for (const char *s = volume; *s; s++)
		n += (size_t)snprintf(dst + n, SCHEDULE_NAME_SIZE - n, *s == '.' ? "_2e" : "%c", *s);
	return 0;
}

int schedule_check_value(const char *value, struct err *e)
{
	bool bad = !utf8_valid(value, strlen(value));

	for (const unsigned char *s = (const unsigned char *)value; *s && !bad; s++)
		bad = *s < ' ' || *s == 0x7f;
	if (!bad)
		return 0;
	return err_set(e, ERR_USAGE,
	        "a schedule cannot hold \"%.200s\": it has control characters, or is not UTF-8", value);
}

/* ------------------------------------------------------------------ the first two lines */

int schedule_mark(const char *volume, const char *root, struct buf *out, struct err *e)
{
	if (volume_name_check(volume, e) < 0 || schedule_check_value(root, e) < 0)
		return -1;
	buf_printf(
	        out, "# Written by tare volume backup --schedule, for the volume %s of %s\n", volume, root);
	return 0;
}

static json *rules_json(const struct tare_forget *k)
{
	const struct {
		const char *name;
		unsigned n;
	} rules[] = {{"Last", k->last}, {"Hourly", k->hourly}, {"Daily", k->daily}, {"Weekly", k->weekly},
	        {"Monthly", k->monthly}, {"Yearly", k->yearly}};
	json *o = json_object_new_object();

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].n)
			json_set_int(o, rules[i].name, rules[i].n);
	return o;
}

int schedule_note(const struct tare_backup_schedule *s, struct buf *out, struct err *e)
{
	cleanup_json json *note = json_object_new_object();

	if (!note)
		return err_no_memory(e);
	if (schedule_check_value(s->backup->to, e) < 0)
		return -1;
	json_set_str(note, "When", s->when);
	json_set_str(note, "Repository", s->backup->to);
	if (s->keep)
		json_set(note, "Keep", rules_json(s->keep));
	buf_str_add(out, "# ");
	json_print(out, note, JSON_COMPACT);
	buf_char(out, '\n');
	return 0;
}

/* ------------------------------------------------------------------ what there is */

/* Files that somebody else wrote say nothing about this volume. */
static int look_into(const char *path, const char *mark, json **doc, char ***files)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(SCHEDULE_FILE_MAX);
	const char *note;

	if (file_read_at(AT_FDCWD, path, &text, NULL) < 0 || strncmp(buf_str(&text), mark, strlen(mark)) != 0)
		return 0;
	note = buf_str(&text) + strlen(mark);
	if (!*doc && strncmp(note, "# {", 3) == 0)
		*doc = json_parse(note + 2, strcspn(note + 2, "\n"), path, NULL);
	return strv_add(files, path);
}

int tare_volume_schedule(const char *root, const char *volume, json **out, struct err *e)
{
	char unit[SCHEDULE_NAME_SIZE], cron[SCHEDULE_NAME_SIZE], real[PATH_MAX];
	cleanup_buf struct buf mark = BUF_INIT;
	cleanup_strv char **files = NULL;
	cleanup_json json *doc = NULL;

	*out = NULL;
	if (!realpath(root ? root : STORE_ROOT_DEFAULT, real))
		return err_sys(e, "cannot find %s", root ? root : STORE_ROOT_DEFAULT);
	if (schedule_unit_name(volume, unit, e) < 0 || schedule_cron_name(volume, cron, e) < 0 ||
	        schedule_mark(volume, real, &mark, e) < 0)
		return -1;
	cleanup_free char *service = str_printf(SCHEDULE_UNIT_DIR "/%s.service", unit);
	cleanup_free char *timer = str_printf(SCHEDULE_UNIT_DIR "/%s.timer", unit);
	cleanup_free char *table = str_printf(SCHEDULE_CRON_DIR "/%s", cron);
	if (!service || !timer || !table || look_into(service, buf_str(&mark), &doc, &files) < 0 ||
	        look_into(timer, buf_str(&mark), &doc, &files) < 0 ||
	        look_into(table, buf_str(&mark), &doc, &files) < 0)
		return err_no_memory(e);
	if (!files)
		return 0;
	if (!doc)
		doc = json_object_new_object();
	json_set_strv(doc, "Files", files);
	*out = steal_ptr(&doc);
	return 0;
}
