/* The model's inside: what model*.c share. Not for views, which see model.h. */
#ifndef TARE_TUI_MODEL_STATE_H
#define TARE_TUI_MODEL_STATE_H

#include "base/buf.h"
#include "tui/loop.h"
#include "tui/model.h"

#define SECOND_NS 1000000000ll

/* A container, and what only the model needs of it. */
struct model_entry {
	struct model_container c; /* first: views get a pointer to it */
	struct tare_stats before; /* the sample before the last; time 0: none */
	unsigned generation;      /* of the list that last named it */
	bool has_past;            /* its history was asked for */
	bool has_details;         /* its limits were looked up */
};

#define MODEL_WANTED_MAX  64
#define MODEL_TOUCHED_MAX 128

struct model {
	struct tare_engine *engine;
	struct loop *loop;
	void (*listener)(void *arg, unsigned what);
	void *listener_arg;
	void (*event_listener)(void *arg, const struct model_event *ev);
	void *event_listener_arg;
	void (*trouble_listener)(void *arg, const char *text);
	void *trouble_listener_arg;
	char trouble[256]; /* the last one told */

	/* model_rows.c: ordered, newest first, and by id */
	struct model_container **rows;
	size_t n_rows, rows_cap;
	struct model_entry **buckets; /* open addressing */
	size_t n_buckets;             /* a power of two, or 0 */
	unsigned generation;
	bool membership_changed; /* rows came or went since the images were counted */

	uint64_t version;

	struct tare_image_list images;
	struct tare_volume_list volumes;
	struct tare_network_list networks;

	/* model_event.c */
	struct model_event *
	        *events; /* the last n_events of 2 * MODEL_EVENTS_MAX places are shifted now and then */
	size_t n_events;
	uint64_t last_event, told_event;
	char touched[MODEL_TOUCHED_MAX]
	            [TARE_ID_LEN + 1]; /* containers that the events of one drain are about */
	size_t n_touched;
	unsigned stale; /* MODEL_ bits of lists to be read again */
	int64_t opened; /* the engine's clock when the watch began */

	struct tare_watch *watch;
	struct loop_timer watch_timer, rest_timer, later_timer;
	int64_t watch_read_at; /* on the loop's clock */

	/* model_sample.c */
	bool sampling, frozen, loaded;
	struct loop_timer sample_timer, past_timer;
	struct model_entry **sampled; /* those that run */
	const char **sample_ids;
	struct tare_stats *samples;
	size_t n_sampled, sample_cap;
	bool running_changed;
	unsigned n_ticks;
	int64_t second;
	struct model_host host;
	struct tare_stats *past; /* room for one history, while there is a backlog */
	char wanted[MODEL_WANTED_MAX][TARE_ID_LEN + 1];
	size_t n_wanted;
	struct buf name; /* the last that model_object_name() made */
};

/* model.c */
void model_changed(struct model *m, unsigned what);
void model_trouble(struct model *m, const struct err *e);
int model_list_containers(struct model *m, struct err *e);

/* model_members.c: after rows or networks changed */
void model_members(struct model *m);

/* model_rows.c */
struct model_entry *model_rows_find(const struct model *m, const char *id);
/* Takes the row's content and leaves it empty. The entry, or NULL when memory is short. *changed: it is new,
 * or differs from what was there. */
struct model_entry *model_rows_put(struct model *m, struct tare_container *row, bool *changed);
void model_rows_remove(struct model *m, struct model_entry *entry);
/* Those that the current generation did not name; whether there were any. */
bool model_rows_sweep(struct model *m);
void model_rows_free(struct model *m);
static inline struct model_entry *entry_of(struct model_container *c)
{
	return (struct model_entry *)(void *)c;
}
static inline bool container_is_up(const struct tare_container *c)
{
	return c->state == TARE_RUNNING || c->state == TARE_PAUSED;
}

/* model_event.c */
int model_events_take(json *event, void *model); /* a tare_event_fn */
void model_events_tell(struct model *m);         /* the listener, of what is new */
void model_events_load_past(struct model *m);
void model_events_free(struct model *m);

/* model_sample.c */
void model_samples_init(struct model *m);
void model_samples_start(struct model *m); /* arms what sampling, freezing and the backlog ask for */
void model_samples_stop(struct model *m);
void model_samples_forget(struct model_entry *entry); /* a run has ended */
void model_samples_free(struct model *m);

#endif
