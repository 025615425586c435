/* Making volumes: aside and renamed, so that one is there whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/volume_check.h"

/* ------------------------------------------------------------------ what is asked */

static int record_of(
        const struct tare_volume_create *how, const char *name, struct volume_record *r, struct err *e)
{
	*r = (struct volume_record){.name = strdup(name), .created = now_realtime()};
	if (!r->name)
		return err_no_memory(e);
	if (how->driver && strcmp(how->driver, "local") != 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "unknown volume driver \"%s\"; there is only local", how->driver);
	if (volume_options_parse(how->options, r, e) != 0)
		return -1;
	if (how->options && *how->options)
		r->options = volume_texts_object(how->options);
	if (how->labels && json_object_object_length(how->labels))
		r->labels = json_object_get(how->labels);
	return 0;
}

static int name_of(const struct tare_volume_create *how, char name[VOLUME_NAME_MAX], struct err *e)
{
	if (!how->name || !*how->name) {
		random_hex(name, 32);
		return 0;
	}
	if (volume_name_check(how->name, e) != 0)
		return -1;
	snprintf(name, VOLUME_NAME_MAX, "%s", how->name);
	return 0;
}

/* ------------------------------------------------------------------ aside */

static int make_data(
        const struct store *s, struct volume_draft *d, const struct volume_record *r, struct err *e)
{
	if (mkdirat(d->dir_fd, "data", 0755) != 0)
		return err_sys(e, "cannot make the volume %s", r->name);
	d->data_fd = openat(d->dir_fd, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->data_fd < 0 || fchmod(d->data_fd, 0755) != 0)
		return err_sys(e, "cannot make the volume %s", r->name);
	if (r->quota && volume_quota_set(s, d->data_fd, r->quota, e) != 0)
		return err_wrap(e, "volume %s", r->name);
	return volume_record_write_at(d->dir_fd, r, e);
}

int volume_draft_begin(
        const struct store *s, const struct tare_volume_create *how, struct volume_draft *d, struct err *e)
{
	cleanup_volume_record struct volume_record r = {0};

	*d = (struct volume_draft)VOLUME_DRAFT_INIT;
	if (name_of(how, d->name, e) != 0 || record_of(how, d->name, &r, e) != 0)
		return -1;
	if (r.kind == VOLUME_TMPFS && r.read_only)
		return err_set(e, ERR_USAGE, "a tmpfs volume that is read-only stays empty; leave out ro");
	volumes_tidy(s, false);
	d->dir_fd = volume_aside_make(s->volumes_fd, ".new-", d->aside, e);
	if (d->dir_fd < 0) {
		d->aside[0] = '\0';
		return err_wrap(e, "volume %s", d->name);
	}
	if (make_data(s, d, &r, e) == 0)
		return 0;
	volume_draft_close(s, d);
	return -1;
}

static int publish(const struct store *s, struct volume_draft *d, struct err *e)
{
	if (renameat(s->volumes_fd, d->aside, s->volumes_fd, d->name) != 0)
		return errno == EEXIST || errno == ENOTEMPTY
		               ? err_set(e, ERR_CONFLICT, "there is a volume %s already", d->name)
		               : err_sys(e, "cannot make the volume %s", d->name);
	d->aside[0] = '\0';
	event_emit(s, "volume", "create", d->name, NULL);
	/* a container that names it may outlast a power cut: so must the volume */
	return fsync(s->volumes_fd) != 0 ? err_sys(e, "cannot write %s/volumes", s->root) : 0;
}

int volume_draft_publish(const struct store *s, struct volume_draft *d, struct err *e)
{
	if (syncfs(d->data_fd) != 0)
		return err_sys(e, "cannot write the volume %s", d->name);
	return publish(s, d, e);
}

void volume_draft_close(const struct store *s, struct volume_draft *d)
{
	close_fd(&d->data_fd);
	if (d->aside[0])
		volume_aside_remove(s, s->volumes_fd, d->aside);
	d->aside[0] = '\0';
	close_fd(&d->dir_fd);
}

/* ------------------------------------------------------------------ one that may be there */

static bool same_texts(json *a, json *b)
{
	size_t n = a ? (size_t)json_object_object_length(a) : 0;

	if (n != (b ? (size_t)json_object_object_length(b) : 0))
		return false;
	if (!n)
		return true;
	json_object_object_foreach (a, key, value) {
		const char *text = json_object_get_string(value), *other = json_str(b, key, NULL);
		if (!text || !other || strcmp(text, other) != 0)
			return false;
	}
	return true;
}

/* 1: it is there and such; 0: there is none; -1: it is another. */
static int is_there(
        const struct store *s, const struct tare_volume_create *how, const char *name, struct err *e)
{
	cleanup_volume_record struct volume_record r = {0}, want = {0};
	struct err why = ERR_INIT;

	if (record_of(how, name, &want, e) != 0)
		return -1;
	if (volume_record_read(s, name, &r, &why) != 0) {
		if (why.kind == ERR_NOT_FOUND)
			return 0;
		if (e)
			*e = why;
		return -1;
	}
	if (want.options && !same_texts(want.options, r.options))
		return err_set(e, ERR_CONFLICT,
		        "there is a volume %s already, with other options; look with: tare volume inspect %s",
		        name, name);
	if (want.labels && !same_texts(want.labels, r.labels))
		return err_set(e, ERR_CONFLICT,
		        "there is a volume %s already, with other labels; look with: tare volume inspect %s",
		        name, name);
	return 1;
}

int volume_make(const struct store *s, const struct tare_volume_create *how, char name[VOLUME_NAME_MAX],
        struct err *e)
{
	struct tare_volume_create named = *how;

	if (name_of(how, name, e) != 0)
		return -1;
	named.name = name;
	for (int tries = 0; tries < 16; tries++) { /* one that others make and remove all the time */
		struct volume_draft d;
		struct err why = ERR_INIT;
		int there = is_there(s, &named, name, e);
		if (there != 0)
			return there < 0 ? -1 : 0;
		if (volume_draft_begin(s, &named, &d, e) != 0)
			return -1;
		int rc = publish(s, &d, &why);
		volume_draft_close(s, &d);
		if (rc == 0)
			return 0;
		if (why.kind != ERR_CONFLICT) {
			if (e)
				*e = why;
			return -1;
		}
	}
	return err_set(
	        e, ERR_OTHER, "the volume %s comes and goes; nobody else may make and remove it", name);
}

int engine_volume_create(
        struct tare_engine *t, const struct tare_volume_create *how, char *name, struct err *e)
{
	return volume_make(engine_store(t), how, name, e);
}
