/* The registries of the simulation: what they offer, and what became of pulling, pushing, logging in and
 * committing. Nothing is sent anywhere. */
#ifndef TARE_ENGINE_SIMULATION_REGISTRY_H
#define TARE_ENGINE_SIMULATION_REGISTRY_H

#include "engine/simulation.h"

struct progress;

/* simulation_catalogue.c */
struct sim_offer {
	const char *name, *about;
	unsigned stars;
	bool is_official;
	const char *tags; /* separated by spaces */
	struct sim_image_role image;
};
extern const struct sim_offer sim_offers[];
extern const size_t sim_n_offers;
/* What one gets under a familiar name ("alpine:3.20"); NULL: docker.io has no official image of that name. */
const struct sim_image_role *sim_offered(const char *familiar);

/* simulation_commit.c: roles that users made of containers */
struct sim_made_role {
	struct sim_image_role role;
	char *created_by;
};
void sim_made_free(struct simulation *s);
int sim_commit(struct tare_engine *, const struct tare_commit *, struct progress *, char **id, struct err *);

/* simulation_transfer.c: layers that move, as progress lines tell it */
struct sim_layer_move {
	char object[13]; /* the first digits of its digest */
	uint64_t size;   /* bytes that move */
	bool exists;     /* there already: nothing moves */
};
struct sim_phases {
	const char *first, *second; /* "downloading", "unpacking" */
	double share;               /* of the time that the first one takes */
};
/* Takes some seconds; where the clock is held it never ends, and shows the same for ever. */
void sim_move(const struct simulation *s, const struct sim_layer_move *layers, size_t n,
        const struct sim_phases *phases, struct progress *p);

/* simulation_registry.c */
int sim_image_pull(struct tare_engine *, const char *, const char *, struct progress *, struct tare_moved *,
        struct err *);
int sim_image_push(struct tare_engine *, const char *, const char *, struct progress *, struct tare_moved *,
        struct err *);
int sim_image_search(struct tare_engine *, const char *, bool, json **, struct err *);
int sim_login(struct tare_engine *, const char *, const char *, struct err *);
/* Lines of the journal that begin with "registry-". */
void sim_registry_apply(struct simulation *s, const char *verb, json *line, int64_t at);
/* "registry-commit" among them: simulation_commit.c */
void sim_commit_apply(struct simulation *s, json *line, int64_t at);

#endif
