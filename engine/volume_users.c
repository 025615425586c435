/* Which containers have a volume mounted, by their records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/engine.h"

void volume_users_free(struct volume_users *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->rows[i].volume);
		free(u->rows[i].name);
		free(u->rows[i].destination);
	}
	free(u->rows);
	*u = (struct volume_users){0};
}

/* Asked once for each container, since it looks at processes. */
struct liveness {
	bool known, running;
	pid_t pid;
};

static void look(const struct store *s, const char *id, struct liveness *l)
{
	cleanup_container struct container c = CONTAINER_INIT;

	if (l->known)
		return;
	l->known = true;
	l->running = container_open_id(s, id, &c, NULL) == 0 && container_is_up(&c);
	l->pid = l->running ? c.state.process.pid : 0;
}

static int add(struct volume_users *u, const struct container_record *r, json *mount,
        const struct liveness *l, struct err *e)
{
	struct volume_user *grown = reallocarray(u->rows, u->n + 1, sizeof *grown);

	if (!grown)
		return err_no_memory(e);
	u->rows = grown;
	struct volume_user *row = &grown[u->n++];
	*row = (struct volume_user){.volume = strdup(json_str(mount, "Name", "")),
	        .name = strdup(r->name ? r->name : ""),
	        .destination = strdup(json_str(mount, "Destination", "")),
	        .running = l->running,
	        .writable = json_bool(mount, "RW", true),
	        .pid = l->pid};
	memcpy(row->id, r->id, sizeof row->id);
	return row->volume && row->name && row->destination ? 0 : err_no_memory(e);
}

static int add_container(const struct store *s, const struct container_record *r, const char *volume,
        struct volume_users *out, struct err *e)
{
	json *mounts = json_get(r->config, "Mounts");
	struct liveness alive = {0};

	for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++) {
		json *mount = json_object_array_get_idx(mounts, i);
		const char *name = json_str(mount, "Name", "");
		if (!*name || (volume && strcmp(name, volume) != 0))
			continue;
		look(s, r->id, &alive);
		if (add(out, r, mount, &alive, e) != 0)
			return -1;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct volume_user *x = a, *y = b;
	int order = strcmp(x->volume, y->volume);

	order = order ? order : strcmp(x->name, y->name);
	return order ? order : strcmp(x->destination, y->destination);
}

/* Without its record, what was made from it still tells which volumes it has. */
static int add_unreadable(const struct store *s, const char *entry, const char *id, const char *volume,
        struct volume_users *out, struct err *e)
{
	char path[CONTAINER_ASIDE_MAX + 16];
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	struct container_record r = {.name = (char *)(uintptr_t)id};
	int rc = 0;

	snprintf(path, sizeof path, "%s/config.json", entry);
	cleanup_json json *j = json_read_at(s->containers_fd, path, CONTAINER_RECORD_MAX, NULL);
	if (!j || runtime_spec_from_json(j, &spec, NULL) != 0) {
		snprintf(out->unread, sizeof out->unread, "%s", id);
		return 0;
	}
	memcpy(r.id, id, sizeof r.id);
	for (size_t i = 0; i < spec.n_mounts && rc == 0; i++) {
		const struct spec_mount *m = &spec.mounts[i];
		struct liveness alive = {.known = true};
		if (!m->volume || (volume && strcmp(m->volume, volume) != 0))
			continue;
		cleanup_json json *mount = json_object_new_object();
		json_set_str(mount, "Name", m->volume);
		json_set_str(mount, "Destination", m->destination);
		rc = add(out, &r, mount, &alive, e);
	}
	runtime_spec_free(&spec);
	return rc;
}

static int add_any(
        const struct store *s, const char *id, const char *volume, struct volume_users *out, struct err *e)
{
	struct container_record r;
	struct err why = ERR_INIT;

	if (container_record_read(s, id, &r, &why) != 0) /* or it was removed meanwhile */
		return why.kind == ERR_NOT_FOUND ? 0 : add_unreadable(s, id, id, volume, out, e);
	int rc = add_container(s, &r, volume, out, e);
	container_record_free(&r);
	return rc;
}

int volume_users(const struct store *s, const char *volume, struct volume_users *out, struct err *e)
{
	char entry[CONTAINER_ASIDE_MAX];
	cleanup_strv char **ids = NULL, **aside = NULL;
	int rc = 0;

	*out = (struct volume_users){0};
	if (container_ids(s, &ids, e) != 0 || container_aside_ids(s, &aside, e) != 0)
		return -1;
	strv_foreach (id, ids)
		if (rc == 0)
			rc = add_any(s, *id, volume, out, e);
	strv_foreach (id, aside)
		if (rc == 0)
			rc = add_unreadable(s, container_aside_entry(*id, entry), *id, volume, out, e);
	if (rc != 0) {
		volume_users_free(out);
		return -1;
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof *out->rows, by_name);
	return 0;
}

char **volume_users_running(const struct volume_users *u, bool writing)
{
	char **names = NULL;

	for (size_t i = 0; i < u->n; i++)
		if (u->rows[i].running && (u->rows[i].writable || !writing) &&
		        !strv_has(names, u->rows[i].name))
			strv_add(&names, u->rows[i].name);
	return names;
}

int volume_need_no_writer(const struct store *s, const char *name, struct err *e)
{
	cleanup_volume_users struct volume_users users = {0};
	cleanup_buf struct buf text = BUF_INIT;

	if (volume_users(s, name, &users, e) != 0)
		return -1;
	cleanup_strv char **writers = volume_users_running(&users, true);
	if (!writers)
		return 0;
	strv_foreach (w, writers)
		buf_printf(&text, "%s%s", text.len ? ", " : "", *w);
	return err_set(e, ERR_CONFLICT,
	        "container%s %s may write to volume %s; stop %s first, or use --force",
	        strv_len(writers) > 1 ? "s" : "", buf_str(&text), name,
	        strv_len(writers) > 1 ? "them" : "it");
}
