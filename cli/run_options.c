#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include "cli/run_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"

/* ------------------------------------------------------------------ values with a grammar of their own */

/* `parse` of an option row for each parser of the engine that fills the request. */
#define REQUEST_PARSER(name, parser)                                                                         \
	static int name(void *options, const char *text, struct err *e)                                      \
	{                                                                                                    \
		return parser(&((struct run_options *)options)->create, text, e);                            \
	}
REQUEST_PARSER(parse_volume, tare_parse_volume)
REQUEST_PARSER(parse_mount, tare_parse_mount)
REQUEST_PARSER(parse_tmpfs, tare_parse_tmpfs)
REQUEST_PARSER(parse_device, tare_parse_device)
REQUEST_PARSER(parse_device_rule, tare_parse_device_rule)
REQUEST_PARSER(parse_ulimit, tare_parse_ulimit)
REQUEST_PARSER(parse_annotation, tare_parse_annotation)
REQUEST_PARSER(parse_log_opt, tare_parse_log_opt)
REQUEST_PARSER(parse_add_host, tare_parse_add_host)
REQUEST_PARSER(parse_network, tare_parse_network)
REQUEST_PARSER(parse_ip, tare_parse_ip)
REQUEST_PARSER(parse_mac, tare_parse_mac)
REQUEST_PARSER(parse_network_alias, tare_parse_network_alias)
REQUEST_PARSER(parse_publish, tare_parse_publish)
REQUEST_PARSER(parse_expose, tare_parse_expose)
REQUEST_PARSER(parse_health_cmd, tare_parse_health_cmd)
REQUEST_PARSER(parse_health_retries, tare_parse_health_retries)
REQUEST_PARSER(parse_userns, tare_parse_userns)
REQUEST_PARSER(parse_uid_map, tare_parse_uid_map)
REQUEST_PARSER(parse_gid_map, tare_parse_gid_map)

#define IO_PARSER(name, kind)                                                                                \
	static int name(void *options, const char *text, struct err *e)                                      \
	{                                                                                                    \
		return tare_parse_io_limit(                                                                  \
		        &((struct run_options *)options)->create.resources, kind, text, e);                  \
	}
IO_PARSER(parse_read_bps, IO_READ_BPS)
IO_PARSER(parse_write_bps, IO_WRITE_BPS)
IO_PARSER(parse_read_iops, IO_READ_IOPS)
IO_PARSER(parse_write_iops, IO_WRITE_IOPS)
IO_PARSER(parse_io_weight, IO_WEIGHT)

static int parse_cpus(void *options, const char *text, struct err *e)
{
	struct run_options *o = options;

	o->cpus_given = true;
	return tare_parse_cpus(&o->create.resources, text, e);
}

static int parse_cpu_percent(void *options, const char *text, struct err *e)
{
	struct run_options *o = options;

	o->cpus_given = true;
	return tare_parse_cpu_percent(&o->create.resources, text, e);
}

static int parse_cpu_quota(void *options, const char *text, struct err *e)
{
	struct resources *r = &((struct run_options *)options)->create.resources;

	if (strcmp(text, "-1") == 0) {
		r->cpu_quota_us = -1;
		return 0;
	}
	return int_parse(text, 1000, INT64_C(1000000000000), "number of microseconds", &r->cpu_quota_us, e);
}

static int parse_unlimited(int64_t *bytes, const char *text, struct err *e)
{
	if (strcmp(text, "-1") != 0)
		return size_parse_unlimited(text, bytes, e);
	*bytes = -1;
	return 0;
}

static int parse_memory_swap(void *options, const char *text, struct err *e)
{
	return parse_unlimited(&((struct run_options *)options)->create.resources.memory_swap, text, e);
}

static int parse_memory(void *options, const char *text, struct err *e)
{
	return parse_unlimited(&((struct run_options *)options)->create.resources.memory, text, e);
}

static int parse_reservation(void *options, const char *text, struct err *e)
{
	return parse_unlimited(
	        &((struct run_options *)options)->create.resources.memory_reservation, text, e);
}

