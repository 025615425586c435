/* The mounts of a container: the kernel's file systems, the files of /etc, then what the user, the image and
 * the profile ask for, shallow targets before deep ones. Volumes are made here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/runtime/copy_up.h"
#include "engine/runtime/mounts.h"

#define SHM_DEFAULT ((uint64_t)64 << 20)

static int add_options(struct spec_mount *m, const char *options)
{
	while (*options) {
		size_t n = strcspn(options, ",");
		char *one = n ? strndup(options, n) : NULL;
		if (n && strv_take(&m->options, one) != 0)
			return -1;
		options += n + (options[n] == ',');
	}
	return 0;
}

int spec_add_mount(struct runtime_spec *spec, const char *type, const char *source, const char *destination,
        const char *options, struct err *e)
{
	struct spec_mount *m = runtime_spec_add_mount(spec);

	if (!m)
		return err_no_memory(e);
	m->type = strdup(type);
	m->source = source ? strdup(source) : NULL;
	m->destination = strdup(destination);
	if (!m->type || (source && !m->source) || !m->destination || add_options(m, options) != 0)
		return err_no_memory(e);
	return 0;
}

static bool mounted_at(const struct runtime_spec *spec, const char *target)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (strcmp(spec->mounts[i].destination, target) == 0)
			return true;
	return false;
}

/* ------------------------------------------------------------------ what every container has */

/* The user's own mount at such a place (--tmpfs /dev/shm, -v …:/etc/hosts) takes the place of ours. */
static bool asked_for(const struct tare_create *q, const char *target)
{
	for (size_t i = 0; i < q->n_mounts; i++)
		if (strcmp(q->mounts[i].target, target) == 0)
			return true;
	return false;
}

/* The kernel's views are read-only: what is written to the host's cgroups or devices rules the host
 * (CVE-2022-0492, CVE-2023-25809 where root is an ordinary user). Tests: attacks.bats, rootless.bats. */
static int add_system(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	const struct spec_namespace *ipc = &spec->ns[NS_IPC];
	bool no_shm = in->request->ipc_mode && strcmp(in->request->ipc_mode, "none") == 0;
	char shm[96];
	bool rw = spec->cgroup_writable || !DEFENCE("cgroup-readonly");
	uint32_t tty_gid;
	const char *devpts = id_map_out(&spec->ids.gid, 5, &tty_gid)
	                             ? "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"
	                             : "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620";
	const struct {
		const char *type, *source, *target, *options;
	} mounts[] = {
	        {"proc", NULL, "/proc", "nosuid,noexec,nodev"},
	        {"tmpfs", NULL, "/dev", "nosuid,strictatime,mode=755,size=65536k"},
	        {"devpts", NULL, "/dev/pts", devpts},
	        {"sysfs", NULL, "/sys", rw ? "nosuid,noexec,nodev" : "nosuid,noexec,nodev,ro"},
	        {"cgroup", NULL, "/sys/fs/cgroup",
	                rw ? "nosuid,noexec,nodev,relatime" : "nosuid,noexec,nodev,relatime,ro"},
	        {"mqueue", NULL, "/dev/mqueue", "nosuid,noexec,nodev"},
	        {ipc->mode == NS_PRIVATE ? "tmpfs" : "bind",
	                ipc->mode == NS_HOST   ? "/dev/shm"
	                : ipc->mode == NS_JOIN ? ipc->path
	                                       : NULL,
	                "/dev/shm", shm},
	};

	if (ipc->mode != NS_PRIVATE)
		snprintf(shm, sizeof shm, "rbind,rprivate,nosuid,noexec,nodev");
	else
		snprintf(shm, sizeof shm, "nosuid,noexec,nodev,mode=1777,size=%llu",
		        (unsigned long long)(in->request->shm_size ? in->request->shm_size : SHM_DEFAULT));
	for (size_t i = 0; i < sizeof mounts / sizeof mounts[0] - no_shm; i++) /* the last one is /dev/shm */
		if (!asked_for(in->request, mounts[i].target) &&
		        spec_add_mount(spec, mounts[i].type, mounts[i].source, mounts[i].target,
		                mounts[i].options, e) != 0)
			return -1;
	return 0;
}

