/* Volumes: volumes/NAME/data is what a container sees, volumes/NAME/volume.json tells since when and what was
 * asked. Three kinds: a directory of ours; a tmpfs, which is mounted over `data` while a container that uses
 * it runs; a directory of the host's ("bind"), which is opened where it is.
 *
 * Locks, all of flock(2), so no crash leaves one:
 * - volumes/NAME: shared by who is about to use the volume or reads it (a create until its record names the
 *   volume, a start until its state is on record, a backup), exclusive for its removal and for the moment of
 *   a swap. Who holds it exclusively never waits for a container's lock; so a start may take it under one.
 * - something half made or half removed (volumes/.new-HEX, volumes/.rm-HEX, volumes/NAME/.restore-HEX,
 *   volumes/NAME/.old-HEX): exclusive by who is at work on it. What nobody holds was left by a crash, and
 *   goes at the next look.
 * Containers see what is in `data` only, so none can hold one of these. */
#ifndef TARE_ENGINE_VOLUME_H
#define TARE_ENGINE_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "engine/oci/container_id.h"

struct err;
struct runtime_spec;
struct store;
struct tare_volume_create;
struct tare_volume_list;

#define VOLUME_NAME_MAX  128
#define VOLUME_ASIDE_MAX 32 /* ".restore-" and 16 digits */

/* Docker's rule: letters, digits, _ . -, the first a letter or digit; a message otherwise. */
int volume_name_check(const char *name, struct err *e);
bool volume_is_anonymous(const char *name);

/* ---- volume_options.c, volume_record.c: what a volume is ---- */

enum volume_kind { VOLUME_DIRECTORY, VOLUME_TMPFS, VOLUME_BIND };

struct volume_record {
	char *name;
	int64_t created;
	json *labels, *options; /* objects of strings, as they were given, or NULL */
	/* from the options: */
	enum volume_kind kind;
	char *device;         /* of a bind */
	char **mount_options; /* of a tmpfs: "size=64m", "mode=1777", "noexec", … */
	bool read_only;       /* o=ro */
	uint64_t quota;       /* bytes, 0: none; only of a directory */
};
void volume_record_free(struct volume_record *r);
#define cleanup_volume_record __attribute__((cleanup(volume_record_free)))
/* What options (strings "KEY=VALUE") ask for; `r` starts zeroed, and is the caller's to free either way. */
int volume_options_parse(char *const *options, struct volume_record *r, struct err *e);
int volume_record_read_at(int volume_fd, const char *name, struct volume_record *r, struct err *e);
int volume_record_write_at(int volume_fd, const struct volume_record *r, struct err *e);
/* An object of strings as "KEY=VALUE" texts, and back. */
char **volume_texts(json *object);
json *volume_texts_object(char *const *texts);
/* request_mount.c: whether a tmpfs knows the word ("noexec", "uid=1"); size and mode have parsers. */
bool volume_is_tmpfs_option(const char *word);
/* NOT_FOUND "no such volume", CORRUPT when it cannot be read. */
int volume_record_read(const struct store *s, const char *name, struct volume_record *r, struct err *e);

/* ---- volume.c: locks and the directory ---- */

/* Volumes held shared. */
struct volume_locks {
	int *fds;
	size_t n;
};
void volume_locks_close(struct volume_locks *l);
#define cleanup_volume_locks __attribute__((cleanup(volume_locks_close)))

/* Make it when missing; holds it. name "": anonymous, a fresh 64-digit name is written to `made`. `empty`:
 * what a container would see is empty, or not known before it starts. */
int volume_ensure(const struct store *s, const char *name, char made[VOLUME_NAME_MAX],
        struct volume_locks *locks, bool *empty, struct err *e);
/* The same with what is to be made when there is none; one that is there is taken as it is. */
int volume_ensure_as(const struct store *s, const struct tare_volume_create *how, char made[VOLUME_NAME_MAX],
        struct volume_locks *locks, bool *empty, struct err *e);
