/* What there is: the dashboard's copy of the engine's objects, with samples and their past. Kept fresh by the
 * engine's watch (one row per event, never a list per tick) and by sampling. Belongs to the loop's thread. */
#ifndef TARE_TUI_MODEL_H
#define TARE_TUI_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/tare.h"
#include "tui/history.h"

struct err;
struct loop;
struct model;

enum object_kind {
	OBJECT_NONE,
	OBJECT_CONTAINER,
	OBJECT_IMAGE,
	OBJECT_VOLUME,
	OBJECT_NETWORK,
	OBJECT_EVENT,
	OBJECT_SHELL
};

/* How an object is named outside the model: stays valid however the lists change. */
#define OBJECT_ID_SIZE 144
struct object {
	enum object_kind kind;
	char id[OBJECT_ID_SIZE]; /* container, network: its full id; image: "sha256:…" of the config, '@',
	                            reference; volume: name */
};
bool object_equal(const struct object *a, const struct object *b);

/* A container, with what is known of its use. */
struct model_container {
	struct tare_container row;
	struct tare_stats now;      /* time 0: never sampled, or not running */
	double cpu;                 /* cores in use over the last second; NAN: not known */
	double cpu_limit;           /* cores it may use; 0: no limit */
	bool memory_limited;        /* to less than the host has, when it was sampled last */
	double read, write, rx, tx; /* bytes per second; NAN: not known */
	struct history *history;    /* NULL until sampled */
	const char *project;        /* its label com.docker.compose.project or io.tare.project; NULL */
	char *ports;                /* those it publishes, as port_text.h shows them; NULL: none */
	bool alert;                 /* something happened that the user has not looked at */
};

struct model_event {
	int64_t time; /* ns since the epoch */
	char type[16], action[32];
	char id[OBJECT_ID_SIZE];
	char *name;      /* of what it is about, or NULL */
	char *detail;    /* "exit code 137" … or NULL */
	uint64_t number; /* counts from 1 */
};

/* Bits of what changed since the last call of model_changes(). */
enum {
	MODEL_CONTAINERS = 1, /* rows came, went or changed */
	MODEL_STATS = 2,
	MODEL_IMAGES = 4,
	MODEL_VOLUMES = 8,
	MODEL_EVENTS = 16,
	MODEL_HOST = 32,
	MODEL_LOGS = 64, /* logs may have grown: log_drain() those whose `fd` is -1 */
	MODEL_NETWORKS = 128,
	MODEL_FILES = 256, /* an action of ours wrote files: in a container, in a volume, of backups */
};

struct model *model_new(struct tare_engine *engine, struct loop *loop, struct err *e);
void model_free(struct model *m);
/* Called on the loop's thread whenever something changed; `what` are the bits. */
void model_listen(struct model *m, void (*fn)(void *arg, unsigned what), void *arg);
/* Each event as it comes, after the rows it changed: alerts. */
void model_listen_events(struct model *m, void (*fn)(void *arg, const struct model_event *ev), void *arg);
/* The engine refused something the dashboard needs ("cannot watch …"); the same text comes once. */
void model_listen_trouble(struct model *m, void (*fn)(void *arg, const char *text), void *arg);
/* First lists; then everything comes by itself. */
int model_load(struct model *m, struct err *e);
/* Sampling at 1 Hz while something that shows numbers is visible; off: no timer at all. Frozen: nothing
 * changes until thawed. */
void model_sampling(struct model *m, bool on);
void model_freeze(struct model *m, bool on);
/* After an action of ours: look at the watch at once, and read again what it cannot see. */
void model_refresh(struct model *m, unsigned what);

size_t model_containers(const struct model *m, struct model_container *const **rows); /* newest first */
struct model_container *model_container(const struct model *m, const char *id);       /* NULL: gone */
/* The history and the limits of this one soon: it is on screen. Cheap enough to be called in every frame. */
void model_want(struct model *m, const char *id);
/* Counts on whenever rows came, went or changed, of any kind: pointers into the lists hold as long as it is
 * the same. */
uint64_t model_version(const struct model *m);
/* The second of the newest sample, by the clock of the samples: "now" for history_get(). */
int64_t model_second(const struct model *m);
const struct tare_image_list *model_images(const struct model *m);
const struct tare_volume_list *model_volumes(const struct model *m);
const struct tare_network_list *model_networks(const struct model *m);
/* The object of a row, and the row of an object (NULL: gone). */
void model_image_object(const struct tare_image *row, struct object *o);
const struct tare_image *model_image(const struct model *m, const char *id);
const struct tare_volume *model_volume(const struct model *m, const char *name);
const struct tare_network *model_network(const struct model *m, const char *id);
const struct tare_network *model_network_called(const struct model *m, const char *name);
/* Oldest first; at most MODEL_EVENTS_MAX are kept. */
#define MODEL_EVENTS_MAX 2000
size_t model_events(const struct model *m, const struct model_event *const **events);
struct model_host {
	struct tare_host now;
	double cpu; /* cores in use */
	struct tare_pressure pressure;
	unsigned running, total;
};
const struct model_host *model_host(const struct model *m);
/* A name for people: the container's name, the image's reference, … "" when it is gone. Borrowed until the
 * next change. */
const char *model_object_name(const struct model *m, const struct object *o);

#endif
