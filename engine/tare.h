/* tare.h - the engine, for whoever embeds it.
 *
 * The engine runs containers on this host without a daemon: every call does its work in the calling
 * process or in a child of it and leaves behind files under `root` (lasting) and `state` (gone after a
 * reboot), one small monitor process per running container, and kernel objects that bear the container's
 * id. Any number of processes may use the same directories at once; each object has its own lock.
 *
 * `struct tare_engine` is a table of functions. tare_engine_linux() makes the one that runs real
 * containers. A call never prints: data comes back in structs or JSON, errors in `struct err` (base/err.h).
 * All functions return 0 or -1 with `e` filled in, unless said otherwise. A handle must not be used by two
 * threads at once; several handles may. Strings in results belong to the result and go with its _free.
 *
 * `ref` is how a user names a container: its name, its 64-digit id, or an unambiguous start of the id.
 * Names win over ids.
 */
#ifndef TARE_ENGINE_TARE_H
#define TARE_ENGINE_TARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/json.h"
#include "engine/oci/container_id.h"
#include "engine/tare_request.h"

#ifndef TARE_VERSION
#define TARE_VERSION "0.1.0"
#endif

/* ------------------------------------------------------------------ what a container is */

enum tare_state { TARE_CREATED, TARE_RUNNING, TARE_PAUSED, TARE_RESTARTING, TARE_EXITED, TARE_DEAD };
const char *tare_state_name(enum tare_state s); /* "created", "running", … */

/* A port of a container as lists show it. */
struct tare_port {
	int protocol;                       /* IPPROTO_… */
	char *host_ip;                      /* "0.0.0.0", "::", "127.0.0.1"; NULL: exposed only */
	uint16_t host_port, container_port; /* host_port 0: exposed only */
};
/* As lists show them, in Docker's form: "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 9000-9002/tcp". */
struct buf;
void tare_ports_text(const struct tare_port *ports, size_t n, struct buf *out);
/* A network that a container is in, while it runs. */
struct tare_attachment {
	char *network;        /* name */
	char *ip, *ip6, *mac; /* "" : none */
};

/* One row of a list; cheap to make: no size is computed. */
struct tare_container {
	char id[TARE_ID_LEN + 1];
	char *name;
	char *image;    /* as the user wrote it, familiar form; the directory with --rootfs */
	char *image_id; /* "sha256:…" of the config, or "" */
	char **command; /* entrypoint and arguments */
	int64_t created, started, finished; /* ns since the epoch, 0 = never */
	enum tare_state state;
	pid_t pid;     /* 0 unless running */
	int exit_code; /* of the last run */
	bool oom_killed;
	bool monitor_lost; /* running, but its monitor is gone */
	bool auto_remove, tty;
	char *network; /* "none", "host", "container:ID", else the names of its networks, comma-separated */
	struct tare_attachment *attachments; /* none unless it runs in networks */
	size_t n_attachments;
	struct tare_port *ports; /* published ones, by container port */
	size_t n_ports;
	json *labels;  /* object or NULL */
	char **mounts; /* "volume name" or "host path", for the column */
	char *error;   /* why the last start failed, or NULL */
	enum tare_health health;
	enum tare_restart restart;
	unsigned restart_max, restart_count; /* count: by the policy, since the last start by hand */
	int64_t restart_due;                 /* TARE_RESTARTING: when, ns since the epoch */
};
struct tare_container_list {
	struct tare_container *rows; /* newest first */
	size_t n;
};
void tare_container_free(struct tare_container *c);
void tare_container_list_free(struct tare_container_list *l);

struct tare_image {
	char *id;         /* "sha256:…" of the config */
	char *reference;  /* full: docker.io/library/busybox:latest; NULL: untagged */
	char *repository; /* familiar: busybox; "<none>" */
	char *tag;        /* "latest"; "<none>" */
	char *digest;     /* of the manifest */
	int64_t created;  /* ns */
	uint64_t size;    /* bytes unpacked */
	unsigned n_layers, n_containers;
	json *labels;
};
struct tare_image_list {
	struct tare_image *rows;
	size_t n;
};
void tare_image_list_free(struct tare_image_list *l);