static int parse_swappiness(void *options, const char *text, struct err *e)
{
	struct resources *r = &((struct run_options *)options)->create.resources;
	int64_t v;

	if (int_parse(text, -1, 100, "percentage", &v, e) < 0)
		return -1;
	r->swappiness = v + 1; /* -1 is Docker's "not asked", 0 here */
	return 0;
}

static int parse_pids_limit(void *options, const char *text, struct err *e)
{
	struct resources *r = &((struct run_options *)options)->create.resources;
	int64_t v;

	if (int_parse(text, -1, 4194304, "number of processes", &v, e) < 0) /* the kernel's PID_MAX_LIMIT */
		return -1;
	r->pids = v ? v : -1;
	return 0;
}

static int parse_blkio_weight(void *options, const char *text, struct err *e)
{
	int64_t v;

	if (int_parse(text, 10, 1000, "weight", &v, e) < 0)
		return -1;
	((struct run_options *)options)->create.resources.blkio_weight = (uint16_t)v;
	return 0;
}

static int parse_stop_timeout(void *options, const char *text, struct err *e)
{
	int64_t v;

	if (int_parse(text, -1, INT32_MAX, "number of seconds", &v, e) < 0)
		return -1;
	((struct run_options *)options)->create.stop_timeout = (int)v;
	return 0;
}

static int parse_restart(void *options, const char *text, struct err *e)
{
	struct run_options *o = options;
	struct tare_create *c = &o->create;

	o->restart_given = true;
	return tare_parse_restart(text, &c->restart, &c->restart_max, e);
}

static int parse_start_period(void *options, const char *text, struct err *e)
{
	struct run_options *o = options;
	int64_t *period = &o->create.health.start_period;

	if (duration_parse(text, period, e) < 0)
		return -1;
	o->no_start_period = !*period;
	return 0;
}

static int parse_health_action(void *options, const char *text, struct err *e)
{
	struct run_options *o = options;

	o->health_action_given = true;
	return tare_parse_health_action(text, &o->create.health_on_failure, e);
}

static int parse_oom_score_adj(void *options, const char *text, struct err *e)
{
	struct run_options *o = options;
	int64_t v;

	if (int_parse(text, -1000, 1000, "score", &v, e) < 0)
		return -1;
	o->create.oom_score_adj = (int)v;
	o->create.has_oom_score_adj = true;
	return 0;
}

/* "" takes the image's entrypoint away. */
static int parse_entrypoint(void *options, const char *text, struct err *e)
{
	struct run_options *o = options;

	strv_free_ptr(&o->create.entrypoint);
	o->create.has_entrypoint = true;
	if (*text && strv_add(&o->create.entrypoint, text) < 0)
		return err_no_memory(e);
	return 0;
}

static int parse_ip6(void *options, const char *text, struct err *e)
{
	if (!strchr(text, ':'))
		return err_set(e, ERR_USAGE, "invalid IPv6 address \"%s\": write one like fd00::5", text);
	return parse_ip(options, text, e);
}

static int parse_dns(void *options, const char *text, struct err *e)
{
	struct run_options *o = options;

	if (tare_parse_address(text, e) < 0)
		return -1;
	return strv_add(&o->create.dns, text) < 0 ? err_no_memory(e) : 0;
}

static int parse_attach(void *options, const char *text, struct err *e)
{
	struct run_options *o = options;
	static const char *const streams[] = {"stdin", "stdout", "stderr", NULL};

	if (!strv_has((char *const *)streams, text))
		return err_set(e, ERR_USAGE, "unknown stream \"%s\"; one of stdin, stdout, stderr", text);
	return strv_add(&o->attach, text) < 0 ? err_no_memory(e) : 0;
}

static int parse_pull(void *options, const char *text, struct err *e)
{
	static const char *const policies[] = {
	        [TARE_PULL_MISSING] = "missing",
	        [TARE_PULL_ALWAYS] = "always",
	        [TARE_PULL_NEWER] = "newer",
	        [TARE_PULL_NEVER] = "never",
	};

	for (unsigned i = 0; i < sizeof(policies) / sizeof(*policies); i++)
		if (strcmp(text, policies[i]) == 0) {
			((struct run_options *)options)->create.pull = (enum tare_pull)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "unknown policy \"%s\"; one of missing, always, newer, never", text);
}

