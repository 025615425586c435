/* The simulation's backups. Of each volume of the cast one is made every night, at two: they are a function
 * of the time, like all else; those that users make stand in the journal. No byte of them exists. */
#ifndef TARE_ENGINE_SIMULATION_BACKUP_H
#define TARE_ENGINE_SIMULATION_BACKUP_H

#include "engine/simulation.h"

struct progress;

#define SIM_REPOSITORY "/srv/backups" /* where the nightly ones are */
#define SIM_BACKUP_ID  17

struct sim_backup {
	char *dir; /* a repository, or, without an id, an archive */
	char *volume;
	char *files; /* whose files were in it, a volume's name */
	char id[SIM_BACKUP_ID];
	int64_t at; /* ns since the epoch */
	uint64_t bytes, added;
};

/* simulation_backup.c */
/* All in a repository, oldest first; their number, or -1 with e when there is none. */
ssize_t sim_backups_in(struct simulation *s, const char *dir, struct sim_backup **out, struct err *e);
void sim_backup_list_free(struct sim_backup *list, size_t n);
/* By the start of its id, or "latest" of a volume (NULL: of all); false with e. `out` borrows from the list.
 */
bool sim_backup_find(const struct sim_backup *list, size_t n, const char *id, const char *volume,
        struct sim_backup *out, struct err *e);
/* The archive that somebody made under this name, or NULL. */
const struct sim_backup *sim_archive(const struct simulation *s, const char *file);
void sim_backup_apply(struct simulation *s, const char *verb, json *line, int64_t at);
void sim_backups_free(struct simulation *s);
int sim_volume_backup(struct tare_engine *, const struct tare_backup *, struct progress *,
        struct tare_backup_result *, struct err *);
int sim_volume_backups(struct tare_engine *, const char *dir, json **, struct err *);
int sim_volume_forget(struct tare_engine *, const struct tare_forget *, json **forgotten, struct err *);

/* simulation_backup_files.c: what was in a volume at a moment */
struct sim_old_file {
	char path[96];
	unsigned mode;
	uint64_t size, version; /* version: of its content */
	int64_t mtime;
};
/* Sorted by path, the caller's to free; NULL without memory. */
struct sim_old_file *sim_files_then(const struct simulation *s, const char *files, int64_t when, size_t *n);
int sim_volume_backup_compare(
        struct tare_engine *, const char *dir, const char *from, const char *to, json **, struct err *);

/* simulation_restore.c */
int sim_volume_restore(struct tare_engine *, const struct tare_restore *, struct progress *,
        struct tare_restore_result *, struct err *);

#endif