#define TARE_VOLUME_NAME_SIZE 128

struct tare_volume_create {
	const char *name;   /* NULL: anonymous, 64 random digits */
	const char *driver; /* NULL: "local", the only one */
	json *labels;       /* object of strings, or NULL */
	/* Docker's: "type=tmpfs" with "device=tmpfs" and "o=size=64m,mode=1777"; "type=none", "device=/path",
	 * "o=bind[,ro]". Ours: "size=10g", a quota where the file system has project quotas. */
	char **options;
};

struct tare_volume {
	char *name, *path; /* path: the host directory that is mounted */
	int64_t created;
	bool anonymous;
	char **used_by;         /* ids */
	json *labels, *options; /* objects of strings, or NULL */
	const char *kind;       /* "directory", "tmpfs" or "bind" */
	uint64_t quota;         /* bytes, 0: none */
};
struct tare_volume_list {
	struct tare_volume *rows;
	size_t n;
};
void tare_volume_list_free(struct tare_volume_list *l);

struct tare_network_create {
	const char *name;
	const char *driver; /* NULL: "bridge"; "macvlan" */
	/* texts, NULL: chosen. subnet[1] is IPv6; with ipv6 and none given, a unique local one is made. */
	const char *subnet[2], *gateway[2], *range[2];
	bool ipv6, internal;
	json *labels;
	char **options; /* "isolate=false", "icc=false", "masquerade=false", "mtu=1400", "antispoof=false",
	                   "parent=eth0" … */
};
struct tare_network {
	char *name, *id, *driver;
	char *link; /* the bridge, or macvlan's parent */
	int64_t created;
	bool internal, is_default, ipv6;
	char *subnet[2], *gateway[2], *range[2]; /* v4, v6; NULL: none */
	json *labels, *options;
	struct tare_member {
		char *id, *name;         /* the container's */
		char *ip, *ip6, *mac;    /* "" : none */
		struct tare_port *ports; /* published ones */
		size_t n_ports;
	} * members; /* those that run */
	size_t n_members;
};
struct tare_network_list {
	struct tare_network *rows; /* the default one first, then by name */
	size_t n;
};
void tare_network_list_free(struct tare_network_list *l);

/* What `system check` found: one thing that is not as it should be. */
struct tare_finding {
	char *what;    /* "interface tv0123456789ab", "lease of 0123456789ab in network web" */
	char *problem; /* "belongs to no running container" */
	bool repaired;
	char *remedy; /* what the user can do, when it can't be repaired; or NULL */
};
struct tare_check_result {
	struct tare_finding *rows;
	size_t n;
};
void tare_check_result_free(struct tare_check_result *r);
int tare_check_result_add(struct tare_check_result *r, bool repaired, const char *what, const char *problem,
        const char *remedy);

/* A sample of what a container uses. Counters are since its start; UINT64_MAX = not known here. */
struct tare_stats {
	int64_t time;    /* ns, CLOCK_BOOTTIME */
	uint64_t cpu_ns; /* CPU time used */
	uint64_t cpu_user_ns, cpu_system_ns;
	uint64_t throttled_ns, n_throttled;
	uint64_t memory;       /* bytes, without inactive file cache */
	uint64_t memory_limit; /* bytes; the host's when not limited */
	uint64_t memory_anon, memory_file, memory_kernel, memory_swap, memory_peak;
	uint64_t oom_kills;
	uint64_t net_rx, net_tx;          /* bytes, without lo */
	uint64_t block_read, block_write; /* bytes */
	uint64_t pids, pids_limit;        /* limit 0 = none */
};

/* ------------------------------------------------------------------ what a display needs */

/* How long tasks had to wait for a resource: PSI, kernel 4.20 (cgroup v2 only for a container). */
struct tare_pressure {
	struct tare_stall {
		bool known;
		double some10, some60, full10, full60; /* percent of the last 10 and 60 seconds */
		uint64_t some_us, full_us;             /* in all */
	} cpu, memory, io;
	/* memory.events of a container on cgroup v2; UINT64_MAX = not known */
	uint64_t mem_low, mem_high, mem_max, mem_oom, mem_oom_kill;
};