/* Hold one that is there. */
int volume_keep(const struct store *s, const char *name, struct volume_locks *locks, struct err *e);
/* Hold it shared and return its directory (volumes/NAME), which is the lock: close it to let go. */
int volume_hold(const struct store *s, const char *name, struct err *e);
/* Waits a little for those that are about to use it; CONFLICT names the containers that do. */
int volume_remove(const struct store *s, const char *name, struct err *e);

/* ---- volume_create.c: making one ---- */

/* Success when one is there that was made with the same options, or when none are given; otherwise CONFLICT.
 */
int volume_make(const struct store *s, const struct tare_volume_create *how, char name[VOLUME_NAME_MAX],
        struct err *e);

/* A volume that is made whole, with its data, before anybody sees it: what a restore into a new volume
 * fills. */
struct volume_draft {
	int dir_fd, data_fd; /* volumes/.new-HEX, locked, and its data: fill that */
	char aside[VOLUME_ASIDE_MAX];
	char name[VOLUME_NAME_MAX];
};
#define VOLUME_DRAFT_INIT                                                                                    \
	{                                                                                                    \
		.dir_fd = -1, .data_fd = -1                                                                  \
	}
int volume_draft_begin(
        const struct store *s, const struct tare_volume_create *how, struct volume_draft *d, struct err *e);
/* Synced and renamed to its name; CONFLICT when there is one meanwhile. */
int volume_draft_publish(const struct store *s, struct volume_draft *d, struct err *e);
/* Removes it unless it was published. */
void volume_draft_close(const struct store *s, struct volume_draft *d);

/* ---- volume_data.c: the one way to a volume's files ---- */

/* Its root directory, O_PATH: volumes/NAME/data (never a link), the tmpfs where it is mounted, a bind's
 * device. CONFLICT for a tmpfs that no running container uses (there are no files), NOT_FOUND for a device
 * that is gone: each with a line that says so. Reopen "." of it to read the directory. */
int volume_open_data(const struct store *s, const char *name, struct err *e);
/* The same of a volume whose directory is held already. */
int volume_open_data_at(int volume_fd, const struct volume_record *r, struct err *e);

/* At a start, with the container's lock: holds the volumes that the spec mounts, mounts tmpfs that nobody
 * has mounted yet, and opens each source (source_fd of the spec's mounts). To be let go when the container is
 * on record as running, or isn't. */
int volumes_attach(
        const struct store *s, struct runtime_spec *spec, struct volume_locks *locks, struct err *e);
void volumes_detach(struct runtime_spec *spec, struct volume_locks *locks);

/* After an end, a failed start, a removal, a restore: what old data nobody has mounted any more goes, and a
 * tmpfs without a running user is unmounted. Without waiting and without an error: who is at work on the
 * volume does it at his end. */
void volume_settle(const struct store *s, const char *name);
/* What is mounted over its data goes, whoever uses it: before a removal. */
int volume_unmount_at(int volume_fd, struct err *e);
/* Whether its tmpfs is mounted though no container that runs uses it. */
bool volume_tmpfs_is_idle(const struct store *s, const char *name);
/* volume_settle() for each volume that a container's record names. */
void volumes_settle(const struct store *s, json *config);

/* ---- volume_users.c ---- */

/* A container's mount of a volume. */
struct volume_user {
	char *volume;
	char id[TARE_ID_LEN + 1];
	char *name, *destination; /* of the container; in it */
	bool running;             /* or paused */
	bool writable;
	pid_t pid; /* of its process 1, when it runs */
};
struct volume_users {
	struct volume_user *rows;
	size_t n;
	char unread[TARE_ID_LEN +
	            1]; /* a container whose record cannot be read: it may use anything; or "" */
};
void volume_users_free(struct volume_users *u);
#define cleanup_volume_users __attribute__((cleanup(volume_users_free)))
/* volume NULL: of all volumes. One that has it mounted twice has two rows. */
int volume_users(const struct store *s, const char *volume, struct volume_users *out, struct err *e);
/* Distinct names of containers: those that run, or (writing) those that run and may write. NULL: none. */
char **volume_users_running(const struct volume_users *u, bool writing);
/* CONFLICT naming them when containers that run may write to it. */
int volume_need_no_writer(const struct store *s, const char *name, struct err *e);

/* ---- volume_swap.c: new data in the place of the old ---- */

