/* tare_transfer.h - what the engine moves in and out: images as archives, backups of volumes, files. A part
 * of tare.h, which includes it. Only in programs that are linked with libarchive (tare-transfer); elsewhere
 * run that helper. */
#ifndef TARE_ENGINE_TARE_TRANSFER_H
#define TARE_ENGINE_TARE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

struct err;
struct progress;

/* ------------------------------------------------------------------ images in and out */

struct tare_import {
	const char *file;      /* "-": standard input */
	const char *reference; /* NULL: untagged */
	char **changes; /* Dockerfile words: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR,
	                   STOPSIGNAL */
	const char *message;
	const char *platform; /* "linux/amd64"; NULL: this host's */
};
/* A root file system archive (any compression) becomes a one-layer image. image_id: "sha256:…", caller frees.
 */
int tare_image_import(const char *root, const char *state, const struct tare_import *, struct progress *,
        char **image_id, struct err *e);
/* Tell the event log that a pull has brought `reference` (a full one). */
void tare_image_pulled(const char *root, const char *state, const char *reference);
/* The same of a push. */
void tare_image_pushed(const char *root, const char *state, const char *reference);
/* An oci-archive or docker-archive. `loaded` collects references (or ids of untagged images). */
int tare_image_load(const char *root, const char *state, const char *file, struct progress *, char ***loaded,
        struct err *e);
struct tare_commit {
	const char *container; /* name, id, or the start of one */
	const char *reference; /* NULL: untagged */
	const char *author, *message;
	char **changes; /* as above */
	bool no_pause;  /* do not freeze a running container while its files are read */
	bool docker;    /* Docker's media types instead of OCI's */
};
/* What a container has written becomes a layer above its image, and its configuration (with changes) that of
 * a new image. A container on a host directory (--rootfs) gives an image of one layer, its whole root.
 * SOURCE_DATE_EPOCH in the environment sets the time of creation; the layer itself depends on nothing but the
 * files. */
int tare_image_commit(const char *root, const char *state, const struct tare_commit *, struct progress *,
        char **image_id, struct err *e);
enum tare_save_format { TARE_SAVE_OCI, TARE_SAVE_DOCKER };
/* Reproducible: the same images give the same bytes. Written beside and renamed unless file is "-". */
int tare_image_save(const char *root, const char *state, char *const *refs, const char *file,
        enum tare_save_format, struct progress *, struct err *e);

/* ------------------------------------------------------------------ volumes and files in and out */

enum tare_backup_format { TARE_BACKUP_BY_NAME, TARE_BACKUP_TAR, TARE_BACKUP_GZIP, TARE_BACKUP_ZSTD };

/* One of `file` and `to`. */
struct tare_backup {
	const char *volume;
	const char *file; /* an archive, "-": standard output; written beside, synced, renamed */
	const char *to;   /* a backup repository (engine/backup/repository.h), made when missing */
	enum tare_backup_format format;
	int level;        /* of the compression, -1: its usual one */
	unsigned threads; /* 0: as many as there are processors */
	char **excludes;  /* patterns: fnmatch(3) on the path within the volume, or, without "/", on a name */
	bool pause;       /* the containers that use the volume stand still while it is read */
	const char *key_file; /* of an encrypted repository */
};
struct tare_backup_result {
	uint64_t bytes, entries; /* of files, holes not counted; of files, directories and so on */
	uint64_t written;        /* to the disk */
	char *id;                /* of the snapshot in a repository, or NULL */
	char **skipped; /* lines: what is not in the backup, and why (sockets, what changed meanwhile) */
};
void tare_backup_result_free(struct tare_backup_result *r);
int tare_volume_backup(const char *root, const char *state, const struct tare_backup *, struct progress *,
        struct tare_backup_result *, struct err *e);

struct tare_restore {
	const char *volume; /* made when missing */
	const char *from;   /* an archive, "-", DIR (its newest backup of the volume), DIR@ID */
	const char *into;   /* NULL, or the name of a new volume that gets the files instead */
	const char *path;   /* NULL, or what of it: "a/b", which replaces the same in the volume */
	bool dry_run;       /* read and check everything, change nothing */
	bool force;         /* though a container that runs has the volume mounted for writing */
	const char *key_file;
};
struct tare_restore_result {
	char *volume;
	bool made;       /* the volume was not there before */
	bool unverified; /* the archive has no list of files with digests: only its form could be checked */
	uint64_t bytes, entries;
	char *id, *of;  /* of a repository: which backup that was, and of which volume; else NULL */
	int64_t time;   /* ns since the epoch, when it was made */
	char **running; /* names of containers that run and see the old files until they are restarted */
	char **dropped; /* lines: attributes that the file system of the volume cannot keep */
};
void tare_restore_result_free(struct tare_restore_result *r);
/* Unpacked beside the live data and checked to the last byte, then swapped in by one rename: a failure leaves
 * the old data. */