struct tare_host {
	unsigned cpus;
	uint64_t cpu_ns;                    /* busy, of all CPUs together, since boot */
	int64_t time;                       /* ns, CLOCK_BOOTTIME, of this sample */
	uint64_t memory_total, memory_used; /* bytes; used: without what can be reclaimed */
	double load1;
	char hostname[65];
};

/* Watching for changes. Poll `fd` for reading (-1: none) and call watch_drain() then, or at `due`
 * (CLOCK_MONOTONIC ns, INT64_MAX: never), whichever is first. */
struct tare_watch {
	int fd;
	int64_t due;
};
enum { /* what may have changed besides what events tell */
	TARE_CHANGED_CONTAINERS = 1,
	TARE_CHANGED_IMAGES = 2,
	TARE_CHANGED_VOLUMES = 4,
	TARE_CHANGED_NETWORKS = 8,
};

/* A container's log, for a reader that pages in it: its files, oldest first, in the CRI log format
 * ("2026-01-31T10:00:00.123456789Z stdout F text\n", P instead of F for a piece of a longer line). The last
 * one is being written. A file that rotation dropped can be read as long as it is open here. */
struct tare_log {
	int *files; /* owned by the log */
	size_t n;
	int fd;     /* poll for reading, then log_drain(); -1: none, then after each watch_drain() */
	bool ended; /* no run under way: nothing will come before the next start */
};
enum { TARE_LOG_GREW = 1, TARE_LOG_ROTATED = 2 /* files[] has changed */, TARE_LOG_ENDED = 4 };

/* Trees of files that can be looked at. */
enum tare_tree {
	TARE_TREE_CONTAINER, /* ref: a container, running or not; links are followed inside its root */
	TARE_TREE_VOLUME,    /* ref: a volume's name */
	TARE_TREE_LAYER,     /* ref: a layer's diffID, "sha256:…" */
};
struct tare_file {
	char *name;    /* one component, foreign bytes */
	unsigned mode; /* st_mode, with its type */
	uint64_t size; /* bytes; of a directory 0 */
	int64_t mtime; /* ns since the epoch */
	unsigned uid, gid;
	char *target; /* of a symbolic link, or NULL */
	bool removed; /* layers: a whiteout, which removes a file of the layers beneath */
};
struct tare_file_list {
	struct tare_file *rows; /* sorted by name */
	size_t n;
	bool cut; /* there are more than the 20,000 that are given */
};
void tare_file_list_free(struct tare_file_list *l);

struct tare_layer {
	char *diff_id;    /* "sha256:…"; NULL: a history entry without a layer */
	char *created_by; /* the command that made it, or "" */
	int64_t created;  /* ns, 0: not known */
	uint64_t size;    /* bytes of its files */
	uint64_t wasted;  /* of these: what later layers of the image replace or remove */
	uint64_t files;
};
struct tare_layer_list {
	struct tare_layer *rows; /* lowest first */
	size_t n;
};
void tare_layer_list_free(struct tare_layer_list *l);

/* ------------------------------------------------------------------ actions */

/* The caller's side of a container's input and output. */
struct tare_io {
	int in, out, err;        /* descriptors, -1 = not connected */
	bool tty;                /* put `in` into raw mode while connected and follow its size */
	const char *detach_keys; /* NULL: the container's; "": off */
	bool sig_proxy;          /* forward signals to the container's process 1 */
	bool no_replay;          /* attach: do not show the last output first */
};
enum tare_io_end { TARE_IO_EXITED, TARE_IO_DETACHED };

struct tare_exec {
	char **args;
	char **env; /* added to the container's */
	char *user; /* NULL: the container's */
	char *workdir;
	bool tty, interactive, detach, privileged;
	const char *detach_keys;
};