/* hosts, hostname and resolv.conf; a container that joins another's network shares that one's files. */
static int add_etc(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	static const char *const files[] = {"hosts", "hostname", "resolv.conf"};
	const struct spec_namespace *net = &spec->ns[NS_NETWORK];

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		cleanup_free char *target = str_printf("/etc/%s", files[i]), *source = NULL;
		if (net->mode == NS_JOIN && i != 1)
			source = str_printf("%s/containers/%s/%s", in->store->root,
			        net->path + strlen("container:"), files[i]);
		else
			source = str_printf("%s/%s", in->container_path, files[i]);
		if (!target || !source)
			return err_no_memory(e);
		if (!asked_for(in->request, target) &&
		        spec_add_mount(spec, "bind", source, target, "rbind,rprivate,idmap", e) != 0)
			return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------ what was asked for */

/* A typing error must not give the host's own directories to another owner, be it by a link to one or as the
 * device of a volume. */
static int check_chown(bool chown, const char *path, struct err *e)
{
	static const char *const system[] = {"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64",
	        "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var", NULL};

	cleanup_free char *real = chown ? realpath(path, NULL) : NULL;
	return real && strv_has((char *const *)system, real)
	               ? err_set(e, ERR_USAGE,
	                         "the host's %s cannot be given to the container's user; leave out U", real)
	               : 0;
}

/* A directory of the host whose ids are mapped takes in files of the host's root from root inside,
 * set-user-id ones among them, for every user of the host who can reach it: only for who asks (U gives it
 * away, too). A volume is nobody's but its containers'. Test: userns.bats, "a bound directory keeps the
 * host's ids". */
static bool ids_are_mapped(const struct tare_mount *m, bool of_host)
{
	if (m->ids != TARE_IDS_AS_USUAL)
		return m->ids == TARE_IDS_MAPPED;
	return !of_host || m->chown || !DEFENCE("bound-ids");
}

/* Volume, or what of it, and what its options say of each mount. m: what was asked for, NULL when the options
 * are another container's. */
static int mark_volume(const struct spec_input *in, struct spec_mount *added, const char *name,
        const char *subpath, const struct tare_mount *m, struct err *e)
{
	cleanup_volume_record struct volume_record r = {0};

	if (volume_record_read(in->store, name, &r, e) != 0 ||
	        (r.kind == VOLUME_BIND && check_chown(strv_has(added->options, "U"), r.device, e) != 0))
		return -1;
	added->volume = strdup(name);
	added->subpath = subpath ? strdup(subpath) : NULL;
	free(added->source);
	added->source = r.kind == VOLUME_BIND
	                        ? str_printf("%s%s%s", r.device, subpath ? "/" : "", subpath ? subpath : "")
	                        : str_printf("%s/volumes/%s/data%s%s", in->store->root, name,
	                                  subpath ? "/" : "", subpath ? subpath : "");
	if (!added->volume || (subpath && !added->subpath) || !added->source)
		return err_no_memory(e);
	if (r.read_only && !strv_has(added->options, "ro") && strv_add(&added->options, "ro") != 0)
		return err_no_memory(e);
	if (m && ids_are_mapped(m, r.kind == VOLUME_BIND) && strv_add(&added->options, "idmap") != 0)
		return err_no_memory(e);
	added->copy_up &= !r.read_only;
	return 0;
}

static int ensure(const struct spec_input *in, const struct tare_mount *m, char name[VOLUME_NAME_MAX],
        bool *empty, struct err *e)
{
	cleanup_json json *labels = m->volume_labels ? volume_texts_object(m->volume_labels) : NULL;
	const struct tare_volume_create how = {
	        .name = m->source, .labels = labels, .options = m->volume_options};

	return volume_ensure_as(in->store, &how, name, in->volumes, empty, e);
}

/* A part of a volume is looked at when it is mounted. */
static int add_volume(
        const struct spec_input *in, const struct tare_mount *m, struct runtime_spec *spec, struct err *e)
{
	char name[VOLUME_NAME_MAX];
	bool empty;

	if (ensure(in, m, name, &empty, e) != 0)
		return -1;
	cleanup_free char *data = str_printf("%s/volumes/%s/data", in->store->root, name);
	cleanup_free char *options = str_printf("rbind,%s%s%s", m->propagation ? m->propagation : "rprivate",
	        m->read_only ? ",ro" : "", m->chown ? ",U" : "");
	if (!data || !options)
		return err_no_memory(e);
	if (spec_add_mount(spec, "bind", data, m->target, options, e) != 0)
		return -1;
	struct spec_mount *added = &spec->mounts[spec->n_mounts - 1];
	added->copy_up = (empty || m->subpath || copy_up_is_unfinished(data)) && !m->no_copy;
	return mark_volume(in, added, name, m->subpath, m, e);
}

static int find_source(const struct tare_mount *m, struct err *e)
{
	struct stat st;

	if (stat(m->source, &st) == 0)
		return 0;
	if (errno != ENOENT)
		return err_sys(e, "bind source %s", m->source);
	if (!m->make_source)
		return err_set(e, ERR_NOT_FOUND,
		        "the bind source %s does not exist; make it first (mkdir -p %s), or give a volume's "
		        "name",
		        m->source, m->source);
	return mkdir_all(m->source, 0755) != 0 ? err_sys(e, "cannot make the bind source %s", m->source) : 0;
}

static int add_bind(const struct tare_mount *m, struct runtime_spec *spec, struct err *e)
{
	char options[64];

	if (check_chown(m->chown, m->source, e) != 0 || find_source(m, e) != 0)
		return -1;
	snprintf(options, sizeof options, "%s,%s%s%s%s%s", m->non_recursive ? "bind" : "rbind",
	        m->propagation ? m->propagation : "rprivate", m->read_only ? ",ro" : "",
	        m->submounts_writable ? ",top" : "", m->chown ? ",U" : "",
	        ids_are_mapped(m, true) ? ",idmap" : "");
	return spec_add_mount(spec, "bind", m->source, m->target, options, e);
}

/* Docker's --tmpfs: no programs, no devices, no setuid unless the options say otherwise ("exec"). */
static int add_tmpfs(const struct tare_mount *m, struct runtime_spec *spec, struct err *e)
{
	char options[128];
	int n = snprintf(options, sizeof options, "nosuid,nodev,noexec%s,mode=%o", m->read_only ? ",ro" : "",
	        m->tmpfs_mode ? m->tmpfs_mode : 01777);

	if (m->tmpfs_size)
		snprintf(options + n, sizeof options - (size_t)n, ",size=%llu",
		        (unsigned long long)m->tmpfs_size);
	if (spec_add_mount(spec, "tmpfs", NULL, m->target, options, e) != 0)
		return -1;
	struct spec_mount *added = &spec->mounts[spec->n_mounts - 1];
	strv_foreach (o, m->tmpfs_options)
		if (strv_add(&added->options, *o) != 0)
			return err_no_memory(e);
	return 0;
}

/* A mount over /proc or /sys would take the masks and the read-only paths along, or feed the runtime's own
 * checks with false files (CVE-2019-19921, CVE-2025-52881). Where a link of the image's leads is judged
 * again when the mount is made. */
static int check_target(const char *target, struct err *e)
{
	if (mount_may_cover_proc(target))
		return 0;
	if (strcmp(target, "/proc") == 0 || strncmp(target, "/proc/", 6) == 0 || strcmp(target, "/sys") == 0)
		return err_set(e, ERR_USAGE, "cannot mount over %s: it is the kernel's; choose another place",
		        target);
	return 0;
}

static int add_mount(
        const struct spec_input *in, const struct tare_mount *m, struct runtime_spec *spec, struct err *e)
{
	if (check_target(m->target, e) != 0)
		return -1;
	switch (m->kind) {
	case TARE_MOUNT_VOLUME:
		return add_volume(in, m, spec, e);
	case TARE_MOUNT_TMPFS:
		return add_tmpfs(m, spec, e);
	case TARE_MOUNT_BIND:
		break;
	}
	return add_bind(m, spec, e);
}

static unsigned depth(const char *path)
{
	unsigned n = 0;

	for (; *path; path++)
		n += *path == '/' && path[1] && path[1] != '/';
	return n;
}

/* Stable: what was given first is mounted first among equals. */
static void sort_by_depth(struct spec_mount *m, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && depth(m[k].destination) < depth(m[k - 1].destination); k--) {
			struct spec_mount t = m[k];
			m[k] = m[k - 1];
			m[k - 1] = t;
		}
}

