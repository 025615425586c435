/* The OCI runtime spec (config.json, runtime-spec 1.1) as C structs: what a container is to be, after
 * image, flags and profile have been merged. engine/spec_build makes it, engine/runtime carries it out,
 * config.json is its record for exec, restart and inspection.
 *
 * What OCI has no field for stands in annotations under "tare." (see runtime_spec.c). All strings are owned.
 */
#ifndef TARE_OCI_RUNTIME_SPEC_H
#define TARE_OCI_RUNTIME_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "engine/oci/id_map.h"
#include "engine/oci/resources.h"

struct err;

enum spec_namespace_kind { NS_MOUNT, NS_PID, NS_UTS, NS_IPC, NS_NETWORK, NS_CGROUP, NS_USER, NS_KIND_COUNT };

/* How the container stands to each namespace. */
enum spec_namespace_mode {
	NS_HOST,    /* stays in the host's */
	NS_PRIVATE, /* a new one */
	NS_JOIN,    /* the one at `path` (/proc/PID/ns/NAME, checked by the caller) */
};

struct spec_namespace {
	enum spec_namespace_mode mode;
	char *path;
};

/* One mount, in the order in which they are made. The target is resolved inside the root (R1). */
struct spec_mount {
	char *destination;
	char *type;     /* "bind", "tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup" */
	char *source;   /* host path of a bind; of /dev/shm also "container:ID", whose it is (join.h) */
	char *volume;   /* the volume whose data `source` is, or NULL */
	char *subpath;  /* what of it, or NULL */
	char **options; /* "ro", "nosuid", "rbind", "rprivate", "size=64k", "mode=1777", … */
	bool copy_up;   /* an empty named volume: fill it from the image's directory first */
	int source_fd;  /* engine's: a detached mount to attach (-1: open `source`); not recorded */
};

struct spec_device {
	char *path; /* inside the container */
	char type;  /* 'c' or 'b' */
	unsigned major, minor;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct spec_rlimit {
	int resource; /* RLIMIT_… */
	uint64_t soft, hard;
};

/* Bit n = capability n. */
struct spec_capabilities {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

struct runtime_spec {
	/* process */
	bool terminal;
	unsigned rows, cols; /* initial size, 0 = unknown */
	char **args, **env;
	char *cwd;
	char *user;    /* "", "name", "uid", "name:group", "uid:gid": looked up inside the container */
	char **groups; /* --group-add: names or numbers */
	struct spec_capabilities caps;
	struct spec_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	int oom_score_adj;
	bool has_oom_score_adj;
	mode_t umask;           /* 022 */
	char *apparmor;         /* profile name or NULL */
	bool apparmor_optional; /* nobody asked for it: without it where it can't be had */
	/* root */
	bool root_readonly;
	/* the rest */
	char *hostname, *domainname;
	struct spec_mount *mounts;
	size_t n_mounts;
	struct spec_namespace ns[NS_KIND_COUNT];
	struct id_maps ids; /* of a private user namespace */
	char *cgroup_path;  /* "tare/ID", the same in every hierarchy */
	struct resources resources;
	struct spec_device *devices;
	size_t n_devices;
	char **masked_paths, **readonly_paths;
	char **sysctl;        /* "key=value" */
	char *seccomp;        /* "unconfined", or the path of a profile in Docker's format */
	bool seccomp_log;     /* the kernel logs what the filter refuses */
	bool init;            /* tare-init stays as process 1 and reaps */
	bool cgroup_writable; /* privileged: /sys/fs/cgroup is mounted rw */
	json *annotations;    /* object or NULL */
};

/* clang-format off */
#define RUNTIME_SPEC_INIT {.umask = 022}
/* clang-format on */

void runtime_spec_free(struct runtime_spec *s);
/* A zeroed new element, or NULL when memory is short. source_fd starts at -1. */
struct spec_mount *runtime_spec_add_mount(struct runtime_spec *s);
struct spec_device *runtime_spec_add_device(struct runtime_spec *s);
int runtime_spec_add_rlimit(struct runtime_spec *s, struct spec_rlimit r);

/* A new OCI document, the caller's to put; NULL when memory is short. */
json *runtime_spec_to_json(const struct runtime_spec *s);
/* The reverse; unknown members are ignored. */
int runtime_spec_from_json(json *j, struct runtime_spec *s, struct err *e);

#endif
