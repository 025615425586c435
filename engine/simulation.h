/* The simulated engine's insides. What it shows is a function of three things: the cast (const tables), the
 * journal of what users did (a file that every process reads), and the time. So there is no process behind
 * it, nothing to keep alive, and two processes that look at the same moment see the same.
 *
 * Times are nanoseconds since the world's birth, which the journal's first line names; before it they are
 * negative. Nothing here may need more than POSIX 2008: no Linux call, no root. */
#ifndef TARE_ENGINE_SIMULATION_H
#define TARE_ENGINE_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/tare.h"
#include "net/address.h"

#define SIM_SECOND INT64_C(1000000000)
#define SIM_NEVER  INT64_MIN
#define SIM_EPOCH                                                                                            \
	(INT64_C(1767614400) * SIM_SECOND) /* 2026-01-05T12:00:00Z: the birth when the clock is held */
#define SIM_MIB (UINT64_C(1) << 20)

/* ------------------------------------------------------------------ noise (simulation_noise.c) */

uint64_t sim_hash(uint64_t seed, uint64_t n);
uint64_t sim_hash_text(const char *s);
/* [0, 1) */
double sim_unit(uint64_t seed, uint64_t n);
/* A smooth value in [0, 1) that changes over `period` seconds. */
double sim_wave(uint64_t seed, double seconds, double period);
/* What has flowed in since 0 at a mean rate of one a second, unevenly: each period gets between nothing and
 * twice its share, within the part `ramp` of it. Never decreases, and is known for any moment without adding
 * up. */
double sim_flow(uint64_t seed, double seconds, double period, double ramp);
/* `n` digits of lower-case hex made from the seed; dst holds n+1. */
void sim_hex(uint64_t seed, char *dst, size_t n);

/* ------------------------------------------------------------------ the cast (simulation_cast.c) */

enum sim_plot {
	SIM_STEADY, /* runs until somebody ends it */
	SIM_CRASH,  /* ends with `code` after `up` seconds, starts again every `period` */
	SIM_OOM,    /* the same, and it is the memory limit that ends it */
	SIM_ONCE,   /* ends with `code` after `up` seconds, for good */
};
enum sim_voice {
	VOICE_NONE,
	VOICE_WEB,      /* access lines */
	VOICE_JSON,     /* one JSON object a line */
	VOICE_LOGFMT,   /* level=… msg=…, warnings among them */
	VOICE_DATABASE, /* checkpoints and slow statements */
	VOICE_CACHE,
	VOICE_CRASH,   /* a start that fails with a stack trace */
	VOICE_IMAGES,  /* jobs that need more and more memory */
	VOICE_SEARCH,  /* UTF-8: CJK, accents, emoji */
	VOICE_BUILD,   /* colours, progress, multi-line traces */
	VOICE_HOSTILE, /* what a container could print to harm a terminal */
	VOICE_METRICS, /* now and then a line */
	VOICE_BACKUP,
};

/* What a container does by itself. */
struct sim_nature {
	enum sim_plot plot;
	enum sim_voice voice;
	int64_t up, period; /* seconds */
	int code;
	double cpu;                                  /* cores, in the mean */
	double net_in, net_out, block_in, block_out; /* bytes a second, in the mean */
	uint64_t memory;                             /* bytes, in the mean */
	unsigned pids;
	bool capped; /* works evenly just below its CPU limit */
	bool full;   /* works just below its memory limit */
	bool deaf;   /* ignores SIGTERM */
};

struct sim_port_role {
	int protocol;   /* IPPROTO_… */
	const char *ip; /* NULL: all addresses */
	uint16_t host, container;
};

struct sim_role {
	const char *name, *image, *command, *project, *service; /* command: words separated by spaces */
	const char *label, *label_value;
	const char *mounts;     /* "volume:target" or "/host:target", separated by spaces */
	const char *env;        /* "K=V", separated by spaces */
	const char *health;     /* "healthy", "unhealthy" (most of the time), or NULL */
	const char *probe;      /* what asks for it */
	int64_t created, begun; /* seconds before the birth; begun 0: never */
	int64_t paused;         /* seconds before the birth, 0: isn't */
	uint64_t memory_limit;  /* bytes, 0: none */
	unsigned cpus;          /* hundredths, 0: no limit */
	enum tare_restart restart;
	unsigned restart_max;
	const char *networks; /* "name name:alias"; NULL: the default one; "none" */
	struct sim_port_role ports[3];
	struct sim_nature nature;
};
extern const struct sim_role sim_roles[];
extern const size_t sim_n_roles;

