/* The change from the launcher's child to tare-init, and what tare-init is told. */
#ifndef TARE_RUNTIME_LAST_STAGE_H
#define TARE_RUNTIME_LAST_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct runtime_spec;
struct seccomp_filter;

/* How the container is kept from our binary (CVE-2019-5736). LAST_STAGE_BEST takes the mount where the kernel
 * can (5.12), the memory file elsewhere; the others are for tests. */
enum last_stage_seal { LAST_STAGE_BEST, LAST_STAGE_MOUNT, LAST_STAGE_MEMFD };

/* In the launcher, before any namespace is entered: a descriptor that execveat(AT_EMPTY_PATH) takes and
 * through which nobody can write. -1 with e. */
int last_stage_open(const char *init_path, enum last_stage_seal seal, struct err *e);

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	char home[4096]; /* "" = not known */
};

struct last_stage {
	const struct runtime_spec *spec;
	const struct seccomp_filter *seccomp; /* or NULL */
	const struct identity *who;
	int init_fd, report_fd;
	int proc_fd;   /* procfs that no mount of the container can cover, for the AppArmor label, or -1 */
	bool stay;     /* tare-init stays as process 1 */
	bool join;     /* others live where our children are born */
	bool terminal; /* with join: 0 is a terminal */
};
/* In the child: write the block, put the descriptors where init wants them, execute. Returns only to fail. */
int last_stage_exec(const struct last_stage *s, struct err *e);

#endif