/* VOLUME of the image, unless something is mounted there: a fresh anonymous volume. */
static int add_image_volumes(const struct spec_input *in, struct runtime_spec *spec, struct err *e)
{
	strv_foreach (v, in->image ? in->image->volumes : NULL) {
		struct tare_mount m = {.kind = TARE_MOUNT_VOLUME, .target = *v};
		if (**v != '/' || mounted_at(spec, *v))
			continue;
		if (check_target(*v, e) != 0)
			return err_wrap(e, "VOLUME of the image");
		if (add_volume(in, &m, spec, e) != 0)
			return -1;
	}
	return 0;
}

static int add_profile_tmpfs(char *const *tmpfs, struct runtime_spec *spec, struct err *e)
{
	strv_foreach (t, tmpfs) {
		const char *colon = strchr(*t, ':');
		cleanup_free char *target = strndup(*t, colon ? (size_t)(colon - *t) : strlen(*t));
		cleanup_free char *options = str_printf(
		        "nosuid,nodev,noexec,mode=1777%s%s", colon ? "," : "", colon ? colon + 1 : "");
		if (!target || !options)
			return err_no_memory(e);
		if (!mounted_at(spec, target) && spec_add_mount(spec, "tmpfs", NULL, target, options, e) != 0)
			return -1;
	}
	return 0;
}

