/* The engine's inside: what the files beside this one share. Not for other rooms. */
#ifndef TARE_ENGINE_ENGINE_H
#define TARE_ENGINE_ENGINE_H

#include "engine/oci/runtime_spec.h"
#include "engine/store/container_record.h"
#include "engine/store/image_index.h"
#include "engine/store/store.h"
#include "engine/tare.h"
#include "engine/volume.h"

struct exit_record;
struct sample;
struct sampler;
struct sampling;
struct watch;

struct linux_engine {
	struct tare_engine api; /* first: a struct tare_engine * of ours is one of these */
	struct store store;
	struct sampling *sampling; /* sample.c's; NULL until it is needed */
	struct watch *watch;       /* the one that is open, or NULL */
};

static inline struct store *engine_store(struct tare_engine *t)
{
	return &((struct linux_engine *)t)->store;
}

/* ---- container.c: a container in hand ---- */

/* A container in hand: its directories open and, after container_lock(), locked against every other
 * change. container_close() gives all back. */
struct container {
	char id[TARE_ID_LEN + 1];
	int dir_fd, state_fd; /* state_fd -1: no run under way, none to clean up */
	int lock_fd;
	struct container_record record;
	struct container_state state; /* valid when state_fd >= 0 and has_state */
	bool has_state;
	bool cgroup_left; /* by a clean-up in this process */
};
#define CONTAINER_INIT                                                                                       \
	{                                                                                                    \
		.dir_fd = -1, .state_fd = -1, .lock_fd = -1                                                  \
	}

int container_open(const struct store *s, const char *ref, struct container *c, struct err *e);
/* The same for a full id. */
int container_open_id(const struct store *s, const char *id, struct container *c, struct err *e);
/* Wait for the lock, then read record and state again. NOT_FOUND when it was removed meanwhile. */
int container_lock(const struct store *s, struct container *c, struct err *e);
/* Without waiting; for those who only tidy up on their way. */
bool container_try_lock(const struct store *s, struct container *c);
void container_unlock(struct container *c);
void container_close(struct container *c);
#define cleanup_container __attribute__((cleanup(container_close)))

bool container_auto_remove(const struct container *c); /* --rm */
bool container_is_up(const struct container *c);       /* running or paused; asks the kernel each time */
/* Its pids mean something. */
bool container_run_is_of_this_boot(const struct container *c);
/* Process 1 is gone, and its monitor is still passing on what it wrote: the exit comes on record soon. */
bool container_is_ending(const struct container *c);
/* Its run has ended, and its monitor waits to start the next one. */
bool container_is_restarting(const struct container *c);
/* The same, but that monitor was killed: whoever comes next goes on (restart.h). */
bool container_restart_was_lost(const struct container *c);
/* A run that has neither an end on record nor a state any more: the host was restarted, or a start was
 * killed. */
bool container_run_was_lost(const struct container *c);
/* What the files and the kernel say together. A run whose process is gone counts as exited even when nobody
 * has cleaned up yet. */
enum tare_state container_status(const struct container *c, bool up);
/* ERR_CONFLICT "container NAME is not running" unless up. */
int container_need_up(const struct container *c, struct err *e);
/* The runtime spec as recorded in config.json. */
int container_spec(const struct container *c, struct runtime_spec *spec, struct err *e);
int container_spec_write(
        const struct container *c, const struct runtime_spec *spec, bool sync, struct err *e);
/* The maps of its user namespace, from the record; empty without one. */
int container_id_maps(const struct container *c, struct id_maps *m, struct err *e);
#define CGROUP_PATH_MAX 128
/* The container's cgroup path, "tare/ID" or beneath --cgroup-parent; from the record. */
const char *container_cgroup_path(const struct container *c, char dst[CGROUP_PATH_MAX]);
/* stop.c: freeze or thaw a locked container that is up, and put that on record. */
int container_set_paused(const struct store *s, struct container *c, bool paused, struct err *e);
bool container_is_frozen(const struct container *c); /* what the kernel says, whatever is on record */
/* stop.c: end the run of a container that is up by its stop signal, after `timeout` seconds (0: at once,
 * TARE_TIMEOUT_DEFAULT: the container's) by SIGKILL, and wait for its end; nobody has asked for it. */