enum tare_log_stream { TARE_LOG_OUT = 1, TARE_LOG_ERR = 2 };
struct tare_log_options {
	bool follow;
	int64_t tail;         /* lines, -1 = all */
	int64_t since, until; /* ns since the epoch, 0 = unbounded */
	bool timestamps;      /* prefix with RFC 3339 */
	bool harmless; /* where out or err is a terminal, only text, tab, newline and colours pass (ignored
	                  for containers that have a terminal of their own) */
	int out, err;  /* descriptors that the lines are written to, in whole blocks */
};

struct tare_event_options {
	int64_t since, until; /* ns, 0 = only what comes from now on / no end */
	bool follow;
};
/* Called per event with the event's JSON object (borrowed); non-zero ends the watch. */
typedef int (*tare_event_fn)(json *event, void *arg);

struct tare_remove {
	bool force, volumes;
};

struct tare_prune_result {
	char **removed; /* what was removed, one text each */
	uint64_t bytes;
};
void tare_prune_result_free(struct tare_prune_result *r);
enum tare_prune_what {
	TARE_PRUNE_CONTAINERS, /* stopped containers */
	TARE_PRUNE_IMAGES,     /* untagged images no container uses; with `all` every unused one */
	TARE_PRUNE_VOLUMES,    /* anonymous volumes no container uses; with `all` every unused one */
	TARE_PRUNE_NETWORKS,   /* networks no container uses, running or not; never the default one */
	TARE_PRUNE_CONTENT, /* blobs and layers that nothing reaches, and old partial downloads (`all`: every
	                       one) */
	TARE_PRUNE_DEBRIS,  /* what belongs to no container: directories, cgroups, processes */
};
enum {
	TARE_PRUNE_ALL = 1,
	TARE_PRUNE_DRY_RUN = 2,         /* say what would go, remove nothing */
	TARE_PRUNE_FOR_RUNNING_ONLY = 4 /* dry run: as if the stopped containers had gone before */
};

struct tare_disk_usage {
	struct {
		unsigned total, active;
		uint64_t size, reclaimable;
	} images, containers, volumes;
};

struct progress;
struct tare_commit;
struct tare_backup;
struct tare_backup_result;
struct tare_restore;
struct tare_restore_result;
struct tare_copy;
struct tare_forget;

/* An image that came or went. */
struct tare_moved {
	char *reference, *digest; /* full; of the manifest */
	bool changed;             /* pull: it was not here */
};
void tare_moved_free(struct tare_moved *m);

/* What of a container is to change, running or not; what is 0 or NULL stays (resources.h). */
struct tare_update {
	struct resources resources; /* without devices */
	bool has_restart;
	enum tare_restart restart;
	unsigned restart_max;
	struct health_check health;  /* what is given of it; {"NONE"}: none from now on */
	bool no_health_start_period; /* of which 0 does not mean that it stays */
	bool has_health_on_failure;
	enum tare_health_action health_on_failure;
};

