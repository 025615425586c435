/* Security profiles: JSON files that a user can copy and change (engine/profiles/, see README "Security"). A
 * name is looked for in /etc/tare/profiles, then $XDG_CONFIG_HOME/tare/profiles (~/.config), then the shipped
 * ones; a text with a slash is a file. */
#ifndef TARE_ENGINE_SECURITY_PROFILE_H
#define TARE_ENGINE_SECURITY_PROFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

struct err;

struct security_profile {
	char *name;
	uint64_t capabilities; /* bit n = capability n; CAPABILITY_ALL for "ALL" */
	char *seccomp;         /* "unconfined", or the path of a profile in Docker's format */
	bool seccomp_log;      /* the kernel logs what the filter refuses */
	char *apparmor; /* "unconfined", a loaded profile, "tare-default"; NULL: that where it can be had */
	char *userns;   /* as in --userns, or NULL */
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
/* The file of a profile. */
int security_profile_find(const char *name, char dst[PATH_MAX], struct err *e);
/* Where names are looked for: "/etc/tare/profiles", the user's, the shipped; -1 when there is no such place.
 */
enum security_profile_place { SECURITY_PLACE_HOST, SECURITY_PLACE_USER, SECURITY_PLACE_SHIPPED };
int security_profile_place(enum security_profile_place place, char dst[PATH_MAX]);
/* What the document of the file `path` says, added to *p. The first thing that is wrong is the error; with
 * `problems` all of them are collected there, one line each, and only want of memory fails. */
int security_profile_read(
        json *doc, const char *path, struct security_profile *p, char ***problems, struct err *e);
/* The name of an AppArmor profile, as it may stand in one line of /proc and of a record. */
bool security_apparmor_name_ok(const char *name);
/* The path of a seccomp profile as a user names it: "default"/"builtin" -> the shipped one, "unconfined", a
 * file. */
int security_seccomp_path(const char *text, char **path, struct err *e);
/* The JSON of a profile's file, the caller's to put. */
json *security_profile_document(const char *path, struct err *e);
/* "/proc/acpi", "/sys/…*…": what it stands for on this host, added to the list. */
int security_path_expand(char ***list, const char *pattern, struct err *e);

/* One --security-opt onto the profile; the forms are in security_option.c. */
int security_option_apply(const char *text, struct security_profile *p, struct err *e);

#endif