/* ------------------------------------------------------------------ the rows */

#define OPTIONS struct run_options
/* Those that an update can change as well. */
#define HEALTH_ROWS                                                                                          \
	OPT_CALL("health-cmd", 0, parse_health_cmd, "COMMAND", "none",                                       \
	        "Command that tells by exit code 0 that it is healthy: for the shell, or [\"CMD\",…]"),      \
	        OPT_DURATION("health-interval", 0, create.health.interval,                                   \
	                "Time between two probes (default 30s)"),                                            \
	        OPT_DURATION("health-timeout", 0, create.health.timeout,                                     \
	                "Time after which a probe has failed (default 30s)"),                                \
	        OPT_CALL("health-retries", 0, parse_health_retries, "NUMBER", "none",                        \
	                "Failures in a row that make it unhealthy (default 3)"),                             \
	        OPT_CALL("health-start-period", 0, parse_start_period, "TIME", "none",                       \
	                "Time to start in, when failures do not count (default 0s)"),                        \
	        OPT_DURATION("health-start-interval", 0, create.health.start_interval,                       \
	                "Time between two probes meanwhile (default 5s)"),                                   \
	        OPT_CALL("health-on-failure", 0, parse_health_action, "ACTION", "none kill restart stop",    \
	                "What to do when it becomes unhealthy: none (default), kill, restart, stop")
#define LIMIT_ROWS                                                                                           \
	OPT_CALL("memory-swap", 0, parse_memory_swap, "SIZE", "none",                                        \
	        "Memory and swap together; -1 for unlimited swap"),                                          \
	        OPT_CALL("memory-swappiness", 0, parse_swappiness, "PERCENT", "none",                        \
	                "Willingness to swap, 0 to 100"),                                                    \
	        OPT_CALL("cpus", 0, parse_cpus, "NUMBER", "none", "CPUs, as in 0.5; 0 for unlimited"),       \
	        OPT_CALL("cpu", 0, parse_cpu_percent, "PERCENT", "none",                                     \
	                "CPU time in percent of one core, as in 20"),                                        \
	        OPT_INT("cpu-shares", 'c', create.resources.cpu_shares, 2, 262144, "SHARES",                 \
	                "Weight against others (default 1024)"),                                             \
	        OPT_CALL("cpu-quota", 0, parse_cpu_quota, "MICROSECONDS", "none",                            \
	                "CPU time per period; -1 for unlimited"),                                            \
	        OPT_INT("cpu-period", 0, create.resources.cpu_period_us, 1000, 1000000, "MICROSECONDS",      \
	                "Period of the quota (default 100000)"),                                             \
	        OPT_COPY("cpuset-cpus", 0, create.resources.cpuset_cpus, "LIST", "none",                     \
	                "CPUs that it may use, as in 0-2,4"),                                                \
	        OPT_COPY("cpuset-mems", 0, create.resources.cpuset_mems, "LIST", "none",                     \
	                "Memory nodes that it may use"),                                                     \
	        OPT_CALL("pids-limit", 0, parse_pids_limit, "NUMBER", "none",                                \
	                "Processes and threads; -1 for unlimited"),                                          \
	        OPT_CALL("blkio-weight", 0, parse_blkio_weight, "WEIGHT", "none",                            \
	                "Weight of its disk access, 10 to 1000"),                                            \
	        OPT_CALL("blkio-weight-device", 0, parse_io_weight, "DEVICE:WEIGHT", "files",                \
	                "The same for one device"),                                                          \
	        OPT_CALL("device-read-bps", 0, parse_read_bps, "DEVICE:SIZE", "files",                       \
	                "Bytes read per second, as in /dev/sda:1mb"),                                        \
	        OPT_CALL("device-write-bps", 0, parse_write_bps, "DEVICE:SIZE", "files",                     \
	                "Bytes written per second"),                                                         \
	        OPT_CALL("device-read-iops", 0, parse_read_iops, "DEVICE:NUMBER", "files",                   \
	                "Reads per second"),                                                                 \
	        OPT_CALL("device-write-iops", 0, parse_write_iops, "DEVICE:NUMBER", "files",                 \
	                "Writes per second")