struct tare_engine {
	/* --- life. `id` out-parameters hold TARE_ID_LEN+1 bytes. --- */
	int (*create)(struct tare_engine *, const struct tare_create *, char *id, struct err *);
	/* Start a created or stopped container. With io, the caller is connected from the first byte and the
	 * call returns at the container's end (exit_code, *end) or at detach; without, when the command has
	 * been executed. A command that cannot be executed is an error of kind NO_COMMAND or NOT_EXECUTABLE.
	 */
	int (*start)(struct tare_engine *, const char *ref, const struct tare_io *io, enum tare_io_end *end,
	        int *exit_code, struct err *);
	/* create + start in one; on failure to start nothing is left behind when auto_remove, and a
	 * container in state "created" otherwise, as Docker does. `started` (may be NULL) is called with the
	 * id once the command runs. */
	int (*run)(struct tare_engine *, const struct tare_create *, const struct tare_io *io, char *id,
	        enum tare_io_end *end, int *exit_code, void (*started)(const char *id, void *arg), void *arg,
	        struct err *);
	/* Ask, wait `timeout` seconds (TARE_TIMEOUT_DEFAULT: the container's; -1: for ever), then kill.
	 * Returns when it has ended and is cleaned up. Stopping what is stopped is success. signal 0: the
	 * container's. */
	int (*stop)(struct tare_engine *, const char *ref, int timeout, int signal, struct err *);
	int (*restart)(struct tare_engine *, const char *ref, int timeout, int signal, struct err *);
	int (*kill)(struct tare_engine *, const char *ref, int signal, struct err *);
	int (*pause)(struct tare_engine *, const char *ref, struct err *);
	int (*unpause)(struct tare_engine *, const char *ref, struct err *);
	int (*rename)(struct tare_engine *, const char *ref, const char *name, struct err *);
	/* All or nothing: a limit that the kernel refuses leaves the others as they were. `warnings` (strv,
	 * may be NULL) collects what holds from the next start on. */
	int (*update)(struct tare_engine *, const char *ref, const struct tare_update *, char ***warnings,
	        struct err *);
	/* Start, in the order of their making, what the restart policies ask for after a boot; once per boot.
	 * `started` collects names, `failed` lines. */
	int (*boot)(struct tare_engine *, char ***started, char ***failed, struct err *);
	/* Before the host goes down: stop all that runs, each with the time that it has, all at once. None of
	 * it counts as stopped by the user, and the next boot() starts what the policies ask for, in this
	 * boot as well. `stopped` collects names, `failed` lines. */
	int (*shutdown)(struct tare_engine *, char ***stopped, char ***failed, struct err *);
	int (*remove)(struct tare_engine *, const char *ref, const struct tare_remove *, struct err *);
	/* Wait for the end of the run that is under way. removed: wait until the container is gone. */
	int (*wait)(struct tare_engine *, const char *ref, bool removed, int *exit_code, struct err *);
	int (*attach)(struct tare_engine *, const char *ref, const struct tare_io *, enum tare_io_end *,
	        int *exit_code, struct err *);
	int (*exec)(struct tare_engine *, const char *ref, const struct tare_exec *, const struct tare_io *,
	        enum tare_io_end *, int *exit_code, struct err *);

	/* --- look --- */
	int (*resolve)(struct tare_engine *, const char *ref, char *id, struct err *);
	int (*list)(struct tare_engine *, bool all, struct tare_container_list *, struct err *);
	/* Docker's document, the caller's to put. with_size adds SizeRw and SizeRootFs. */
	int (*inspect)(struct tare_engine *, const char *ref, bool with_size, json **, struct err *);
	int (*container_size)(
	        struct tare_engine *, const char *ref, uint64_t *rw, uint64_t *rootfs, struct err *);
	int (*stats)(struct tare_engine *, const char *ref, struct tare_stats *, struct err *);
	int (*logs)(struct tare_engine *, const char *ref, const struct tare_log_options *, struct err *);
	/* {"Titles": [...], "Processes": [[...], …], "Usage": [[CPU ns, resident bytes], …]}: the figures of
	 * each process, in the same order */
	int (*top)(struct tare_engine *, const char *ref, json **, struct err *);
	int (*events)(struct tare_engine *, const struct tare_event_options *, tare_event_fn, void *arg,
	        struct err *);

	/* --- images, volumes --- */
	int (*image_list)(struct tare_engine *, struct tare_image_list *, struct err *);
	int (*image_inspect)(struct tare_engine *, const char *ref, json **, struct err *);
	int (*image_tag)(struct tare_engine *, const char *ref, const char *new_ref, struct err *);
	/* `done` collects "Untagged: …" and "Deleted: …". */
	int (*image_remove)(struct tare_engine *, const char *ref, bool force, char ***done, struct err *);
	int (*volume_list)(struct tare_engine *, struct tare_volume_list *, struct err *);
	/* One that is there with the same options is success, as in Docker; with others CONFLICT. */
	int (*volume_create)(struct tare_engine *, const struct tare_volume_create *,
	        char name[TARE_VOLUME_NAME_SIZE], struct err *);
	/* Docker's document, and UsedBy: [{"Id", "Name", "Running", "Destination", "RW"}] */
	int (*volume_inspect)(struct tare_engine *, const char *name, json **, struct err *);
	int (*volume_remove)(struct tare_engine *, const char *name, struct err *);

