/* What was asked, what the image says and what the security profile allows become one runtime spec. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/rootless.h"
#include "engine/apparmor.h"
#include "engine/engine.h"
#include "engine/host_devices.h"
#include "engine/oci/namespace_mode.h"
#include "engine/runtime/cgroup.h"
#include "engine/runtime/launch.h"
#include "engine/security_profile.h"
#include "engine/user_range.h"

#define PATH_DEFAULT   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define NOFILE_DEFAULT 1048576 /* clipped to our own hard limit; Docker's unit has given this for years */

static int set_str(char **dst, const char *value, struct err *e)
{
	free(*dst);
	*dst = strdup(value);
	return *dst ? 0 : err_no_memory(e);
}

/* ------------------------------------------------------------------ process */

static int append(char ***dst, char *const *src, struct err *e)
{
	strv_foreach (s, src)
		if (strv_add(dst, *s) != 0)
			return err_no_memory(e);
	return 0;
}

/* Docker's rule: a new entrypoint forgets the image's Cmd as well. */
static int build_args(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	const struct tare_create *q = in->request;
	char *const *entrypoint = q->has_entrypoint ? q->entrypoint
	                          : in->image       ? in->image->entrypoint
	                                            : NULL;
	char *const *cmd = strv_len(q->args)                 ? q->args
	                   : !q->has_entrypoint && in->image ? in->image->cmd
	                                                     : NULL;

	if (append(&spec->args, entrypoint, e) != 0 || append(&spec->args, cmd, e) != 0)
		return -1;
	if (!strv_len(spec->args))
		return err_set(e, ERR_USAGE, "no command: %s names none; give one after it",
		        in->image ? "the image" : "--rootfs");
	if (!spec->args[0][0])
		return err_set(e, ERR_NO_COMMAND, "the command is an empty text");
	return 0;
}

static size_t key_length(const char *env)
{
	return strcspn(env, "=");
}

/* "K=V" replaces or adds, a bare "K" removes. */
static int env_put(char ***env, const char *entry, struct err *e)
{
	size_t n = key_length(entry);

	for (char **v = *env; v && *v; v++) {
		if (key_length(*v) != n || strncmp(*v, entry, n) != 0)
			continue;
		free(*v);
		if (entry[n] == '=')
			return (*v = strdup(entry)) ? 0 : err_no_memory(e);
		do
			v[0] = v[1];
		while (*++v);
		return 0;
	}
	return entry[n] != '=' || strv_add(env, entry) == 0 ? 0 : err_no_memory(e);
}

static int build_env(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	cleanup_free char *hostname = str_printf("HOSTNAME=%s", spec->hostname);

	if (!hostname || env_put(&spec->env, PATH_DEFAULT, e) != 0 || env_put(&spec->env, hostname, e) != 0)
		return -1;
	if (in->request->tty && env_put(&spec->env, "TERM=xterm", e) != 0)
		return -1;
	strv_foreach (v, in->image ? in->image->env : NULL)
		if (env_put(&spec->env, *v, e) != 0)
			return -1;
	strv_foreach (v, in->request->env)
		if (env_put(&spec->env, *v, e) != 0)
			return -1;
	return 0;
}

static int build_rlimits(const struct tare_create *q, struct runtime_spec *spec, struct err *e)
{
	struct rlimit own;
	bool nofile = false;

	for (size_t i = 0; i < q->n_ulimits; i++) {
		struct spec_rlimit r = {.resource = q->ulimits[i].resource,
		        .soft = q->ulimits[i].soft,
		        .hard = q->ulimits[i].hard};
		if (runtime_spec_add_rlimit(spec, r) != 0)
			return err_no_memory(e);
		nofile = nofile || r.resource == RLIMIT_NOFILE;
	}
	if (nofile || getrlimit(RLIMIT_NOFILE, &own) != 0)
		return 0;
	uint64_t n = own.rlim_max < NOFILE_DEFAULT ? own.rlim_max : NOFILE_DEFAULT;
	return runtime_spec_add_rlimit(
	               spec, (struct spec_rlimit){.resource = RLIMIT_NOFILE, .soft = n, .hard = n})
	               ? err_no_memory(e)
	               : 0;
}