int container_end(const struct store *s, const struct container *c, int timeout, struct err *e);
/* End its run and clean up, with the note (restart.h) why. signal 0, TARE_TIMEOUT_DEFAULT: the container's
 * own. */
int container_stop(
        const struct store *s, const char *ref, const char *note, int timeout, int signal, struct err *e);
/* container_layers.c: layers and writable layer together, read-only, attached nowhere: what a container that
 * does not run would see. */
int container_root(const struct store *s, const struct container *c, struct err *e);
/* Docker's events of its volumes: "mount", "unmount". */
void volumes_tell(const struct store *s, const struct container *c, const char *action);
void container_event(const struct store *s, const struct container *c, const char *action, json *more);

/* ---- the rest, by file ---- */

/* spec_build.c: request + image + profile -> spec. `image` is NULL with --rootfs. Adds Docker-shaped
 * documents to `config` for inspection. */
struct spec_input {
	const struct store *store;
	const struct tare_create *request;
	const struct image_config *image;
	const char *id;
	const char *container_path;   /* root/containers/ID */
	struct volume_locks *volumes; /* those that the spec uses */
};
int spec_build(const struct spec_input *in, struct runtime_spec *spec, struct err *e);
/* spec_rootless.c: cut down, for an ordinary user, to what its namespace has. */
int spec_fit_rootless(struct runtime_spec *spec, struct err *e);
/* spec_mounts.c: the mounts part of it; volumes are made here. */
int spec_build_mounts(
        const struct spec_input *in, struct runtime_spec *spec, char *const *profile_tmpfs, struct err *e);
/* spec_users.c: its user namespace, which `profile_mode` ("auto", "host", NULL) says unless the request does;
 * the container's range of ids is taken here. After the other namespaces, before the mounts. */
int spec_build_users(
        const struct spec_input *in, const char *profile_mode, struct runtime_spec *spec, struct err *e);
int spec_add_mount(struct runtime_spec *spec, const char *type, const char *source, const char *destination,
        const char *options /* comma separated */, struct err *e);

/* container_files.c: hosts, hostname, resolv.conf beneath the container's directory; where it has networks of
 * its own, the first and the last are written at each start. */
int container_files_write(int dir_fd, const struct tare_create *request, const char *hostname, struct err *e);

/* inspect_record.c: the request as Docker's Config, HostConfig and Mounts, kept in the record without what is
 * empty; and the first two of a record, complete again. All the caller's to put. */
json *inspect_record(const struct tare_create *request, const struct image_config *image,
        const struct runtime_spec *spec, char *const *networks);
json *inspect_config(const struct container_record *r);
/* Into a HostConfig: what an update changes. */
void inspect_set_restart(json *host_config, enum tare_restart policy, unsigned max);
void inspect_set_resources(json *host_config, const struct resources *r);
json *inspect_host_config(const struct container_record *r);

/* lifecycle.c, for every way of a start: the record of one that begins; and of one that failed, so that
 * `ps -a` and `inspect` tell why. */
void container_mark_started(struct container_record *r);
void container_remember_failure(struct container *c, const struct err *why, int64_t started_before);

/* starter.c: start a container that is locked and not running. `client_fd`: the monitor's end of a socketpair
 * for a caller that is attached from birth, or -1; consumed. */
int starter_start(const struct store *s, struct container *c, const struct runtime_spec *spec, int client_fd,
        unsigned rows, unsigned cols, struct err *e);

/* The same without a fork, of a container that is on record as restarting: this process becomes its monitor.
 * `started` is called when it runs. -1: it does not run, and its state directory is as after an end. */
int starter_become(const struct store *s, struct container *c, const struct runtime_spec *spec,
        void (*started)(void *arg), void *arg, struct err *e);