struct sim_layer_role {
	const char *created_by;
	uint64_t size, wasted;
	unsigned files;
};
struct sim_image_role {
	const char *name; /* "nginx:1.27"; NULL: untagged */
	const char *base; /* the image whose layers come first, or NULL */
	int64_t created;  /* seconds before the birth */
	const char *command, *env, *port, *maintainer;
	struct sim_layer_role layers[8];
	struct sim_nature nature; /* of what is run from it */
};
extern const struct sim_image_role sim_image_roles[];
extern const size_t sim_n_images;

struct sim_volume_role {
	const char *name; /* NULL: anonymous */
	int64_t created;
	uint64_t size, quota; /* quota 0: none */
	const char *labels;   /* "k=v", separated by spaces, or NULL */
};
extern const struct sim_volume_role sim_volume_roles[];
extern const size_t sim_n_volumes;

#define SIM_NETWORK_DEFAULT "tare0"
struct sim_network_role {
	const char *name, *driver, *link;
	int64_t created;
	bool internal;
	const char *subnet[2], *range, *options, *project; /* options: "k=v", separated by spaces */
};
extern const struct sim_network_role sim_network_roles[]; /* the default one first */
extern const size_t sim_n_networks;

/* ------------------------------------------------------------------ the world */

/* What somebody did to a container, from `at` on; between two of them it follows its nature. */
struct sim_episode {
	enum { EPISODE_CREATED, EPISODE_RUNNING, EPISODE_PAUSED, EPISODE_ENDED } kind;
	int64_t at;
	int64_t origin;  /* RUNNING, PAUSED: when its nature began, moved by the time it was paused */
	unsigned rounds; /* RUNNING, PAUSED: restarts by the policy before */
	unsigned limit;  /* RUNNING, PAUSED: how many may follow; 0: it ends for good */
	int64_t started; /* ENDED: of the run that ended */
	int code;
	bool oom, stopped; /* ENDED; stopped: by a user */
};
#define SIM_RESTARTS_FOREVER UINT32_MAX
#define SIM_EPISODES_MAX     64 /* older ones are forgotten */

/* A container's place in a network: given when it is made or connected, and kept while it is stopped. */
struct sim_attachment {
	struct sim_network *network;
	struct net_address ip[2];
	bool asked; /* for these addresses, by a user */
	char **aliases;
};
/* A port that is published. */
struct sim_port {
	int protocol;
	char *host_ip; /* NULL: all addresses */
	uint16_t host, container;
};

struct sim_container {
	char id[TARE_ID_LEN + 1];
	uint64_t seed;
	char *name, *image, *image_id;
	char **command, **env, **mounts; /* mounts: "source:target" */
	json *labels;                    /* or NULL */
	json *asked;                     /* the journal's line that made it; NULL: of the cast */
	json *limits;                    /* that only documents show, as members of HostConfig; NULL: none */
	const struct sim_role *role;     /* NULL: made by a user */
	struct sim_nature nature;
	uint64_t memory_limit;
	unsigned cpus, pids_limit;
	enum tare_restart restart;
	unsigned restart_max;
	char **probe; /* of its health, as in a health check's "Test"; NULL: none */
	bool ill;     /* the probe fails most of the time */
	int64_t created;
	bool auto_remove, tty, interactive, removed;
	char *output;       /* what a user's one-shot command prints */
	char *network_mode; /* "none", "host", "container:ID"; NULL: it is in networks */
	struct sim_attachment *attachments;
	size_t n_attachments;
	struct sim_port *ports;
	size_t n_ports;
	struct sim_episode *episodes;
	size_t n_episodes;
};