static int parse_caps(char *const *names, const char *flag, uint64_t *mask, struct err *e)
{
	*mask = 0;
	strv_foreach (n, names) {
		uint64_t bit = capability_parse(*n);
		if (!bit)
			return err_set(e, ERR_USAGE,
			        "%s \"%s\": no such capability; for example NET_ADMIN or ALL", flag, *n);
		*mask |= bit;
	}
	return 0;
}

/* Docker's order: ALL in add, minus the drops, plus the named adds. */
static int build_caps(const struct tare_create *q, uint64_t base, struct runtime_spec *spec, struct err *e)
{
	uint64_t add, drop;

	if (parse_caps(q->cap_add, "--cap-add", &add, e) != 0 ||
	        parse_caps(q->cap_drop, "--cap-drop", &drop, e) != 0)
		return -1;
	uint64_t caps = add == CAPABILITY_ALL ? CAPABILITY_ALL & ~drop : (base & ~drop) | add;
	caps &= capability_bounding();
	spec->caps = (struct spec_capabilities){.bounding = caps, .effective = caps, .permitted = caps};
	return 0;
}

/* ------------------------------------------------------------------ namespaces */

static int build_namespace(const struct store *s, enum spec_namespace_kind kind, const char *value,
        struct runtime_spec *spec, struct err *e)
{
	struct spec_namespace *ns = &spec->ns[kind];
	const char *ref;
	char id[TARE_ID_LEN + 1];

	if (namespace_mode_parse(kind, value, &ns->mode, &ref, e) != 0)
		return -1;
	if (!ref)
		return 0;
	/* kept with the full id; the process is looked up at each start */
	if (container_resolve(s, ref, id, e) != 0)
		return err_wrap(e, "%s %s", namespace_mode_flag(kind), value);
	ns->path = str_printf("container:%s", id);
	return ns->path ? 0 : err_no_memory(e);
}

static int build_namespaces(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	const struct tare_create *q = in->request;
	const struct {
		enum spec_namespace_kind kind;
		const char *value;
	} asked[] = {{NS_NETWORK, q->network}, {NS_PID, q->pid_mode}, {NS_IPC, q->ipc_mode},
	        {NS_UTS, q->uts_mode}, {NS_CGROUP, q->cgroupns_mode}};

	spec->ns[NS_MOUNT].mode = NS_PRIVATE;
	spec->ns[NS_USER].mode = NS_HOST;
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
		if (build_namespace(in->store, asked[i].kind, asked[i].value, spec, e) != 0)
			return -1;
	return 0;
}

static int build_hostname(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	const struct tare_create *q = in->request;
	char host[256] = "";

	if (q->hostname && spec->ns[NS_UTS].mode == NS_HOST)
		return err_set(e, ERR_USAGE, "--hostname cannot be used with --uts host");
	if (spec->ns[NS_UTS].mode == NS_HOST || (!q->hostname && spec->ns[NS_NETWORK].mode == NS_HOST)) {
		gethostname(host, sizeof host - 1);
		return set_str(&spec->hostname, host, e);
	}
	snprintf(host, sizeof host, "%.12s", in->id);
	if (q->domainname && set_str(&spec->domainname, q->domainname, e) != 0)
		return -1;
	return set_str(&spec->hostname, q->hostname ? q->hostname : host, e);
}

/* ------------------------------------------------------------------ security */

/* The label of the process. Without a word about it ours is used where it can be had; a privileged container
 * has none. */
static int build_label(struct security_profile *p, struct runtime_spec *spec, struct err *e)
{
	if (p->apparmor && !strcmp(p->apparmor, "unconfined"))
		return 0;
	spec->apparmor_optional = !p->apparmor;
	spec->apparmor = p->apparmor ? steal_ptr(&p->apparmor) : strdup(APPARMOR_OURS);
	return spec->apparmor ? 0 : err_no_memory(e);
}