/* internal.c: the words that make `tare` do a verb of its own ("cleanup", "restart", …) for a container;
 * argv[0] is its path. */
#define VERB_WORDS 8
struct verb {
	char path[512];
	const char *argv[VERB_WORDS + 1];
};
void verb_words(const char *path, const struct store *s, const char *word, const char *id,
        const char *argv[VERB_WORDS + 1]);
void verb_fill(struct verb *v, const struct store *s, const char *word, const char *id);
/* Have it done by a process that is nobody's child, and holds nothing of this one; its pid or -1. */
pid_t verb_spawn(const struct verb *v);
/* The same by a child that the caller waits for. */
pid_t verb_child(const struct verb *v);

/* cleanup.c: after the end of a run, once, by whoever comes first: cgroup, record, event, --rm. The container
 * may be gone after it. Nothing happens while the run lasts. Takes the lock. */
int cleanup_run(const struct store *s, const char *id, struct exit_record *how, struct err *e);
/* The same for a container that is locked already. */
int cleanup_locked(const struct store *s, struct container *c, struct exit_record *how, struct err *e);
/* The same if nobody else has the container's lock, and without an error. */
void cleanup_in_passing(const struct store *s, const char *id);
/* The end of a locked container's run without a record of it: cgroup and event only, before a removal. */
void cleanup_finish(const struct store *s, struct container *c, struct exit_record *how);
/* Remove a locked container that is not up: record, layers, name, anonymous volumes when asked. */
int remove_locked(const struct store *s, struct container *c, bool volumes, struct err *e);

/* damaged.c: a container whose record cannot be read becomes containers/.damaged-ID, and its names are free.
 * With `force` what still runs is killed first, otherwise that is a CONFLICT. */
int damaged_set_aside(const struct store *s, const char *id, bool force, struct err *e);

/* await.c: wait until the run under way has ended and its exit is on record (or its monitor is dead).
 * timeout in ms, -1 for ever. 1: ended, 0: time is up, -1 error. */
int await_exit(const struct container *c, int timeout_ms, struct err *e);

/* diff.c: what every start puts into the root for its own mounts, "etc/hosts": nothing that the container
 * wrote. Ends with NULL. */
extern const char *const container_placeholders[];

/* stats.c, sample.c */
void stats_from_sample(const struct sample *x, struct tare_stats *out);
/* Opens the files of a container that is up; CONFLICT when it isn't. */
int sampler_of_container(const struct container *c, struct sampler *s, struct err *e);
void sampling_free(struct sampling *k);

/* process.c: its processes, descendants too: allocated, the number of them, or -1. */
struct cgroup;
int container_pids(const struct container *c, const struct cgroup *g, pid_t **pids, struct err *e);

/* watch.c: have changes in a container's directory reported by the open watch; a handle, or -1 without one.
 */
int engine_watch_log(struct linux_engine *l, int dir_fd);
void engine_unwatch_log(struct linux_engine *l, int wd);

/* The table's functions, by file. */
int engine_watch_open(struct tare_engine *, struct tare_watch **, struct err *);
int engine_watch_drain(struct tare_engine *, struct tare_watch *, tare_event_fn, void *, struct err *);
void engine_watch_close(struct tare_engine *, struct tare_watch *);
int engine_look(struct tare_engine *, const char *, struct tare_container *, struct err *);
int engine_sample(struct tare_engine *, const char *const *, size_t, struct tare_stats *, struct err *);
ssize_t engine_history(struct tare_engine *, const char *, struct tare_stats *, size_t, struct err *);
int engine_pressure(struct tare_engine *, const char *, struct tare_pressure *, struct err *);
int engine_host(struct tare_engine *, struct tare_host *, struct err *);
int engine_log_open(struct tare_engine *, const char *, struct tare_log **, struct err *);
int engine_log_drain(struct tare_engine *, struct tare_log *, struct err *);
void engine_log_close(struct tare_engine *, struct tare_log *);
int engine_files(struct tare_engine *, enum tare_tree, const char *, const char *, struct tare_file_list *,
        struct err *);