#define RESTART_ROW                                                                                          \
	OPT_CALL("restart", 0, parse_restart, "POLICY", "no on-failure on-failure:5 always unless-stopped",  \
	        "What follows its end: no (default), on-failure[:TIMES], always, unless-stopped")

const struct option run_option_rows[] = {
        OPT_SECTION("Run"),
        OPT_FLAG("detach", 'd', detach, "Run in the background and print the id"),
        OPT_FLAG("sig-proxy", 0, sig_proxy, "Pass signals on to the container (default true)"),
        OPT_STRING("detach-keys", 0, detach_keys, "KEYS", "none",
                "Keys that detach: ctrl-p,ctrl-q by default, \"\" for none"),

        OPT_SECTION("Container"),
        OPT_COPY("name", 0, create.name, "NAME", "none", "Name of the container; one is made up otherwise"),
        OPT_COPY("image", 0, create.image, "IMAGE", "images", "The image, instead of the first operand"),
        OPT_COPY("rootfs", 0, create.rootfs, "DIR", "directories",
                "Use DIR as root file system; it is never written to"),
        OPT_FLAG("rm", 0, create.auto_remove, "Remove the container when it ends"),
        OPT_FLAG("interactive", 'i', create.interactive, "Connect standard input"),
        OPT_FLAG("tty", 't', create.tty, "Give it a terminal"),
        OPT_CALL("attach", 'a', parse_attach, "STREAM", "stdin stdout stderr",
                "Connect only STREAM: stdin, stdout, stderr"),
        OPT_LIST("label", 'l', labels, "KEY=VALUE", "none", "Set a label"),
        OPT_LIST("label-file", 0, label_files, "FILE", "files", "Read labels from FILE, one a line"),
        OPT_CALL("annotation", 0, parse_annotation, "KEY=VALUE", "none", "Set an OCI annotation"),
        OPT_STRING("cidfile", 0, cidfile, "FILE", "files", "Write the id to FILE"),
        OPT_CALL("pull", 0, parse_pull, "POLICY", "missing always newer never",
                "When to pull the image: missing (default), always, newer or never"),
        OPT_COPY("platform", 0, create.platform, "OS/ARCH[/VARIANT]",
                "linux/amd64 linux/arm64 linux/arm/v7 linux/386 linux/riscv64",
                "Platform of the image (default: that of this host)"),
        OPT_FLAG("quiet", 'q', create.quiet_pull, "Show no progress of a pull"),

        OPT_SECTION("Process"),
        OPT_LIST("env", 'e', env, "NAME=VALUE", "none",
                "Set a variable; NAME alone takes the value from here"),
        OPT_LIST("env-file", 0, env_files, "FILE", "files", "Read variables from FILE, one a line"),
        OPT_COPY("user", 'u', create.user, "USER[:GROUP]", "none", "Run as this user, by name or number"),
        OPT_LIST("group-add", 0, create.groups, "GROUP", "none", "Add a further group"),
        OPT_COPY("workdir", 'w', create.workdir, "DIR", "none", "Working directory"),
        OPT_CALL("entrypoint", 0, parse_entrypoint, "COMMAND", "none",
                "Replace the entrypoint of the image; \"\" for none"),
        OPT_FLAG("init", 0, create.init, "Run a small init as process 1, which reaps children"),
        OPT_COPY("stop-signal", 0, create.stop_signal, "SIGNAL", "signals", "Signal that stops it"),
        OPT_CALL("stop-timeout", 0, parse_stop_timeout, "SECONDS", "none",
                "Time to obey before it is killed (default 10, -1 for ever)"),
        OPT_CALL("ulimit", 0, parse_ulimit, "NAME=SOFT[:HARD]",
                "nofile= nproc= core= stack= memlock=", "Set a resource limit, as in nofile=1024:2048"),
        OPT_CALL("oom-score-adj", 0, parse_oom_score_adj, "SCORE", "none",
                "Preference of the kernel when memory runs out, -1000 to 1000"),

        OPT_SECTION("Files"),
        OPT_CALL("volume", 'v', parse_volume, "SOURCE:TARGET[:OPTIONS]", "directories",
                "Mount a volume or bind a directory; options ro, nocopy, idmap, U, rshared, …"),
        OPT_CALL("mount", 0, parse_mount, "type=…,source=…,target=…",
                "type=bind,source= type=volume,source= type=volume,volume-subpath= type=volume,volume-opt= "
                "type=tmpfs,target=",
                "Mount with all details: bind, volume (or a part of one) or tmpfs"),
        OPT_LIST("volumes-from", 0, create.volumes_from, "CONTAINER[:ro]", "containers",
                "Mount what another container mounts"),
        OPT_CALL("tmpfs", 0, parse_tmpfs, "TARGET[:OPTIONS]", "none", "Mount a tmpfs, as in /run:size=64m"),
        OPT_SIZE("shm-size", 0, create.shm_size, "Size of /dev/shm (default 64m)"),
        OPT_FLAG("read-only", 0, create.read_only, "Make the root file system read-only"),
        OPT_CALL("device", 0, parse_device, "DEVICE[:TARGET][:rwm]", "files", "Give a device of the host"),
        OPT_CALL("device-cgroup-rule", 0, parse_device_rule, "RULE", "none",
                "Allow devices by number, as in \"c 1:3 mr\""),

        OPT_SECTION("Network and namespaces"),
        OPT_CALL("network", 0, parse_network, "NETWORK", "network-modes",
                "Be in this network (several times: in all of them; name=…,ip=…,alias=… for each), or none, "
                "host, "
                "container:NAME"),
        OPT_ALIAS("net", 0, "network"),
        OPT_CALL("network-alias", 0, parse_network_alias, "NAME", "none",
                "A further name in the first network; several containers may share it"),
        OPT_ALIAS("net-alias", 0, "network-alias"),
        OPT_CALL("ip", 0, parse_ip, "ADDRESS", "none", "Its IPv4 address in the first network"),
        OPT_CALL("ip6", 0, parse_ip6, "ADDRESS", "none", "Its IPv6 address in the first network"),
        OPT_CALL("mac-address", 0, parse_mac, "MAC", "none",
                "Its link address in the first network, as in 02:00:00:00:00:05"),
        OPT_CALL("publish", 'p', parse_publish, "[IP:][HOST:]PORT[/udp]", "none",
                "Make a port reachable at this host, as in 8080:80; ranges too"),
        OPT_FLAG("publish-all", 'P', create.publish_all, "Publish every exposed port on a free one"),
        OPT_COPY("publish-group", 0, create.publish_group, "NAME", "none",
                "Share the published ports with the other containers of this group"),
        OPT_CALL("expose", 0, parse_expose, "PORT[/udp]", "none", "A port that it listens on, for -P"),
        OPT_COPY("hostname", 'h', create.hostname, "NAME", "none",
                "Name of the host inside (default: the short id)"),
        OPT_COPY("domainname", 0, create.domainname, "NAME", "none", "NIS domain name inside"),
        OPT_CALL("add-host", 0, parse_add_host, "HOST:ADDRESS", "none", "Add a line to /etc/hosts"),
        OPT_CALL("dns", 0, parse_dns, "ADDRESS", "none", "Name server"),
        OPT_LIST("dns-search", 0, create.dns_search, "DOMAIN", "none", "Search domain of the name service"),
        OPT_LIST("dns-option", 0, create.dns_options, "OPTION", "none", "Option of /etc/resolv.conf"),
        OPT_ALIAS("dns-opt", 0, "dns-option"),
        OPT_COPY("pid", 0, create.pid_mode, "MODE",
                "host private container:", "Process namespace: private (default), host or container:NAME"),
        OPT_COPY("ipc", 0, create.ipc_mode, "MODE", "none private shareable host container:",
                "IPC namespace: private (default), shareable, none, host or container:NAME"),
        OPT_COPY("uts", 0, create.uts_mode, "MODE", "host private",
                "Host name namespace: private (default) or host"),
        OPT_CALL("userns", 0, parse_userns, "MODE", "auto auto:size= keep-id keep-id:uid= nomap host",
                "User namespace: auto[:size=N,uidmapping=MAP,gidmapping=MAP] (ids of its own, chosen), "
                "keep-id[:uid=N,gid=N] (each id is itself), host (default) or a map such as 0:100000:65536"),
        OPT_CALL("uidmap", 0, parse_uid_map, "CONTAINER:HOST:SIZE", "none",
                "Which users of the host its users are, as in 0:100000:65536; good for groups too "
                "without --gidmap"),
        OPT_CALL("gidmap", 0, parse_gid_map, "CONTAINER:HOST:SIZE", "none", "The same for groups"),
        OPT_COPY("cgroupns", 0, create.cgroupns_mode, "MODE", "host private",
                "Cgroup namespace: private (default) or host"),
        OPT_LIST("sysctl", 0, create.sysctls, "NAME=VALUE", "none",
                "Set a kernel parameter of its namespaces"),

        OPT_SECTION("Limits"),
        OPT_SIZE("memory", 'm', create.resources.memory, "Memory, as in 256m or 1g"),
        OPT_SIZE("memory-reservation", 0, create.resources.memory_reservation,
                "Memory that is left to it when the host runs short"),
        LIMIT_ROWS,
        OPT_FLAG("oom-kill-disable", 0, create.resources.oom_kill_disable,
                "Stop it instead of killing when memory runs out (cgroup v1)"),
        OPT_COPY(
                "cgroup-parent", 0, create.cgroup_parent, "CGROUP", "none", "Make its cgroup below this one"),

        OPT_SECTION("Security"),
        OPT_COPY("security-profile", 0, create.security_profile, "PROFILE", "default restricted privileged",
                "default, restricted, privileged or a file"),
        OPT_FLAG("privileged", 0, create.privileged, "Give all capabilities and devices"),
        OPT_LIST("cap-add", 0, create.cap_add, "CAPABILITY",
                "ALL NET_ADMIN NET_RAW SYS_ADMIN SYS_PTRACE SYS_TIME SYS_NICE", "Add a capability"),
        OPT_LIST("cap-drop", 0, create.cap_drop, "CAPABILITY",
                "ALL CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID "
                "SETPCAP SETUID SYS_CHROOT AUDIT_WRITE",
                "Drop a capability"),
        OPT_LIST("security-opt", 0, create.security_opts, "OPTION",
                "seccomp=unconfined no-new-privileges=false systempaths=unconfined apparmor=unconfined "
                "seccomp-log mask= unmask=ALL label=disable",
                "seccomp=FILE|unconfined, apparmor=NAME|unconfined, no-new-privileges[=false], mask=PATH, …"),

        OPT_SECTION("Restart and health"),
        RESTART_ROW,
        HEALTH_ROWS,
        OPT_FLAG("no-healthcheck", 0, no_health, "Leave out the health check of the image"),

        OPT_SECTION("Log"),
        OPT_COPY("log-driver", 0, create.log_driver, "DRIVER", "cri none", "cri (default) or none"),
        OPT_CALL("log-opt", 0, parse_log_opt, "NAME=VALUE",
                "max-size= max-file=", "max-size=SIZE and max-file=NUMBER rotate the log"),
        OPTION_END,
};