struct sim_image {
	char id[8 + TARE_ID_LEN]; /* "sha256:…" */
	char *reference;          /* familiar, with its tag; NULL: untagged */
	const struct sim_image_role *role;
	int64_t created;
};

struct sim_volume {
	char *name;
	const struct sim_volume_role *role; /* NULL: made by a user */
	int64_t created;
	bool anonymous;
	json *labels, *options; /* objects of strings, or NULL */
	const char *kind;       /* "directory", "tmpfs", "bind" */
	uint64_t quota, size;
	char *files; /* whose files it has, a volume's name; NULL: its own */
};

struct sim_network {
	char id[TARE_ID_LEN + 1];
	char *name, *driver, *link;
	int64_t created;
	bool internal, is_default, removed; /* stays in memory, for whoever points to it */
	struct net_subnet subnet[2];        /* v4, v6; family 0: none */
	struct net_address gateway[2];
	struct net_subnet range[2];
	bool crowded;           /* an address was given out of turn: each is looked at before it is given */
	uint64_t next;          /* offset of the next address */
	json *labels, *options; /* objects or NULL */
};

/* Of what the journal says: told once to each watch. */
struct sim_event {
	int64_t at;
	json *event;
};

struct sim_made_role;
struct sim_backup;
struct sim_copied;

struct simulation {
	struct tare_engine api; /* first: the handle is this */
	char *dir;
	int journal_fd;
	uint64_t journal_read;             /* bytes */
	int64_t birth;                     /* ns since the epoch */
	int64_t held;                      /* ns since the birth when the clock stands still, or SIM_NEVER */
	int64_t boot_offset;               /* CLOCK_BOOTTIME at the birth */
	uint64_t log_rate;                 /* bytes a second of the first container, or 0 */
	struct sim_container **containers; /* in the order they were made */
	size_t n_containers, cap_containers;
	uint32_t *index; /* hash table: container number + 1 by id */
	size_t index_size;
	struct sim_image *images;
	size_t n_images;
	struct sim_made_role **made; /* of images that users made of containers */
	size_t n_made;
	char **logins; /* registries; nothing is kept of the passwords */
	struct sim_volume *volumes;
	size_t n_volumes;
	struct sim_backup *backups; /* that users made */
	size_t n_backups;
	char **forgotten;          /* ids of backups */
	struct sim_copied *copied; /* files that users brought in */
	size_t n_copied;
	struct sim_network **networks;
	size_t n_networks;
	struct sim_event *events;
	size_t n_events, forgotten_events;
	unsigned open_logs;
	bool booted;
};
static inline struct simulation *sim_of(struct tare_engine *t)
{
	return (struct simulation *)t;
}

/* simulation_world.c */
int sim_world_build(struct simulation *s, struct err *e);
void sim_world_free(struct simulation *s);
/* Takes c; NULL when memory is short. */
struct sim_container *sim_container_add(struct simulation *s, struct sim_container *c);
void sim_container_free(struct sim_container *c);
struct sim_container *sim_by_id(struct simulation *s, const char *id);
/* What is there now under that name, id or start of an id; NULL with e. */
struct sim_container *sim_find(struct simulation *s, const char *ref, struct err *e);
struct sim_container *sim_by_name(struct simulation *s, const char *name);
struct sim_image *sim_find_image(struct simulation *s, const char *ref, struct err *e);
struct sim_volume *sim_find_volume(struct simulation *s, const char *name, struct err *e);
int sim_image_add(struct simulation *s, const struct sim_image_role *role, const char *reference);
int sim_volume_add(struct simulation *s, const char *name, bool anonymous, int64_t created);
char **sim_words(const char *text);
unsigned sim_image_users(struct simulation *s, const struct sim_image *i);
size_t sim_image_layers(const struct sim_image_role *role, const struct sim_layer_role *out[16]);
void sim_layer_id(const struct sim_layer_role *layer, char dst[8 + TARE_ID_LEN]);