int engine_file_open(struct tare_engine *, enum tare_tree, const char *, const char *, struct err *);
int engine_process_signal(struct tare_engine *, const char *, pid_t, int, struct err *);
int engine_image_layers(struct tare_engine *, const char *, struct tare_layer_list *, struct err *);
int engine_volume_create(struct tare_engine *, const struct tare_volume_create *, char *, struct err *);
int engine_volume_inspect(struct tare_engine *, const char *, json **, struct err *);
int engine_volume_remove(struct tare_engine *, const char *, struct err *);
int engine_volume_size(struct tare_engine *, const char *, uint64_t *, struct err *);
int engine_create(struct tare_engine *, const struct tare_create *, char *, struct err *);
int engine_start(
        struct tare_engine *, const char *, const struct tare_io *, enum tare_io_end *, int *, struct err *);
int engine_run(struct tare_engine *, const struct tare_create *, const struct tare_io *, char *,
        enum tare_io_end *, int *, void (*)(const char *, void *), void *, struct err *);
int engine_stop(struct tare_engine *, const char *, int, int, struct err *);
int engine_restart(struct tare_engine *, const char *, int, int, struct err *);
int engine_kill(struct tare_engine *, const char *, int, struct err *);
int engine_pause(struct tare_engine *, const char *, struct err *);
int engine_unpause(struct tare_engine *, const char *, struct err *);
int engine_rename(struct tare_engine *, const char *, const char *, struct err *);
int engine_update(struct tare_engine *, const char *, const struct tare_update *, char ***, struct err *);
/* boot.c: the next boot() starts once more what the policies ask for. */
int boot_forget(const struct store *s, struct err *e);
int engine_boot(struct tare_engine *, char ***, char ***, struct err *);
int engine_shutdown(struct tare_engine *, char ***, char ***, struct err *);
int engine_remove(struct tare_engine *, const char *, const struct tare_remove *, struct err *);
int engine_wait(struct tare_engine *, const char *, bool, int *, struct err *);
int engine_attach(
        struct tare_engine *, const char *, const struct tare_io *, enum tare_io_end *, int *, struct err *);
int engine_exec(struct tare_engine *, const char *, const struct tare_exec *, const struct tare_io *,
        enum tare_io_end *, int *, struct err *);
int engine_resolve(struct tare_engine *, const char *, char *, struct err *);
int engine_list(struct tare_engine *, bool, struct tare_container_list *, struct err *);
int engine_inspect(struct tare_engine *, const char *, bool, json **, struct err *);
int engine_container_size(struct tare_engine *, const char *, uint64_t *, uint64_t *, struct err *);
int engine_stats(struct tare_engine *, const char *, struct tare_stats *, struct err *);
int engine_top(struct tare_engine *, const char *, json **, struct err *);
int engine_prune(
        struct tare_engine *, enum tare_prune_what, unsigned, struct tare_prune_result *, struct err *);
int engine_disk_usage(struct tare_engine *, struct tare_disk_usage *, struct err *);
int engine_diff(struct tare_engine *, const char *, json **, struct err *);
int engine_network_create(struct tare_engine *, const struct tare_network_create *, char *, struct err *);
int engine_network_list(struct tare_engine *, struct tare_network_list *, struct err *);
int engine_network_inspect(struct tare_engine *, const char *, json **, struct err *);
int engine_network_remove(struct tare_engine *, const char *, struct err *);
int engine_network_connect(
        struct tare_engine *, const char *, const char *, const struct tare_endpoint *, struct err *);
int engine_network_disconnect(struct tare_engine *, const char *, const char *, bool, struct err *);
int engine_network_reload(struct tare_engine *, char ***, struct err *);
int engine_check(struct tare_engine *, bool, struct tare_check_result *, struct err *);
int engine_info(struct tare_engine *, json **, struct err *);
int engine_security(struct tare_engine *, const char *ref, json **, struct err *);
int engine_internal(struct tare_engine *, const char *, const char *, struct err *);

#endif