	/* What a container changed in its root, sorted by path: [{"Path": "/etc/x", "Kind": 0}, …], Docker's
	 * kinds: 0 changed, 1 added, 2 deleted. */
	int (*diff)(struct tare_engine *, const char *ref, json **, struct err *);

	/* --- images from and to elsewhere: only the simulated engine does these itself. NULL in others,
	 * where a helper program does them. --- */
	/* platform NULL: this host's */
	int (*image_pull)(struct tare_engine *, const char *ref, const char *platform, struct progress *,
	        struct tare_moved *, struct err *);
	/* destination NULL: as it is called */
	int (*image_push)(struct tare_engine *, const char *ref, const char *destination, struct progress *,
	        struct tare_moved *, struct err *);
	/* [{"Name", "Description", "StarCount", "IsOfficial"}, …]; tags: {"Name", "Tags": […]} of that
	 * repository
	 */
	int (*image_search)(struct tare_engine *, const char *term, bool tags, json **, struct err *);
	int (*login)(struct tare_engine *, const char *registry, const char *user, struct err *);
	int (*commit)(
	        struct tare_engine *, const struct tare_commit *, struct progress *, char **id, struct err *);
	/* --- and so are these of files and volumes --- */
	int (*volume_backup)(struct tare_engine *, const struct tare_backup *, struct progress *,
	        struct tare_backup_result *, struct err *);
	int (*volume_restore)(struct tare_engine *, const struct tare_restore *, struct progress *,
	        struct tare_restore_result *, struct err *);
	/* As tare_backups() and tare_backup_compare(). */
	int (*volume_backups)(struct tare_engine *, const char *dir, json **, struct err *);
	int (*volume_backup_compare)(struct tare_engine *, const char *dir, const char *from, const char *to,
	        json **, struct err *);
	/* As tare_backup_forget(); rules are left out, and nothing is pruned. */
	int (*volume_forget)(
	        struct tare_engine *, const struct tare_forget *, json **forgotten, struct err *);
	int (*copy)(struct tare_engine *, const struct tare_copy *, struct progress *, struct err *);

	/* --- networks; `net` is a name, a full id, or an unambiguous start of one --- */
	/* id: 65 bytes */
	int (*network_create)(
	        struct tare_engine *, const struct tare_network_create *, char *id, struct err *);
	int (*network_list)(struct tare_engine *, struct tare_network_list *, struct err *);
	int (*network_inspect)(struct tare_engine *, const char *net, json **, struct err *);
	/* CONFLICT names the containers that run in it; those that do not may be left without, as in Docker.
	 */
	int (*network_remove)(struct tare_engine *, const char *net, struct err *);
	int (*network_connect)(struct tare_engine *, const char *net, const char *ref,
	        const struct tare_endpoint *, struct err *);
	int (*network_disconnect)(
	        struct tare_engine *, const char *net, const char *ref, bool force, struct err *);
	/* All rules, bridges and the name service again, after somebody flushed the firewall. `notes`
	 * collects lines for the user: chains of others that stand in the way, and the command that opens
	 * them. */
	int (*network_reload)(struct tare_engine *, char ***notes, struct err *);