/* A profile's own range is given up, with a word, where the kernel has none to give; what the command line
 * asks for (--userns) is not. */
static const char *profile_users(const struct spec_input *in, const struct security_profile *p)
{
	const struct tare_create *q = in->request;
	bool asked = q->userns_mode || q->uid_maps || q->gid_maps;

	if (asked || !p->userns || strncmp(p->userns, "auto", 4) || user_range_possible(in->store))
		return p->userns;
	log_line(LOG_LEVEL_WARN,
	        "security profile %s asks for ids of its own (\"userns\"), which need %s: going without",
	        p->name,
	        rootless() ? "root" : "Linux 5.19, allowed user namespaces and a file system that maps ids");
	return NULL;
}

static int64_t profile_pids(const struct security_profile *p)
{
	if (!p->pids_limit || cgroup_can_limit())
		return p->pids_limit;
	log_line(LOG_LEVEL_WARN,
	        "security profile %s limits processes (\"pidsLimit\"), which needs a cgroup that is "
	        "delegated to "
	        "you: going without",
	        p->name);
	return 0;
}

static int take_profile(
        const struct spec_input *in, struct security_profile *p, struct runtime_spec *spec, struct err *e)
{
	const struct tare_create *q = in->request;

	strv_foreach (o, q->security_opts)
		if (security_option_apply(*o, p, e) != 0)
			return -1;
	if (build_caps(q, p->capabilities, spec, e) != 0 || build_label(p, spec, e) != 0)
		return -1;
	spec->no_new_privileges = p->no_new_privileges;
	spec->root_readonly = q->read_only || p->readonly_rootfs;
	spec->cgroup_writable = p->writable_system;
	spec->seccomp = steal_ptr(&p->seccomp);
	spec->seccomp_log = p->seccomp_log;
	spec->masked_paths = steal_ptr(&p->masked_paths);
	spec->readonly_paths = steal_ptr(&p->readonly_paths);
	if (!spec->resources.pids)
		spec->resources.pids = profile_pids(p);
	if (spec_build_users(in, profile_users(in, p), spec, e) != 0 ||
	        spec_build_mounts(in, spec, p->tmpfs, e) != 0)
		return -1;
	/* of the host's devices an ordinary user's container gets those that are asked for */
	return p->all_devices && !rootless() ? host_devices_all(spec, e) : 0;
}

static int build_security(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	const struct tare_create *q = in->request;
	const char *name = q->security_profile ? q->security_profile : q->privileged ? "privileged" : NULL;
	cleanup_security_profile struct security_profile p;

	return security_profile_load(name, &p, e) != 0 ? -1 : take_profile(in, &p, spec, e);
}

/* ------------------------------------------------------------------ devices */

/* A part of the rights to a device could be kept back by an eBPF program alone, which is root's to load. */
static int check_shown(const struct tare_device *d, mode_t mode, struct err *e)
{
	if (!S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISDIR(mode))
		return err_set(e, ERR_USAGE, "--device %s is not a device; for example --device /dev/fuse",
		        d->host_path);
	if (strchr(d->access, 'r') && strchr(d->access, 'w'))
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
	        "--device %s: only root can give a device for less than reading and writing; leave :%s out",
	        d->host_path, d->access);
}

static int add_device(const struct tare_device *d, struct runtime_spec *spec, struct err *e)
{
	struct stat st;

	if (stat(d->host_path, &st) != 0)
		return err_sys(e, "--device %s", d->host_path);
	if (in_user_namespace()) /* show_devices() */
		return check_shown(d, st.st_mode, e);
	if (S_ISDIR(st.st_mode))
		return host_devices_beneath(spec, d->host_path, d->container_path, d->access, e);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, ERR_USAGE, "--device %s is not a device; for example --device /dev/fuse",
		        d->host_path);
	return host_device_add(spec, &st, d->container_path, d->access, e);
}