const struct option update_option_rows[] = {
        OPT_CALL("memory", 'm', parse_memory, "SIZE", "none", "Memory, as in 256m or 1g; -1 for unlimited"),
        OPT_CALL("memory-reservation", 0, parse_reservation, "SIZE", "none",
                "Memory that is left to it when the host runs short; -1 for none"),
        LIMIT_ROWS,
        RESTART_ROW,
        HEALTH_ROWS,
        OPT_FLAG("no-healthcheck", 0, no_health, "Check its health no more"),
        OPTION_END,
};
#undef OPTIONS

void run_options_init(void *options)
{
	struct run_options *o = options;

	tare_create_init(&o->create);
	o->sig_proxy = true;
}

void run_options_fini(void *options)
{
	struct run_options *o = options;

	strv_free_ptr(&o->attach);
	tare_create_free(&o->create);
}

/* ------------------------------------------------------------------ the request */

typedef int text_parser(struct tare_create *c, const char *text, struct err *e);

static int each_text(
        struct run_options *o, char *const *texts, text_parser *fn, const char *flag, struct err *e)
{
	strv_foreach (s, texts)
		if (fn(&o->create, *s, e) < 0)
			return err_wrap(e, "%s", flag);
	return 0;
}

/* Files first, whatever the order was: what is said by hand counts more. */
static int add_env_and_labels(struct run_options *o, struct err *e)
{
	if (each_text(o, o->env_files, tare_parse_env_file, "--env-file", e) < 0 ||
	        each_text(o, o->env, tare_parse_env, "--env", e) < 0 ||
	        each_text(o, o->label_files, tare_parse_label_file, "--label-file", e) < 0 ||
	        each_text(o, o->labels, tare_parse_label, "--label", e) < 0)
		return -1;
	return 0;
}