/* simulation_life.c */
struct sim_status {
	enum tare_state state;
	bool there;                /* made, and not removed */
	int64_t started, finished; /* SIM_NEVER: not yet */
	int64_t origin;            /* of the run under way */
	int64_t active;            /* ns that the run has been active */
	int code;
	bool oom, stopped;
	unsigned restarts;
	int64_t due; /* RESTARTING: when it starts again */
};
struct sim_status sim_at(const struct sim_container *c, int64_t t);
/* The next moment after t at which it changes by itself; INT64_MAX: never. */
int64_t sim_next_change(const struct sim_container *c, int64_t t);

/* simulation_health.c */
enum tare_health sim_health_at(const struct sim_container *c, const struct sim_status *st, int64_t t);
/* The next moment after t at which its health changes; INT64_MAX: never, as long as it runs on. */
int64_t sim_health_next(const struct sim_container *c, int64_t t);
/* Docker's "Health" and "Healthcheck". */
json *sim_health_state(
        const struct simulation *s, const struct sim_container *c, const struct sim_status *st, int64_t now);
json *sim_health_config(const struct sim_container *c);

/* simulation_update.c: how often its policy starts it again by itself */
unsigned sim_restarts_left(const struct sim_container *c);
void sim_policy_made(struct sim_container *c, json *line);
json *sim_limits_document(const struct resources *r); /* NULL: none of them is asked for */
void sim_update_apply(struct simulation *s, struct sim_container *c, json *line, int64_t at);

int sim_episode_add(struct sim_container *c, struct sim_episode ep);

/* simulation.c: the clock. Nanoseconds since the birth. */
int64_t sim_now(const struct simulation *s);
int64_t sim_wall(const struct simulation *s, int64_t t);
bool sim_runs(const struct simulation *s); /* the clock is not held */

/* simulation_journal.c */
int sim_journal_open(struct simulation *s, const char *state, struct err *e);
/* Take in what was added since; cheap when nothing was. */
int sim_refresh(struct simulation *s, struct err *e);
/* Add a line and take it in. `line` is taken. */
int sim_journal_add(struct simulation *s, json *line, struct err *e);
json *sim_action(const char *verb, const char *id);
/* What a line of the journal means (simulation_apply.c). Lines that make no sense are passed over. */
void sim_apply(struct simulation *s, json *line);

/* simulation_events.c */
json *sim_event_new(const struct simulation *s, const char *type, const char *action, const char *id,
        json *attributes, int64_t at);
json *sim_event_of(const struct simulation *s, const struct sim_container *c, const char *action, int64_t at);
void sim_event_keep(struct simulation *s, json *event, int64_t at);

/* simulation_stats.c */
pid_t sim_pid(const struct sim_container *c, const struct sim_status *st); /* simulation_list.c */
uint64_t sim_written(const struct sim_container *c, int64_t t);            /* bytes in its writable layer */

/* simulation_voice.c: the lines of one second, each "STAMP stream F text\n". */
void sim_voice(const struct simulation *s, const struct sim_container *c, int64_t second, struct buf *out);

/* A text that a one-shot container prints, as records of its log. */
void sim_voice_output(const struct simulation *s, const struct sim_container *c, int64_t at, struct buf *out);
/* Its records between two moments, at most the last ten minutes of them. */
void sim_records(
        const struct simulation *s, const struct sim_container *c, int64_t from, int64_t to, struct buf *out);
#define SIM_LOG_SECONDS 600 /* how much of its past a log has */
/* Where its log begins: ten minutes before its end, or before now. */
int64_t sim_log_begin(const struct sim_container *c, int64_t now);

