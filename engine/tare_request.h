/* tare_request.h - what is asked of a container: the request that run and create carry out, and the texts of
 * a command line or a form that make it. A part of tare.h, which includes it. */
#ifndef TARE_ENGINE_TARE_REQUEST_H
#define TARE_ENGINE_TARE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "engine/oci/health_check.h"
#include "engine/oci/resources.h"

struct err;

enum tare_mount_kind { TARE_MOUNT_BIND, TARE_MOUNT_VOLUME, TARE_MOUNT_TMPFS };

struct tare_mount {
	enum tare_mount_kind kind;
	char *source; /* host path, or volume name; NULL: an anonymous volume */
	char *target; /* absolute, clean */
	bool read_only;
	bool no_copy;        /* volume: do not fill from the image */
	bool create_source;  /* -v (not --mount): Docker would make a missing host directory; an error here */
	char *propagation;   /* "rprivate" (default), "private", "rshared", "shared", "rslave", "slave" */
	bool non_recursive;  /* bind instead of rbind */
	uint64_t tmpfs_size; /* bytes, 0 = half of memory */
	unsigned tmpfs_mode; /* octal, 0 = 1777 */
	char **tmpfs_options;                   /* further ones of --tmpfs: "noexec", "nosuid", … */
	char *subpath;                          /* volume: what of it, relative to its root; NULL: all */
	char **volume_options, **volume_labels; /* "KEY=VALUE": of a volume that is made for this */
	bool make_source;                       /* bind: make a directory that is missing */
	bool submounts_writable;                /* bind: read_only is about its top only */
	/* With a user namespace: owners on disk are those inside, or the host's, which are mostly nobody
	 * inside. As usual: a volume's are those inside, those of a directory of the host the host's. */
	enum tare_id_mapping { TARE_IDS_AS_USUAL, TARE_IDS_MAPPED, TARE_IDS_OF_HOST } ids;
	bool chown; /* give all that is in it to the container's user */
};

struct tare_device {
	char *host_path, *container_path;
	char access[4]; /* "rwm" */
};

struct tare_ulimit {
	int resource;        /* RLIMIT_… */
	uint64_t soft, hard; /* UINT64_MAX = unlimited */
};

#define TARE_ENDPOINTS_MAX 16   /* networks of one container */
#define TARE_PORTS_MAX     4096 /* published or exposed by one container */

/* A network that a container is to be in. All strings owned, NULL: not asked for. */
struct tare_endpoint {
	char *network; /* name or id; "bridge" is the default one */
	bool unnamed;  /* for the parsers: made by --ip before any --network; "bridge" until one comes */
	char *ip, *ip6, *mac;
	char **aliases; /* further names within this network */
};
void tare_endpoint_free(struct tare_endpoint *p);

/* A port that is published: on this host, and in the container. */
struct tare_publish {
	int protocol;  /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
	char *host_ip; /* NULL: all addresses, both families */
	/* 0, 0: any free one; a range: the first free one of it; a single port stands in both */
	uint16_t host_port, host_port_to;
	uint16_t container_port;
};

/* What happens when a container ends by itself. */
enum tare_restart {
	TARE_RESTART_NO,
	TARE_RESTART_ON_FAILURE,     /* an exit code but 0, restart_max times (0: without end) */
	TARE_RESTART_ALWAYS,         /* at boot also when it was stopped by hand */
	TARE_RESTART_UNLESS_STOPPED, /* at boot not then */
};
const char *tare_restart_name(enum tare_restart r); /* "no", "on-failure", "always", "unless-stopped" */
/* --restart no|on-failure[:N]|always|unless-stopped */
int tare_parse_restart(const char *text, enum tare_restart *policy, unsigned *max, struct err *e);

enum tare_health { TARE_HEALTH_NONE, TARE_HEALTH_STARTING, TARE_HEALTH_HEALTHY, TARE_HEALTH_UNHEALTHY };
const char *tare_health_name(enum tare_health h); /* "none", "starting", "healthy", "unhealthy" */
/* What happens when a container becomes unhealthy. */
enum tare_health_action {
	TARE_HEALTH_DO_NOTHING,
	TARE_HEALTH_KILL,
	TARE_HEALTH_RESTART, /* whatever the restart policy */
	TARE_HEALTH_STOP,
};
const char *tare_health_action_name(enum tare_health_action a); /* "none", "kill", "restart", "stop" */
int tare_parse_health_action(const char *text, enum tare_health_action *a, struct err *e);

