/* Restoring a simulated volume from a simulated backup. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/simulation_backup.h"
#include "engine/simulation_registry.h"
#include "engine/simulation_volume.h"

/* What is restored from: an archive, DIR@ID, or DIR, the newest of the volume. The strings in `out` go with
 * sim_backup_list_free() of *list. */
static bool source_of(struct simulation *s, const struct tare_restore *q, struct sim_backup **list, size_t *n,
        struct sim_backup *out, struct err *e)
{
	const char *at = strrchr(q->from, '@');
	cleanup_free char *dir = at ? strndup(q->from, (size_t)(at - q->from)) : strdup(q->from);
	const struct sim_backup *archive = sim_archive(s, q->from);
	struct err ignored = ERR_INIT;
	ssize_t got;

	if (archive) {
		*out = *archive;
		return true;
	}
	got = dir ? sim_backups_in(s, dir, list, at ? e : &ignored) : -1;
	if (got < 0) {
		if (!at)
			err_set(e, ERR_NOT_FOUND,
			        "%s is neither a repository nor an archive that was made in the demo",
			        q->from);
		return false;
	}
	*n = (size_t)got;
	return sim_backup_find(*list, *n, at ? at + 1 : "latest", at ? NULL : q->volume, out, e);
}

static int check_target(struct simulation *s, const struct tare_restore *q, struct err *e)
{
	const char *name = q->into ? q->into : q->volume;
	const struct sim_volume *v = sim_find_volume(s, name, NULL);
	cleanup_strv char **users = v ? sim_volume_users(s, name, true) : NULL;

	if (tare_name_check(name, e) < 0)
		return -1;
	if (q->into && v)
		return err_set(
		        e, ERR_CONFLICT, "there is a volume %s; choose another name with --into", name);
	if (v && strcmp(v->kind, "directory") != 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "volume %s is a %s, which cannot be swapped; use --into NEW", name, v->kind);
	if (users && !q->force)
		return err_set(
		        e, ERR_CONFLICT, "%s runs and writes to %s; stop it, or use --force", users[0], name);
	return 0;
}

static int enter(
        struct simulation *s, const struct tare_restore *q, const struct sim_backup *b, struct err *e)
{
	const char *name = q->into ? q->into : q->volume;
	json *line;

	if (!sim_find_volume(s, name, NULL)) {
		line = sim_action("volume-create", NULL);
		json_set_str(line, "name", name);
		json_set_str(line, "files", b->files);
		json_set_int(line, "bytes", (int64_t)b->bytes);
		return sim_journal_add(s, line, e);
	}
	line = sim_action("volume-restored", NULL);
	json_set_str(line, "name", name);
	json_set_int(line, "time", b->at);
	return sim_journal_add(s, line, e);
}

int sim_volume_restore(struct tare_engine *t, const struct tare_restore *q, struct progress *p,
        struct tare_restore_result *out, struct err *e)
{
	static const struct sim_phases phases = {"restoring", "checking", 0.9};
	struct simulation *s = sim_of(t);
	struct sim_backup *list = NULL, b;
	size_t n = 0, entries = 0;
	struct sim_layer_move move = {.object = ""};
	int rc = -1;

	*out = (struct tare_restore_result){.volume = strdup(q->into ? q->into : q->volume)};
	if (sim_refresh(s, e) == 0 && (q->dry_run || check_target(s, q, e) == 0) &&
	        source_of(s, q, &list, &n, &b, e)) {
		snprintf(move.object, sizeof(move.object), "%.12s", b.volume);
		move.size = b.bytes;
		sim_move(s, &move, 1, &phases, p);
		free(sim_files_then(s, b.files, b.at, &entries));
		out->bytes = b.bytes;
		out->entries = entries;
		out->running = q->into ? NULL : sim_volume_users(s, q->volume, true);
		rc = q->dry_run ? 0 : enter(s, q, &b, e);
	}
	sim_backup_list_free(list, n);
	if (rc < 0)
		tare_restore_result_free(out);
	return rc;
}