/* The container keeps the path, and the next command may run elsewhere. */
static int resolve_rootfs(struct run_options *o, struct err *e)
{
	char *path;

	if (!o->create.rootfs)
		return 0;
	path = realpath(o->create.rootfs, NULL);
	if (!path)
		return err_sys(e, "cannot use %s as root file system", o->create.rootfs);
	free(o->create.rootfs);
	o->create.rootfs = path;
	return 0;
}

static int check_cpus(const struct run_options *o, struct err *e)
{
	uint64_t period = o->create.resources.cpu_period_us;

	if (o->cpus_given && period && period != 100000)
		return err_set(e, ERR_USAGE, "--cpus and --cpu-period exclude each other; use one of them");
	return 0;
}

static bool is_nothing(const struct tare_update *u)
{
	static const struct resources no_limits;

	return !u->has_restart && !u->has_health_on_failure && !u->no_health_start_period &&
	       memcmp(&u->resources, &no_limits, sizeof no_limits) == 0 && !health_check_is_given(&u->health);
}

int run_options_update(struct run_options *o, struct tare_update *u, struct err *e)
{
	if (o->no_health && tare_no_health(&o->create, e) < 0)
		return -1;
	/* borrowed */
	*u = (struct tare_update){.resources = o->create.resources,
	        .has_restart = o->restart_given,
	        .restart = o->create.restart,
	        .restart_max = o->create.restart_max,
	        .health = o->create.health,
	        .no_health_start_period = o->no_start_period,
	        .has_health_on_failure = o->health_action_given,
	        .health_on_failure = o->create.health_on_failure};
	if (o->cpus_given && !u->resources.cpu_quota_us)
		u->resources.cpu_quota_us = -1; /* --cpus 0 */
	if (is_nothing(u))
		return err_set(e, ERR_USAGE,
		        "nothing to update: give a limit, --restart or a --health- option, as in --memory "
		        "256m");
	return check_cpus(o, e) < 0 ? -1 : tare_check_health(&o->create, e);
}

int run_options_finish(struct run_options *o, char **operands, struct err *e)
{
	struct tare_create *c = &o->create;

	if (!c->image && !c->rootfs && *operands) {
		c->image = strdup(*operands++);
		if (!c->image)
			return err_no_memory(e);
	}
	for (; *operands; operands++)
		if (strv_add(&c->args, *operands) < 0)
			return err_no_memory(e);
	/* A script's empty variable: as if no name was given, as Docker has it. */
	if (c->name && !*c->name) {
		free(c->name);
		c->name = NULL;
	}
	if (check_cpus(o, e) < 0)
		return -1;
	if (c->resources.cpu_quota_us < 0) /* none is what it has without a word */
		c->resources.cpu_quota_us = 0;
	if (o->detach_keys) {
		c->detach_keys = strdup(o->detach_keys);
		if (!c->detach_keys)
			return err_no_memory(e);
	}
	if (o->no_health && tare_no_health(c, e) < 0)
		return -1;
	if (add_env_and_labels(o, e) < 0 || resolve_rootfs(o, e) < 0)
		return -1;
	return tare_create_check(c, e);
}