int tare_volume_restore(const char *root, const char *state, const struct tare_restore *, struct progress *,
        struct tare_restore_result *, struct err *e);

/* The backups in a repository, oldest first: [{"Id", "Volume", "Time", "Host", "Bytes", "Files", "Entries",
 * "Added", "Stored"}, …]; volume NULL: of all. */
int tare_backups(const char *dir, const char *volume, const char *key_file, json **list, struct err *e);
/* A file of a backup, or one difference between two. */
struct tare_backup_file {
	const char *path; /* foreign bytes */
	unsigned mode;    /* with its type */
	uint64_t size;
	int64_t mtime; /* ns */
	char change; /* 'A' added, 'D' deleted, 'C' content or kind, 'M' attributes only; 0: no comparison */
};
typedef int (*tare_backup_file_fn)(void *arg, const struct tare_backup_file *, struct err *e);
/* Calls `each` for the files of the backup `from`, or, with `to`, for what changed from `from` to it, in the
 * order of paths, and ends when it returns -1. There may be millions. "latest" is that of the volume, NULL:
 * that which the other id is of; ERR_USAGE when this leaves several. */
int tare_backup_files(const char *dir, const char *volume, const char *from, const char *to,
        const char *key_file, tare_backup_file_fn each, void *arg, struct err *e);
/* The same as a list: [{"Path", "Mode", "Size", "Time"}, …], with `to` and "Change". */
int tare_backup_compare(
        const char *dir, const char *from, const char *to, const char *key_file, json **list, struct err *e);
/* The row of one, as in that list; bytes that are no UTF-8 become U+FFFD. */
json *tare_backup_file_json(const struct tare_backup_file *);
/* `from`: an archive, DIR or DIR@ID. Calls `damaged` with a line for each thing that is wrong, naming the
 * file that it belongs to. */
struct tare_verified {
	uint64_t damaged;        /* how many things are wrong */
	uint64_t backups, bytes; /* read in a repository: how many, and what their files hold; else 0 */
};
int tare_backup_verify(const char *from, const char *key_file, struct progress *p,
        void (*damaged)(void *arg, const char *line), void *arg, struct tare_verified *out, struct err *e);

struct tare_forget {
	const char *dir, *key_file;
	char **ids;         /* these; or by the rules, for each volume by itself: */
	const char *volume; /* NULL: all */
	unsigned last, hourly, daily, weekly, monthly,
	        yearly; /* how many to keep of each, as restic counts */
	bool prune, dry_run;
};
/* `forgotten`: the rows of tare_backups() that went, or would. *bytes: what prune freed. */
int tare_backup_forget(
        const struct tare_forget *, struct progress *, json **forgotten, uint64_t *bytes, struct err *e);
int tare_backup_prune(const char *dir, const char *key_file, bool dry_run, struct progress *, uint64_t *bytes,
        struct err *e);

struct tare_backup_schedule {
	const struct tare_backup *backup; /* with `to` */
	const char *when; /* "hourly", "daily", "weekly", "monthly", a calendar expression of systemd, or
	                     "none": no schedule any more */
	const struct tare_forget *keep; /* rules to apply after each backup, or NULL */
	const char *program;            /* the path of `tare` */
	const char *root, *state;       /* as given on the command line, or NULL */
};
/* Units for systemd and their timer, enabled; lines for cron where there is no systemd. `wrote`: the files.
 */
int tare_backup_schedule(const struct tare_backup_schedule *, char ***wrote, struct err *e);
/* {"When", "Repository", "Keep": {"Daily", …}, "Files": […]}, or NULL: there is none. In every program. */
int tare_volume_schedule(const char *root, const char *volume, json **out, struct err *e);

/* Exactly one side is in a container: "CONTAINER:PATH"; the other a path, or "-": a tar stream. */
struct tare_copy {
	const char *from, *to;
	bool volume;  /* the name before the colon is a volume's, not a container's */
	bool archive; /* -a: owners as they are, instead of root's (in) or the user's (out) */
	bool follow;  /* -L: a symbolic link that is named is followed */
};
int tare_copy(
        const char *root, const char *state, const struct tare_copy *, struct progress *, struct err *e);
/* A container's root, without what is mounted in it, as a tar archive; file "-": standard output. */
int tare_export(const char *root, const char *state, const char *container, const char *file,
        struct progress *, struct err *e);

/* After one of these was killed: its drafts are removed now, rather than by the next sweep. */
void tare_image_tidy(const char *root, const char *state);

#endif