/* The table's functions: simulation_list.c */
int sim_list(struct tare_engine *, bool, struct tare_container_list *, struct err *);
int sim_look(struct tare_engine *, const char *, struct tare_container *, struct err *);
int sim_resolve(struct tare_engine *, const char *, char *, struct err *);
int sim_container_size(struct tare_engine *, const char *, uint64_t *, uint64_t *, struct err *);
/* simulation_stats.c */
int sim_stats(struct tare_engine *, const char *, struct tare_stats *, struct err *);
int sim_samples(struct tare_engine *, const char *const *, size_t, struct tare_stats *, struct err *);
ssize_t sim_history(struct tare_engine *, const char *, struct tare_stats *, size_t, struct err *);
int sim_pressure(struct tare_engine *, const char *, struct tare_pressure *, struct err *);
int sim_host(struct tare_engine *, struct tare_host *, struct err *);
/* simulation_events.c */
int sim_events(struct tare_engine *, const struct tare_event_options *, tare_event_fn, void *, struct err *);
int sim_watch_open(struct tare_engine *, struct tare_watch **, struct err *);
int sim_watch_drain(struct tare_engine *, struct tare_watch *, tare_event_fn, void *, struct err *);
void sim_watch_close(struct tare_engine *, struct tare_watch *);
/* simulation_log.c */
int sim_logs(struct tare_engine *, const char *, const struct tare_log_options *, struct err *);
int sim_log_open(struct tare_engine *, const char *, struct tare_log **, struct err *);
int sim_log_drain(struct tare_engine *, struct tare_log *, struct err *);
void sim_log_close(struct tare_engine *, struct tare_log *);
/* A new file without a name, beside the journal; -1 with e. */
int sim_nameless(const struct simulation *s, struct err *e);
/* simulation_inspect.c */
int sim_inspect(struct tare_engine *, const char *, bool, json **, struct err *);
int sim_top(struct tare_engine *, const char *, json **, struct err *);
int sim_info(struct tare_engine *, json **, struct err *);
/* simulation_files.c */
int sim_files(struct tare_engine *, enum tare_tree, const char *, const char *, struct tare_file_list *,
        struct err *);
int sim_file_open(struct tare_engine *, enum tare_tree, const char *, const char *, struct err *);
/* simulation_act.c */
int sim_create(struct tare_engine *, const struct tare_create *, char *, struct err *);
int sim_stop(struct tare_engine *, const char *, int, int, struct err *);
int sim_restart(struct tare_engine *, const char *, int, int, struct err *);
int sim_kill(struct tare_engine *, const char *, int, struct err *);
int sim_pause(struct tare_engine *, const char *, struct err *);
int sim_unpause(struct tare_engine *, const char *, struct err *);
int sim_rename(struct tare_engine *, const char *, const char *, struct err *);
int sim_remove(struct tare_engine *, const char *, const struct tare_remove *, struct err *);
int sim_wait(struct tare_engine *, const char *, bool, int *, struct err *);
int sim_process_signal(struct tare_engine *, const char *, pid_t, int, struct err *);
/* simulation_update.c */
int sim_update(struct tare_engine *, const char *, const struct tare_update *, char ***, struct err *);
int sim_boot(struct tare_engine *, char ***, char ***, struct err *);
int sim_shutdown(struct tare_engine *, char ***, char ***, struct err *);
/* simulation_exec.c */
int sim_start(
        struct tare_engine *, const char *, const struct tare_io *, enum tare_io_end *, int *, struct err *);
int sim_run(struct tare_engine *, const struct tare_create *, const struct tare_io *, char *,
        enum tare_io_end *, int *, void (*)(const char *, void *), void *, struct err *);
int sim_attach(
        struct tare_engine *, const char *, const struct tare_io *, enum tare_io_end *, int *, struct err *);
int sim_exec(struct tare_engine *, const char *, const struct tare_exec *, const struct tare_io *,
        enum tare_io_end *, int *, struct err *);
/* What a command of the pretend shell would do, into the journal's line that makes a container. */
void sim_outcome(struct simulation *s, json *line, char *const *args);
/* simulation_image.c */
int sim_image_list(struct tare_engine *, struct tare_image_list *, struct err *);
int sim_image_inspect(struct tare_engine *, const char *, json **, struct err *);
int sim_image_tag(struct tare_engine *, const char *, const char *, struct err *);
int sim_image_remove(struct tare_engine *, const char *, bool, char ***, struct err *);
int sim_image_layers_of(struct tare_engine *, const char *, struct tare_layer_list *, struct err *);
uint64_t sim_image_size(const struct sim_image_role *role);
char *sim_image_digest(const struct sim_image *i); /* of its manifest */
/* simulation_network.c: networks, and what the journal does to them */
int sim_networks_build(struct simulation *s, struct err *e);
void sim_networks_free(struct simulation *s);
#define SIM_NETWORK_NAME_MAX 64
struct sim_network *sim_network_by_name(const struct simulation *s, const char *name);
struct sim_network *sim_network_by_id(const struct simulation *s, const char *id);
/* By name, id or start of an id; "bridge" is the default one. NULL with e. */
struct sim_network *sim_find_network(struct simulation *s, const char *ref, struct err *e);
void sim_network_apply(struct simulation *s, const char *verb, json *line, int64_t at);
int sim_network_remove(struct tare_engine *, const char *, struct err *);
int sim_network_connect(
        struct tare_engine *, const char *, const char *, const struct tare_endpoint *, struct err *);
