/* Files of the simulation: sets of them by the name of what has them, an image, a container or "volume:NAME".
 */
#ifndef TARE_ENGINE_SIMULATION_FILES_H
#define TARE_ENGINE_SIMULATION_FILES_H

#include "engine/simulation.h"

struct sim_file {
	const char *path; /* without a slash in front; directories above it are there because of it */
	const char *text; /* its content, or a link's target; NULL: `size` bytes of anything */
	uint64_t size;
	unsigned mode;
	bool removed; /* layers: takes away what lies beneath */
};
struct sim_file_set {
	const char *owner;
	const struct sim_file *files; /* one without a path ends it */
};
extern const struct sim_file_set sim_file_sets[]; /* simulation_tree.c */
extern const size_t sim_n_file_sets;

/* The sets that make up a tree, upper ones first; the number. */
#define SIM_SETS_MAX 8
size_t sim_sets_of_container(const struct sim_container *c, const struct sim_file *sets[SIM_SETS_MAX]);
/* The file at a path (absolute, or without the slash), with links followed; NULL: none, or a directory that
 * is there because of its files (then *directory). */
const struct sim_file *sim_file_at(const struct sim_file *const *sets, size_t n, const char *path,
        bool *directory, char *real, size_t size);
/* What lies in a directory. */
int sim_directory(const struct sim_file *const *sets, size_t n, const char *path, int64_t mtime,
        struct tare_file_list *out, struct err *e);

#endif
