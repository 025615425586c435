/* volumes/NAME/volume.json. Written once, when the volume is made. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/store/store.h"
#include "engine/volume.h"

#define RECORD_MAX ((size_t)1 << 20)

void volume_record_free(struct volume_record *r)
{
	free(r->name);
	json_free(&r->labels);
	json_free(&r->options);
	free(r->device);
	strv_free(r->mount_options);
	*r = (struct volume_record){0};
}

bool volume_is_anonymous(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

char **volume_texts(json *object)
{
	char **texts = NULL;

	if (!json_object_is_type(object, json_type_object))
		return NULL;
	json_object_object_foreach (object, key, value) {
		const char *text = json_object_get_string(value);
		if (strv_take(&texts, str_printf("%s=%s", key, text ? text : "")) != 0)
			return NULL;
	}
	return texts;
}

json *volume_texts_object(char *const *texts)
{
	json *o = json_object_new_object();

	strv_foreach (t, texts) {
		const char *equals = strchr(*t, '=');
		cleanup_free char *key = strndup(*t, equals ? (size_t)(equals - *t) : strlen(*t));
		if (key)
			json_set_str(o, key, equals ? equals + 1 : "");
	}
	return o;
}

int volume_record_write_at(int volume_fd, const struct volume_record *r, struct err *e)
{
	cleanup_json json *j = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;

	json_set_str(j, "name", r->name);
	json_set_int(j, "created", r->created);
	if (r->labels)
		json_set(j, "labels", json_object_get(r->labels));
	if (r->options)
		json_set(j, "options", json_object_get(r->options));
	json_print(&text, j, JSON_COMPACT);
	if (text.len > RECORD_MAX)
		return err_set(
		        e, ERR_USAGE, "the labels of volume %s are too long: at most 1 MiB in all", r->name);
	return file_write_at(volume_fd, "volume.json", text.data, text.len, 0600, FILE_SYNC, e);
}

static json *object_of(json *j, const char *key)
{
	json *o = json_get(j, key);

	return json_object_is_type(o, json_type_object) && json_object_object_length(o) ? json_object_get(o)
	                                                                                : NULL;
}

int volume_record_read_at(int volume_fd, const char *name, struct volume_record *r, struct err *e)
{
	struct err why = ERR_INIT;
	cleanup_json json *j = json_read_at(volume_fd, "volume.json", RECORD_MAX + 1, &why);

	*r = (struct volume_record){.name = strdup(name), .created = json_int(j, "created", 0)};
	r->labels = object_of(j, "labels");
	r->options = object_of(j, "options");
	cleanup_strv char **options = volume_texts(r->options);
	if (json_object_is_type(j, json_type_object) && volume_options_parse(options, r, &why) == 0)
		return r->name ? 0 : err_no_memory(e);
	volume_record_free(r);
	/* what cannot be read for a moment is not damaged: its options would be lost when it is set aside */
	if (!j && (why.sys == EIO || why.sys == EMFILE || why.sys == ENFILE)) {
		errno = why.sys;
		return err_sys(e, "cannot read the record of volume %s", name);
	}
	return err_set(e, ERR_CORRUPT,
	        "the record of volume %s cannot be read; tare system check --repair sets it aside", name);
}

int volume_record_read(const struct store *s, const char *name, struct volume_record *r, struct err *e)
{
	*r = (struct volume_record){0};
	if (volume_name_check(name, e) != 0)
		return -1;
	cleanup_fd int fd = openat(s->volumes_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? err_set(e, ERR_NOT_FOUND, "no such volume: %s", name)
		                       : err_sys(e, "cannot open the volume %s", name);
	return volume_record_read_at(fd, name, r, e);
}
