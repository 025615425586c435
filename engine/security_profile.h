/* Security profiles: JSON files that a user can copy and change (engine/profiles/, see README "Security"). A
 * name is looked for in /etc/tare/profiles, then $XDG_CONFIG_HOME/tare/profiles (~/.config), then the shipped
 * ones; a text with a slash is a file. */
#ifndef TARE_ENGINE_SECURITY_PROFILE_H
#define TARE_ENGINE_SECURITY_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct security_profile {
	char *name;
	uint64_t capabilities; /* bit n = capability n; CAPABILITY_ALL for "ALL" */
	char *seccomp;         /* "unconfined", or the path of a profile in Docker's format */
	bool no_new_privileges, readonly_rootfs;
	bool all_devices;     /* every device of the host, and no device rules */
	bool writable_system; /* /sys and /sys/fs/cgroup mounted read-write */
	char **tmpfs;         /* "/tmp", "/run:size=64m": mounted unless something else is mounted there */
	int64_t pids_limit;   /* 0 = none */
	char **masked_paths, **readonly_paths;
};

/* name NULL: "default". Errors quote the bad part. */
int security_profile_load(const char *name, struct security_profile *p, struct err *e);
void security_profile_free(struct security_profile *p);
#define cleanup_security_profile __attribute__((cleanup(security_profile_free)))
/* The path of a seccomp profile as a user names it: "default"/"builtin" -> the shipped one, "unconfined", a
 * file. */
int security_seccomp_path(const char *text, char **path, struct err *e);

#endif
