/* The records of a container: container.json (what was asked for, and how the last run ended; lasting) and
 * state.json (the run under way; in the state directory, gone after a reboot). Both are written by the
 * engine only, whole, by rename. `exit` beside state.json is the monitor's. */
#ifndef TARE_STORE_CONTAINER_RECORD_H
#define TARE_STORE_CONTAINER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/proc.h"
#include "engine/store/store.h"
#include "engine/oci/container_id.h"

struct err;

struct container_record {
	char id[TARE_ID_LEN + 1];
	char *name;
	char *image, *image_id, *image_manifest; /* "" with --rootfs */
	char *rootfs;                            /* host directory, or NULL */
	char **layers;                           /* "sha256:DIFFID", top first */
	char **command;                          /* entrypoint and arguments, for lists */
	json *config; /* what was asked: Docker's "Config" and "HostConfig" material */
	int64_t created;
	int64_t started;  /* last start, 0 = never */
	int64_t finished; /* end of the last run, written by clean-up */
	int exit_code;
	bool oom_killed;
	char *error;
	unsigned restart_count; /* by the policy, since the last start by hand */
	bool stopped_by_user;   /* the last run was: boot leaves `unless-stopped` alone then */
};

struct container_state {
	struct proc_id process; /* process 1 of the container, in our pid namespace */
	struct proc_id monitor;
	int64_t started;
	char boot[40]; /* the boot in which the pids above mean something */
	int init_fd;   /* the monitor's descriptor of tare-init (struct launched, hold_fd); -1 */
	bool paused;
	/* The run has ended and is cleaned up, and `monitor` waits to start the next one: when that is due
	 * (ns, realtime), 0 otherwise. `exit` stays beside it until then. */
	int64_t restart_due;
	unsigned restart_shift; /* restarts by the policy since a run that lasted */
};

/* The most that container.json and config.json may hold: environment, labels and arguments make them grow. */
#define CONTAINER_RECORD_MAX ((size_t)4 << 20)
/* ERR_USAGE when `len` bytes are too many; the first time with room for what a container's life adds. */
int container_document_check(size_t len, bool first, struct err *e);

void container_record_free(struct container_record *r);
int container_record_read(const struct store *s, const char *id, struct container_record *r, struct err *e);
int container_record_write(int container_fd, const struct container_record *r, bool sync, struct err *e);
/* -1 with errno ENOENT: no run under way. */
int container_state_read(int state_fd, struct container_state *st);
int container_state_write(int state_fd, const struct container_state *st, struct err *e);

/* What a create or a removal that was cut short left in containers/ENTRY (an id without a record, or .rm-ID):
 * a descriptor that holds its lock until it is removed. -1: in use, or not such a thing. */
int container_debris_lock(const struct store *s, const char *entry);
/* Take a container whose record cannot be read out of the way: its directory becomes containers/.damaged-ID,
 * with `reason` beside what it had, its names are free, and what its last run left in the state directory
 * goes. CONFLICT while its process runs. */
int container_set_aside(const struct store *s, const char *id, const char *reason, struct err *e);

/* container_aside.c: what was set aside, until somebody removes it by its id. */
#define CONTAINER_ASIDE_MAX (TARE_ID_LEN + 16)
/* containers/ENTRY of the container that was set aside. */
const char *container_aside_entry(const char *id, char entry[CONTAINER_ASIDE_MAX]);
/* Their ids, unsorted; strv. */
int container_aside_ids(const struct store *s, char ***ids, struct err *e);
/* By a full id or the unique start of one; false: none. */
bool container_aside_find(const struct store *s, const char *ref, char id[TARE_ID_LEN + 1]);
/* Why; the caller's to free. */
char *container_aside_reason(const struct store *s, const char *id);
/* Delete what is left of it. */
int container_aside_remove(const struct store *s, const char *id, struct err *e);

/* Open root/containers/ID and state/containers/ID (made with `make`). -1 with errno. */
int container_dir_open(const struct store *s, const char *id);
int container_state_dir_open(const struct store *s, const char *id, bool make);
/* At once, by a rename: a state that has lost its exit record first looks like a run whose end is still to
 * come. None is fine. -1 with errno. */
int container_state_remove(const struct store *s, const char *id);

/* container_name.c; ref -> id: exact name, full id, unique start of an id. */
int container_resolve(const struct store *s, const char *ref, char id[TARE_ID_LEN + 1], struct err *e);
bool container_is_id(const char *name);
/* All ids, unsorted; strv. */
int container_ids(const struct store *s, char ***ids, struct err *e);
/* Claim a name for id, which may have it already; CONFLICT names the owner. What a killed create, rename or
 * removal left behind is taken over. The caller holds the lock of the container `id`. */
int container_name_claim(const struct store *s, const char *name, const char *id, struct err *e);
void container_name_release(const struct store *s, const char *name, const char *id);
/* A name that leads to id, whatever its record says; the caller's to free, NULL without one. */
char *container_name_of(const struct store *s, const char *id);
/* Every name that leads to id. */
void container_names_release(const struct store *s, const char *id);
/* Whether no container needs the name. */
bool container_name_is_orphan(const struct store *s, const char *name);
/* Free the name if no container needs it; true when it was freed. */
bool container_name_reap(const struct store *s, const char *name);

#endif