/* Nobody can make a device in a user namespace; the host's own node is shown there, above what is mounted. */
static int show_devices(const struct tare_create *q, struct runtime_spec *spec, struct err *e)
{
	for (size_t i = 0; i < q->n_devices && in_user_namespace(); i++)
		if (spec_add_mount(spec, "bind", q->devices[i].host_path, q->devices[i].container_path,
		            "rbind,rprivate", e) != 0)
			return -1;
	return 0;
}

static int build_resources(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	if (resources_copy(&spec->resources, &in->request->resources) != 0)
		return err_no_memory(e);
	for (size_t i = 0; i < in->request->n_devices; i++)
		if (add_device(&in->request->devices[i], spec, e) != 0)
			return -1;
	return 0;
}

/* ------------------------------------------------------------------ */

/* Docker's defaults where the network is the container's own: a server without root may have port 80, and
 * ping needs no capability. What is asked for comes later, and so counts. */
static int build_sysctls(const struct tare_create *q, struct runtime_spec *spec, struct err *e)
{
	char ping[64] = "net.ipv4.ping_group_range=0 2147483647";
	char *const own_network[] = {(char[]){"net.ipv4.ip_unprivileged_port_start=0"}, ping, NULL};

	if (spec->ids.gid.n) /* the kernel takes groups that there are only */
		snprintf(ping, sizeof ping, "net.ipv4.ping_group_range=0 %llu",
		        (unsigned long long)id_map_run(&spec->ids.gid) - 1);

	if (spec->ns[NS_NETWORK].mode == NS_PRIVATE && append(&spec->sysctl, own_network, e) != 0)
		return -1;
	return append(&spec->sysctl, q->sysctls, e);
}

static int build_process(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	const struct tare_create *q = in->request;
	const struct image_config *image = in->image;

	spec->terminal = q->tty;
	spec->init = q->init;
	spec->has_oom_score_adj = q->has_oom_score_adj;
	spec->oom_score_adj = q->oom_score_adj;
	if (build_args(in, spec, e) != 0 || build_env(in, spec, e) != 0 || build_rlimits(q, spec, e) != 0)
		return -1;
	if (set_str(&spec->cwd,
	            q->workdir                                   ? q->workdir
	            : image && image->workdir && *image->workdir ? image->workdir
	                                                         : "/",
	            e) != 0)
		return -1;
	if (spec->cwd[0] != '/')
		return err_set(e, ERR_USAGE,
		        "the working directory \"%s\" is not absolute; for example -w /srv", spec->cwd);
	if (set_str(&spec->user, q->user ? q->user : image && image->user ? image->user : "", e) != 0)
		return -1;
	return append(&spec->groups, q->groups, e);
}

static int build_cgroup_path(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	const char *parent = in->request->cgroup_parent;

	if (parent && (!*parent || strlen(parent) > 60 || strstr(parent, "..")))
		return err_set(e, ERR_USAGE,
		        "--cgroup-parent \"%s\": a short path beneath the cgroup root, for example /batch",
		        parent);
	spec->cgroup_path = parent ? str_printf("%s/%s", parent + (*parent == '/'), in->id)
	                           : str_printf("tare/%s", in->id);
	return spec->cgroup_path ? 0 : err_no_memory(e);
}

int spec_build(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	*spec = (struct runtime_spec)RUNTIME_SPEC_INIT;
	if (build_cgroup_path(in, spec, e) != 0 || build_namespaces(in, spec, e) != 0 ||
	        build_hostname(in, spec, e) != 0 || build_process(in, spec, e) != 0 ||
	        build_resources(in, spec, e) != 0)
		return -1;
	return build_security(in, spec, e) != 0 || show_devices(in->request, spec, e) != 0 ||
	                       build_sysctls(in->request, spec, e) != 0
	               ? -1
	               : 0;
}