int sim_network_disconnect(struct tare_engine *, const char *, const char *, bool, struct err *);
int sim_network_reload(struct tare_engine *, char ***, struct err *);
int sim_check(struct tare_engine *, bool, struct tare_check_result *, struct err *);
/* simulation_network_create.c */
int sim_network_create(struct tare_engine *, const struct tare_network_create *, char *, struct err *);
/* simulation_network_list.c */
int sim_network_list(struct tare_engine *, struct tare_network_list *, struct err *);
int sim_network_inspect(struct tare_engine *, const char *, json **, struct err *);
/* simulation_endpoint.c: containers in networks, and their published ports */
/* As its role says; extras of the cast publish nothing, for one port can be published once. */
int sim_endpoints_cast(struct simulation *s, struct sim_container *c, bool publishes);
/* What a request asks for, checked, into the journal's line; and from there. */
int sim_endpoints_ask(struct simulation *s, json *line, const struct tare_create *q,
        const struct sim_image_role *image, struct err *e);
int sim_endpoints_made(struct simulation *s, struct sim_container *c, json *line);
void sim_endpoints_free(struct sim_container *c);
/* Its place in a network, or NULL. */
struct sim_attachment *sim_attachment_in(const struct sim_container *c, const struct sim_network *n);
/* Addresses of which `asked` (NULL: none) are given when they are free at that moment. False: there is no
 * room, or memory. */
bool sim_join(
        struct simulation *s, struct sim_container *c, struct sim_network *n, json *asked, int64_t when);
void sim_leave(struct sim_container *c, const struct sim_network *n);
/* Could this container be given these addresses in that network? */
int sim_endpoint_check(
        struct simulation *s, const struct sim_network *n, const struct tare_endpoint *asked, struct err *e);
json *sim_endpoint_json(const struct sim_network *n, const struct tare_endpoint *asked);
char *sim_network_text(const struct sim_container *c);
int sim_endpoints_fill(const struct sim_container *c, bool is_up, struct tare_container *row);
json *sim_network_settings(const struct sim_container *c, bool is_up);
void sim_host_config_network(const struct sim_container *c, json *host_config);
/* simulation_port.c: published ports */
int sim_port_add(struct sim_container *c, const struct sim_port *port);
/* Does something else that runs publish one of its ports? */
int sim_ports_check(struct simulation *s, const struct sim_container *c, struct err *e);
/* What a request asks for into the journal's line, and from its "ports". */
int sim_ports_ask(const struct simulation *s, json *line, const struct tare_create *q,
        const struct sim_image_role *image, struct err *e);
int sim_ports_made(struct sim_container *c, json *ports);
int sim_ports_fill(const struct sim_container *c, struct tare_port **out, size_t *n);
/* Docker's {"80/tcp": [{"HostIp": …, "HostPort": "8080"}, …]} */
void sim_port_bind(json *all, const struct tare_port *p);
json *sim_ports_bound(const struct sim_container *c);
/* simulation_volume.c */
int sim_volume_list(struct tare_engine *, struct tare_volume_list *, struct err *);
int sim_volume_size(struct tare_engine *, const char *, uint64_t *, struct err *);
int sim_prune(struct tare_engine *, enum tare_prune_what, unsigned, struct tare_prune_result *, struct err *);
int sim_disk_usage(struct tare_engine *, struct tare_disk_usage *, struct err *);

#endif
