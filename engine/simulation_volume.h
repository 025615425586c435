/* The simulation's volumes, and the files that users brought into them and into containers. */
#ifndef TARE_ENGINE_SIMULATION_VOLUME_H
#define TARE_ENGINE_SIMULATION_VOLUME_H

#include "engine/simulation.h"
#include "engine/simulation_files.h"

/* simulation_volume_make.c */
void sim_volume_cast(struct sim_volume *v, const struct sim_volume_role *role);
void sim_volume_free(struct sim_volume *v);
uint64_t sim_volume_bytes(const struct sim_volume *v);
/* Does this container mount it? Where, and whether it may write. The target, the caller's to free, or NULL.
 */
char *sim_volume_mounted(const struct sim_container *c, const char *volume, bool *writes);
/* Names of those that use it; with `writes_only` those that run and may write. The caller's to strv_free. */
char **sim_volume_users(struct simulation *s, const char *volume, bool writes_only);
int sim_volume_create(struct tare_engine *, const struct tare_volume_create *,
        char name[TARE_VOLUME_NAME_SIZE], struct err *);
int sim_volume_inspect(struct tare_engine *, const char *, json **, struct err *);
int sim_volume_remove(struct tare_engine *, const char *, struct err *);
/* Lines of the journal that begin with "volume-". */
void sim_volume_apply(struct simulation *s, const char *verb, json *line, int64_t at);

/* simulation_copy.c */
struct sim_copied {
	char *owner; /* a container's id, or "volume:NAME" */
	char *path;  /* without a slash in front */
	char *text;  /* what is in it, when it was little; or NULL */
	int64_t at, mtime;
	uint64_t size;
	unsigned mode;
};
int sim_copy(struct tare_engine *, const struct tare_copy *, struct progress *, struct err *);
int sim_diff(struct tare_engine *, const char *, json **, struct err *);
void sim_copied_apply(struct simulation *s, json *line, int64_t at);
void sim_copied_free(struct simulation *s);
/* Those of an owner as a set, ended by one without a path; NULL: none, or no memory. The caller's to free;
 * its strings are the simulation's. */
struct sim_file *sim_copied_set(const struct simulation *s, const char *owner);

#endif
