/* --mount: Docker's comma-separated keys. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/request_mount.h"

static int mount_bool(const char *value, bool *v, const char *key, struct err *e)
{
	*v = !value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
	if (*v || strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		return 0;
	return err_set(e, ERR_USAGE, "%s takes true or false, not \"%s\"", key, value);
}

/* What --mount has said so far, before its type is known. */
struct mount_words {
	struct tare_mount *m;
	const char *type, *source;   /* borrowed */
	const char *needs_read_only; /* what bind-recursive said, or NULL */
};

typedef int mount_key_fn(struct mount_words *w, const char *value, struct err *e);

static int key_type(struct mount_words *w, const char *value, struct err *e)
{
	if (strcmp(value, "bind") != 0 && strcmp(value, "volume") != 0 && strcmp(value, "tmpfs") != 0)
		return err_set(e, ERR_USAGE, "unknown type \"%s\"; one of bind, volume, tmpfs", value);
	w->type = value;
	return 0;
}

static int key_source(struct mount_words *w, const char *value, struct err *e)
{
	(void)e;
	w->source = value;
	return 0;
}

static int key_target(struct mount_words *w, const char *value, struct err *e)
{
	return request_mount_set_target(w->m, value, value, e);
}

static int key_read_only(struct mount_words *w, const char *value, struct err *e)
{
	return mount_bool(value, &w->m->read_only, "readonly", e);
}

static int key_no_copy(struct mount_words *w, const char *value, struct err *e)
{
	return mount_bool(value, &w->m->no_copy, "volume-nocopy", e);
}

static int key_non_recursive(struct mount_words *w, const char *value, struct err *e)
{
	return mount_bool(value, &w->m->non_recursive, "bind-nonrecursive", e);
}

/* Read-only mounts are so all the way down, unless "writable" says otherwise. */
static int key_recursive(struct mount_words *w, const char *value, struct err *e)
{
	static const char *const words[] = {"enabled", "disabled", "writable", "readonly", NULL};

	if (!strv_has((char *const *)words, value))
		return err_set(e, ERR_USAGE,
		        "bind-recursive takes enabled, disabled, writable or readonly, not \"%s\"", value);
	w->m->non_recursive = *value == 'd';
	w->m->submounts_writable = *value == 'w';
	w->needs_read_only = *value == 'r' || *value == 'w' ? value : NULL;
	return 0;
}

static int key_create_source(struct mount_words *w, const char *value, struct err *e)
{
	return mount_bool(value, &w->m->make_source, "bind-create-src", e);
}

static int key_propagation(struct mount_words *w, const char *value, struct err *e)
{
	if (!request_mount_is_propagation(value))
		return err_set(e, ERR_USAGE,
		        "unknown propagation \"%s\"; one of rprivate, private, rshared, shared, rslave, "
		        "slave",
		        value);
	return request_mount_set_propagation(w->m, value, e);
}

static int key_tmpfs_size(struct mount_words *w, const char *value, struct err *e)
{
	return size_parse(value, &w->m->tmpfs_size, e);
}

static int key_tmpfs_mode(struct mount_words *w, const char *value, struct err *e)
{
	return request_mount_mode(value, &w->m->tmpfs_mode, e);
}

static int key_driver(struct mount_words *w, const char *value, struct err *e)
{
	(void)w;
	if (strcmp(value, "local") != 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "unknown volume driver \"%s\"; there is only local", value);
	return 0;
}

static int key_volume_option(struct mount_words *w, const char *value, struct err *e)
{
	if (!strchr(value, '='))
		return err_set(e, ERR_USAGE,
		        "volume-opt takes KEY=VALUE, as in volume-opt=type=tmpfs, not \"%s\"", value);
	return strv_add(&w->m->volume_options, value) < 0 ? err_no_memory(e) : 0;
}

static int key_volume_label(struct mount_words *w, const char *value, struct err *e)
{
	if (*value == '=')
		return err_set(e, ERR_USAGE, "volume-label takes KEY=VALUE, as in volume-label=stage=test");
	return strv_add(&w->m->volume_labels, value) < 0 ? err_no_memory(e) : 0;
}

static bool leads_up(const char *path)
{
	for (; path; path = strchr(path, '/')) {
		path += *path == '/';
		if (strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0)
			return true;
	}
	return false;
}

/* By its letters; where it leads is judged when the volume is opened. */
static int key_subpath(struct mount_words *w, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (!copy)
		return err_no_memory(e);
	free(w->m->subpath);
	w->m->subpath = copy;
	if (*copy == '/' || leads_up(copy))
		return err_set(e, ERR_USAGE,
		        "volume-subpath \"%s\" must stay within the volume: a relative path without \"..\"",
		        copy);
	return 0;
}

static int key_consistency(struct mount_words *w, const char *value, struct err *e)
{
	(void)w;
	(void)value;
	(void)e;
	return 0;
}