/* A request for a container, as the run and create commands or a form fill it in. Start from
 * tare_create_init(). Everything is owned by the struct; tare_create_free() frees it. */
/* When the image comes from a registry. */
enum tare_pull {
	TARE_PULL_MISSING, /* when it is neither here nor shipped */
	TARE_PULL_ALWAYS,  /* what the name is there now */
	TARE_PULL_NEWER,   /* the same, unless the registry cannot be asked and it is here */
	TARE_PULL_NEVER,
};

struct tare_create {
	char *image;    /* reference, or NULL with rootfs */
	char *platform; /* of the image: "OS/ARCH[/VARIANT]", NULL: this host's */
	enum tare_pull pull;
	bool quiet_pull;   /* without progress on standard error */
	char *rootfs;      /* host directory used as read-only lower layer */
	char **args;       /* command; replaces the image's Cmd when not empty */
	char **entrypoint; /* replaces the image's; with has_entrypoint and empty: none */
	bool has_entrypoint;
	char *name, *hostname, *domainname;
	char **env;                 /* "K=V", complete; a bare "K" removes the image's */
	json *labels, *annotations; /* objects of strings, or NULL */
	char *user;
	char **groups;
	char *workdir;
	struct tare_mount *mounts;
	size_t n_mounts;
	char **volumes_from; /* refs with optional ":ro" */
	struct tare_device *devices;
	size_t n_devices;
	struct tare_ulimit *ulimits;
	size_t n_ulimits;
	struct resources resources;
	uint64_t shm_size; /* bytes, 0 = 64 MiB */
	bool read_only, init, privileged, tty, interactive, auto_remove;
	char *stop_signal; /* NULL: the image's or SIGTERM */
	int stop_timeout;  /* seconds, -1 for ever, TARE_TIMEOUT_DEFAULT */
	char **add_hosts, **dns, **dns_search, **dns_options;
	/* NULL: the default network, unless there are endpoints. "none", "host", "container:REF"; names of
	 * networks are endpoints */
	char *network;
	struct tare_endpoint *endpoints; /* the first has the default route */
	size_t n_endpoints;
	struct tare_publish *publish;
	size_t n_publish;
	bool publish_all;    /* -P: every exposed port on a free one */
	char **expose;       /* "80/tcp", beside the image's */
	char *publish_group; /* share the published ports with the other members of this group */
	char *pid_mode, *ipc_mode, *uts_mode, *cgroupns_mode, *userns_mode;
	char *cgroup_parent;
	char **cap_add, **cap_drop;
	char **security_opts; /* "seccomp=FILE|unconfined", "no-new-privileges[=bool]", "apparmor=…", … */
	char *security_profile; /* NULL, "default", "restricted", "privileged", or a file */
	char **sysctls;         /* "k=v" */
	int oom_score_adj;
	bool has_oom_score_adj;
	char *log_driver;      /* NULL or "cri" (also "json-file", "k8s-file", "local"), "none" */
	uint64_t log_max_size; /* bytes, 0 = never rotate */
	unsigned log_max_files;
	char *detach_keys; /* recorded default for attach; NULL: "ctrl-p,ctrl-q"; "": off */
	enum tare_restart restart;
	unsigned restart_max;
	struct health_check health; /* over the image's; {"NONE"}: none */
	enum tare_health_action health_on_failure;
	/* User namespace: userns_mode NULL or as engine/userns_mode.h has it; a map in it is good for both.
	 * "CONTAINER:HOST:SIZE" each. */
	char **uid_maps, **gid_maps;
};

#define TARE_TIMEOUT_DEFAULT (-2)

void tare_create_init(struct tare_create *c);
void tare_create_free(struct tare_create *c);

/* One text of the command line into the request; each quotes the bad part and shows a right one.
 * The dashboard's form and the command line use the same ones (engine/request.c). */