	/* --- for a display: none of these waits for anything --- */
	int64_t (*now)(struct tare_engine *); /* this engine's wall clock, ns since the epoch */
	int (*watch_open)(struct tare_engine *, struct tare_watch **, struct err *);
	/* Calls `fn` for each event since; returns TARE_CHANGED_ bits, or -1. */
	int (*watch_drain)(struct tare_engine *, struct tare_watch *, tare_event_fn, void *arg, struct err *);
	void (*watch_close)(struct tare_engine *, struct tare_watch *);
	/* One row of the list, to be freed by tare_container_free(). */
	int (*look)(struct tare_engine *, const char *ref, struct tare_container *, struct err *);
	/* out[i] for each full id, its time 0 when it doesn't run. Descriptors are kept between calls. */
	int (*sample)(
	        struct tare_engine *, const char *const *ids, size_t n, struct tare_stats *out, struct err *);
	/* The hour before, one in ten seconds, oldest first, at most `max`; the number, or -1. */
	ssize_t (*history)(
	        struct tare_engine *, const char *ref, struct tare_stats *out, size_t max, struct err *);
	/* ref NULL: of the host. */
	int (*pressure)(struct tare_engine *, const char *ref, struct tare_pressure *, struct err *);
	int (*host)(struct tare_engine *, struct tare_host *, struct err *);
	int (*log_open)(struct tare_engine *, const char *ref, struct tare_log **, struct err *);
	/* TARE_LOG_ bits since the last call, or -1. */
	int (*log_drain)(struct tare_engine *, struct tare_log *, struct err *);
	void (*log_close)(struct tare_engine *, struct tare_log *);
	/* `path` is absolute within the tree. */
	int (*files)(struct tare_engine *, enum tare_tree, const char *ref, const char *path,
	        struct tare_file_list *, struct err *);
	/* A regular file, for reading; the descriptor or -1. */
	int (*file_open)(
	        struct tare_engine *, enum tare_tree, const char *ref, const char *path, struct err *);
	/* A signal to one process of a container, by its pid on the host; refused for any other. */
	int (*process_signal)(struct tare_engine *, const char *ref, pid_t pid, int signal, struct err *);
	/* These two read whole trees: for a worker with an engine of its own. */
	int (*image_layers)(struct tare_engine *, const char *ref, struct tare_layer_list *, struct err *);
	int (*volume_size)(struct tare_engine *, const char *name, uint64_t *bytes, struct err *);

	/* --- house --- */
	int (*prune)(struct tare_engine *, enum tare_prune_what, unsigned flags /* TARE_PRUNE_ */,
	        struct tare_prune_result *, struct err *);
	int (*disk_usage)(struct tare_engine *, struct tare_disk_usage *, struct err *);
	/* Find, and with `repair` remove or mend, what a crash left behind. */
	int (*check)(struct tare_engine *, bool repair, struct tare_check_result *, struct err *);
	/* What holds for a container: capabilities, seccomp, AppArmor, user namespace, masked paths, … NULL
	 * in the simulated engine. */
	int (*security)(struct tare_engine *, const char *ref, json **, struct err *);
	/* host, kernel, cgroups, security, directories */
	int (*info)(struct tare_engine *, json **, struct err *);
	/* Entry of the monitor: what `tare --internal VERB ID` runs ("cleanup", "health", "restart"). The
	 * exit code (engine/monitor/handoff.h), or -1. */
	int (*internal)(struct tare_engine *, const char *verb, const char *ref, struct err *);
	void (*close)(struct tare_engine *);
};

/* root NULL: /var/lib/tare; state NULL: /run/tare. Makes what is missing, refuses a newer format.
 * An ordinary user's process becomes root of the user's own namespace by it, and the directories are
 * $XDG_DATA_HOME/tare and $XDG_RUNTIME_DIR/tare then (engine/store/rootless_entry.h); it must have one
 * thread. */
struct tare_engine *tare_engine_linux(const char *root, const char *state, struct err *e);

/* The simulated one: containers that start, log, use memory, fail and recover by themselves, without root and
 * without any call that only Linux has. What it shows is a function of time and of the actions taken, which
 * are kept in a journal beneath `state` (NULL: a directory of the user's), so that several processes see the
 * same. Environment: TARE_DEMO_CONTAINERS=N makes N of them, TARE_DEMO_CLOCK=SECONDS holds its clock still at
 * so many seconds after its start, for tests and pictures. */
struct tare_engine *tare_engine_simulated(const char *state, struct err *e);

/* Security profiles: default, restricted, privileged, the user's own, or a file (README "Security"). The
 * documents are the caller's to put.
 * The profile as its file has it. */
int tare_security_profile(const char *name, json **, struct err *);
/* [{"Name", "Source": "host" | "user" | "shipped", "Comment", "Path", "Valid"}, …]; of one name only the
 * first counts, and only that is listed. */
int tare_security_profiles(json **, struct err *);
/* {"Name", "Path", "Valid", "Problems": [all that is wrong], "Notes": [what this host can't do]} */
int tare_security_check(const char *name, json **, struct err *);

#include "engine/tare_transfer.h"

#endif