/* Fill `new_fd`, then commit. Killed at any moment, the volume has the old data or the new, whole, and what
 * lies beside goes at the next look. With a path ("a/b") make it under new_fd where it is to be in the
 * volume (new_fd/a/b); only that is swapped, and the rest of new_fd is thrown away. */
struct volume_swap {
	int dir_fd, new_fd; /* volumes/NAME, held; volumes/NAME/.restore-HEX, locked */
	char aside[VOLUME_ASIDE_MAX];
	char name[VOLUME_NAME_MAX];
	char *path; /* or NULL */
	const struct store *store;
};
#define VOLUME_SWAP_INIT                                                                                     \
	{                                                                                                    \
		.dir_fd = -1, .new_fd = -1                                                                   \
	}
/* UNSUPPORTED for a tmpfs or a bind; CONFLICT for a volume that containers which run may write to, unless
 * forced. NOT_FOUND: make a draft instead. */
int volume_swap_begin(const struct store *s, const char *name, const char *path, bool force,
        struct volume_swap *w, struct err *e);
/* Syncs, looks for writers again (unless forced), exchanges in one rename and removes the old data; what
 * containers that run have mounted stays as .old-HEX until none of them does. `running` collects their names.
 */
int volume_swap_commit(
        const struct store *s, struct volume_swap *w, bool force, char ***running, struct err *e);
/* Removes the new data unless it was committed. */
void volume_swap_close(struct volume_swap *w);
/* Old data and half-made data of volumes/NAME that nobody holds and no running container has mounted: it
 * goes, if `fn` says so (NULL: it does). */
typedef bool volume_sweep_fn(int dir_fd, const char *entry, void *arg);
void volume_swap_sweep(const struct store *s, const char *name, volume_sweep_fn *fn, void *arg);

/* ---- volume_quota.c: limits of directories, by project quotas ---- */

/* A new project with this limit for an empty directory; UNSUPPORTED where the file system has none. */
int volume_quota_set(const struct store *s, int dir_fd, uint64_t bytes, struct err *e);
/* The same project as another directory's: for what is going to be moved into it. */
int volume_quota_inherit(int dir_fd, int from_fd, struct err *e);
/* 0: it has none */
uint32_t volume_quota_project(int dir_fd);
/* The project's limit goes; its files are gone already. */
void volume_quota_free(const struct store *s, uint32_t project);
/* Bytes that the project of a directory holds, without reading its files; -1 when it has none. */
int64_t volume_quota_used(int dir_fd);
/* The projects of data beneath a volume's directory: at most `max`, how many. */
size_t volume_quota_projects(int volume_fd, uint32_t *ids, size_t max);
/* Limits that this store has set and that no directory of it has any more: at most `max`, how many. */
size_t volume_quota_orphans(const struct store *s, uint32_t *ids, size_t max);

/* ---- volume_list.c ---- */

int volumes_list(const struct store *s, struct tare_volume_list *out, struct err *e);
/* All but what a prune of volumes frees: of a bind nothing, of a tmpfs what is mounted. */
int volume_size(const struct store *s, const char *name, uint64_t *bytes, struct err *e);

/* ---- volume_aside.c: what is half made or half removed ---- */

/* A fresh directory PREFIX-and-digits in dir_fd (0700), and its lock: a readable descriptor of it. */
int volume_aside_make(int dir_fd, const char *prefix, char aside[VOLUME_ASIDE_MAX], struct err *e);
/* Lock one that is there; -1: it is gone, or somebody is at work on it. */
int volume_aside_lock(int dir_fd, const char *entry);
/* Remove it and what its quotas hold. 0 or -1 with errno. */
int volume_aside_remove(const struct store *s, int dir_fd, const char *entry);
/* Whether fd is what `name` in dir_fd is now. */
bool volume_is_named(int dir_fd, int fd, const char *name);
/* Whether `entry` of volumes/ was left by a make or a removal: debris when it can be locked. */
bool volume_is_debris(const char *entry);
/* The same of an entry of volumes/NAME: data that is not yet, or no longer, the volume's. */
bool volume_is_old_data(const char *entry);

#endif