int tare_parse_volume(struct tare_create *c, const char *text, struct err *e); /* -v  [SRC:]DST[:opts] */
int tare_parse_mount(struct tare_create *c, const char *text, struct err *e); /* --mount type=…,target=… */
int tare_parse_tmpfs(struct tare_create *c, const char *text, struct err *e);  /* --tmpfs DST[:opts] */
int tare_parse_device(struct tare_create *c, const char *text, struct err *e); /* --device SRC[:DST[:rwm]] */
int tare_parse_device_rule(struct tare_create *c, const char *text, struct err *e); /* "c 1:3 mr" */
int tare_parse_ulimit(struct tare_create *c, const char *text, struct err *e);      /* nofile=1024[:2048] */
int tare_parse_env(struct tare_create *c, const char *text, struct err *e);         /* K=V, or K: from ours */
int tare_parse_env_file(struct tare_create *c, const char *path, struct err *e);
int tare_parse_label(struct tare_create *c, const char *text, struct err *e);
int tare_parse_label_file(struct tare_create *c, const char *path, struct err *e);
int tare_parse_annotation(struct tare_create *c, const char *text, struct err *e); /* K=V */
int tare_parse_log_opt(struct tare_create *c, const char *text, struct err *e); /* max-size=10m, max-file=3 */
int tare_parse_add_host(struct tare_create *c, const char *text, struct err *e); /* HOST:IP */
int tare_parse_address(const char *text, struct err *e);                         /* an IP address: --dns */
/* --network NAME|none|host|bridge|container:REF, or name=NAME,ip=…,ip6=…,mac-address=…,alias=… */
int tare_parse_network(struct tare_create *c, const char *text, struct err *e);
/* --ip, --ip6, --mac-address, --network-alias: of the first network, whatever comes first on the line; the
 * default one when none is named. */
int tare_parse_ip(struct tare_create *c, const char *text, struct err *e); /* either family */
int tare_parse_mac(struct tare_create *c, const char *text, struct err *e);
int tare_parse_network_alias(struct tare_create *c, const char *text, struct err *e);
/* -p [IP:][HOST[-HOST]:]CTR[-CTR][/tcp|udp|sctp]; [IPv6] in brackets. A range on both sides becomes one row a
 * port. */
int tare_parse_publish(struct tare_create *c, const char *text, struct err *e);
int tare_parse_expose(struct tare_create *c, const char *text, struct err *e); /* 80, 80/udp, 8000-8010/tcp */
/* --ip, --ip6, … of a network that is connected later. */
int tare_endpoint_set_ip(struct tare_endpoint *p, const char *text, struct err *e);
int tare_endpoint_add_alias(struct tare_endpoint *p, const char *text, struct err *e);
/* Docker's documents and texts have "80/tcp": an exposed port. protocol: IPPROTO_… */
int tare_port_parse(const char *text, uint16_t *port, int *protocol, struct err *e);
const char *tare_protocol_name(int protocol); /* "tcp", "udp", "sctp" */
/* /dev/sda:1mb */
int tare_parse_io_limit(struct resources *r, enum io_limit_kind kind, const char *text, struct err *e);
/* --cpus 1.5 and --cpu 150 (percent of one core): quota over the default period. */
int tare_parse_cpus(struct resources *r, const char *text, struct err *e);
int tare_parse_cpu_percent(struct resources *r, const char *text, struct err *e);
/* --health-cmd: a text for the shell, ["CMD","program",…] as in an image, or "none"; "": the image's. */
int tare_parse_health_cmd(struct tare_create *c, const char *text, struct err *e);
int tare_parse_health_retries(struct tare_create *c, const char *text, struct err *e);
int tare_no_health(struct tare_create *c, struct err *e); /* --no-healthcheck, after the others */
/* Whether these, and the restart policy, go together. */
int tare_check_health(const struct tare_create *c, struct err *e);
/* --userns auto[:…]|keep-id[:…]|nomap|host|MAP; --uidmap, --gidmap: CONTAINER:HOST:SIZE, several with commas
 */
int tare_parse_userns(struct tare_create *c, const char *text, struct err *e);
int tare_parse_uid_map(struct tare_create *c, const char *text, struct err *e);
int tare_parse_gid_map(struct tare_create *c, const char *text, struct err *e);
/* The finished request as a whole: what must not meet, what must be there, names of modes. create() asks it
 * first. */
int tare_create_check(const struct tare_create *c, struct err *e);
int tare_name_check(const char *name, struct err *e); /* [a-zA-Z0-9][a-zA-Z0-9_.-]{0,127} */

#endif