/* As it is mounted there: the same part of the same volume, the same propagation. */
static int share_mount(const struct spec_input *in, const struct spec_mount *other, bool ro,
        struct runtime_spec *spec, struct err *e)
{
	if (spec_add_mount(spec, other->type, other->source, other->destination, "", e) != 0)
		return -1;
	struct spec_mount *added = &spec->mounts[spec->n_mounts - 1];
	added->options = strv_copy(other->options);
	if (other->options && !added->options)
		return err_no_memory(e);
	if (ro && !strv_has(added->options, "ro") && strv_add(&added->options, "ro") != 0)
		return err_no_memory(e);
	if (!other->volume)
		return 0;
	/* held until this container's record names it, too */
	if (volume_keep(in->store, other->volume, in->volumes, e) != 0)
		return -1;
	added->copy_up = other->copy_up;
	return mark_volume(in, added, other->volume, other->subpath, NULL, e);
}

/* Volumes and binds; what else is mounted there (proc, a tmpfs, the files of /etc) is that container's own.
 */
static bool is_shared(const struct container *c, const struct spec_mount *m)
{
	json *mounts = json_get(c->record.config, "Mounts");

	if (strcmp(m->type, "bind") != 0)
		return false;
	for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++)
		if (strcmp(json_str(json_object_array_get_idx(mounts, i), "Destination", ""),
		            m->destination) == 0)
			return true;
	return false;
}

static int share_mounts(const struct spec_input *in, const struct container *c, bool ro,
        struct runtime_spec *spec, struct err *e)
{
	struct runtime_spec other;
	int rc = 0;

	if (container_spec(c, &other, e) != 0)
		return -1;
	for (size_t i = 0; i < other.n_mounts && rc == 0; i++) {
		const struct spec_mount *m = &other.mounts[i];
		if (is_shared(c, m) && !mounted_at(spec, m->destination) &&
		        !asked_for(in->request, m->destination))
			rc = share_mount(in, m, ro, spec, e);
	}
	runtime_spec_free(&other);
	return rc;
}

/* --volumes-from REF[:ro|:rw]: the volumes and binds of another container at the same places. */
static int add_volumes_from(
        const struct spec_input *in, const char *text, struct runtime_spec *spec, struct err *e)
{
	const char *colon = strrchr(text, ':');
	bool ro = colon && strcmp(colon, ":ro") == 0;
	cleanup_free char *ref = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	cleanup_container struct container c = CONTAINER_INIT;

	if (colon && !ro && strcmp(colon, ":rw") != 0)
		return err_set(e, ERR_USAGE, "--volumes-from \"%s\": the mode is ro or rw", text);
	if (!ref || container_open(in->store, ref, &c, e) != 0 || share_mounts(in, &c, ro, spec, e) != 0)
		return err_wrap(e, "--volumes-from");
	return 0;
}

int spec_build_mounts(
        const struct spec_input *in, struct runtime_spec *spec, char *const *profile_tmpfs, struct err *e)
{
	const struct tare_create *q = in->request;

	if (add_system(in, spec, e) != 0 || add_etc(in, spec, e) != 0)
		return -1;
	size_t ours = spec->n_mounts;
	strv_foreach (from, q->volumes_from)
		if (add_volumes_from(in, *from, spec, e) != 0)
			return -1;
	for (size_t i = 0; i < q->n_mounts; i++)
		if (add_mount(in, &q->mounts[i], spec, e) != 0)
			return -1;
	if (add_image_volumes(in, spec, e) != 0 || add_profile_tmpfs(profile_tmpfs, spec, e) != 0)
		return -1;
	sort_by_depth(spec->mounts + ours, spec->n_mounts - ours);
	return 0;
}