static const struct {
	const char *key;
	mount_key_fn *fn;
	bool bare;        /* may stand without a value */
	const char *only; /* the type that it belongs to, or NULL */
} mount_keys[] = {
        {"type", key_type, false, NULL},
        {"source", key_source, false, NULL},
        {"src", key_source, false, NULL},
        {"target", key_target, false, NULL},
        {"destination", key_target, false, NULL},
        {"dst", key_target, false, NULL},
        {"readonly", key_read_only, true, NULL},
        {"ro", key_read_only, true, NULL},
        {"consistency", key_consistency, false, NULL},
        {"bind-propagation", key_propagation, false, "bind"},
        {"bind-nonrecursive", key_non_recursive, true, "bind"},
        {"bind-recursive", key_recursive, false, "bind"},
        {"bind-create-src", key_create_source, true, "bind"},
        {"volume-nocopy", key_no_copy, true, "volume"},
        {"volume-driver", key_driver, false, "volume"},
        {"volume-opt", key_volume_option, false, "volume"},
        {"volume-label", key_volume_label, false, "volume"},
        {"volume-subpath", key_subpath, false, "volume"},
        {"tmpfs-size", key_tmpfs_size, false, "tmpfs"},
        {"tmpfs-mode", key_tmpfs_mode, false, "tmpfs"},
};
#define N_MOUNT_KEYS (sizeof(mount_keys) / sizeof(*mount_keys))

static int unknown_mount_key(const char *key, const char *type, struct err *e)
{
	const char *names[N_MOUNT_KEYS], *nearest;
	cleanup_buf struct buf list = BUF_INIT;

	for (size_t i = 0; i < N_MOUNT_KEYS; i++)
		names[i] = mount_keys[i].key;
	nearest = text_nearest(key, names, N_MOUNT_KEYS);
	if (nearest)
		return err_set(e, ERR_USAGE, "unknown key \"%s\"; did you mean %s?", key, nearest);
	for (size_t i = 0; i < N_MOUNT_KEYS; i++)
		if (!mount_keys[i].only || strcmp(mount_keys[i].only, type) == 0)
			buf_printf(&list, "%s%s", list.len ? ", " : "", mount_keys[i].key);
	return err_set(
	        e, ERR_USAGE, "unknown key \"%.100s\"; those of type=%s are %s", key, type, buf_str(&list));
}

static int mount_word(struct mount_words *w, char *word, const char *type, struct err *e)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = 0;
	for (size_t i = 0; i < N_MOUNT_KEYS; i++) {
		if (strcmp(word, mount_keys[i].key) != 0)
			continue;
		if (!mount_keys[i].bare && (!value || !*value))
			return err_set(e, ERR_USAGE, "%s needs a value", word);
		if (mount_keys[i].only && strcmp(mount_keys[i].only, type) != 0)
			return err_set(e, ERR_USAGE, "%s belongs to type=%s, not to type=%s", word,
			        mount_keys[i].only, type);
		return mount_keys[i].fn(w, value, e);
	}
	return unknown_mount_key(word, type, e);
}

/* The next field of a comma-separated line; one that begins with a quote may hold commas ("" is a quote). */
static char *next_field(char **rest)
{
	char *field = *rest, *in = field, *out = field;

	if (!field)
		return NULL;
	if (*in != '"')
		return text_next_part(rest, ",");
	for (in++; *in && !(*in == '"' && in[1] != '"'); in++) {
		if (*in == '"')
			in++;
		*out++ = *in;
	}
	*rest = *in == '"' && in[1] == ',' ? in + 2 : NULL;
	*out = 0;
	return field;
}

static int mount_source(struct mount_words *w, struct err *e)
{
	struct tare_mount *m = w->m;

	if (w->needs_read_only && !m->read_only)
		return err_set(e, ERR_USAGE, "bind-recursive=%s is about read-only mounts; add readonly",
		        w->needs_read_only);
	if (m->submounts_writable && m->non_recursive)
		return err_set(e, ERR_USAGE, "bind-recursive=writable contradicts bind-nonrecursive");

	if (strcmp(w->type, "tmpfs") == 0) {
		m->kind = TARE_MOUNT_TMPFS;
		return w->source ? err_set(e, ERR_USAGE, "a tmpfs has no source") : 0;
	}
	if (strcmp(w->type, "volume") == 0)
		return w->source ? request_mount_set_volume(m, w->source, e) : 0;
	if (!w->source)
		return err_set(e, ERR_USAGE, "a bind needs a source");
	return request_mount_set_bind(m, w->source, e);
}

/* The type decides which keys fit, so it is looked for first. */
static const char *mount_type(const char *text)
{
	const char *at = strncmp(text, "type=", 5) == 0 ? text : strstr(text, ",type=");

	at = at ? strchr(at, '=') + 1 : "";
	return strncmp(at, "bind", 4) == 0 ? "bind" : strncmp(at, "tmpfs", 5) == 0 ? "tmpfs" : "volume";
}

int tare_parse_mount(struct tare_create *c, const char *text, struct err *e)
{
	cleanup_mount struct tare_mount m = {.kind = TARE_MOUNT_VOLUME};
	cleanup_free char *copy = strdup(text);
	struct mount_words w = {.m = &m, .type = "volume"};
	char *rest = copy, *word;
	int rc = 0;

	if (!copy)
		return err_no_memory(e);
	while (rc == 0 && (word = next_field(&rest)))
		rc = mount_word(&w, word, mount_type(text), e);
	if (rc == 0 && !m.target)
		rc = err_set(e, ERR_USAGE, "the target is missing");
	if (rc == 0)
		rc = mount_source(&w, e);
	if (rc < 0)
		return e && e->kind != ERR_USAGE
		               ? -1
		               : err_wrap(e,
		                         "invalid mount \"%s\" (sample: type=bind,source=/srv,target=/data)",
		                         text);
	return request_mount_add(c, &m, e);
}
