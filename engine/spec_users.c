/* The user namespace part of a spec: which ids of the host a container's are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rootless.h"
#include "engine/engine.h"
#include "engine/user_range.h"
#include "engine/userns_mode.h"

static int parse_maps(char *const *texts, struct id_map *m, struct err *e)
{
	strv_foreach (t, texts)
		if (id_map_parse(m, *t, e) != 0)
			return -1;
	return 0;
}

/* One of --uidmap and --gidmap is good for both. */
static int explicit_maps(const struct tare_create *q, struct id_maps *m, struct err *e)
{
	char *const *uids = q->uid_maps ? q->uid_maps : q->gid_maps;
	char *const *gids = q->gid_maps ? q->gid_maps : q->uid_maps;
	return parse_maps(uids, &m->uid, e) != 0 || parse_maps(gids, &m->gid, e) != 0 ? -1 : 0;
}

/* Of user_namespaces(7)'s "INSIDE OUTSIDE SIZE" lines the ids inside, each mapped to itself. */
static int read_own_map(const char *path, struct id_map *m, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX((size_t)32 << 10);
	struct id_range r;
	int used;

	if (file_read_at(AT_FDCWD, path, &text, e) != 0)
		return -1;
	for (const char *at = buf_str(&text); sscanf(at, "%u %*u %u%n", &r.inside, &r.size, &used) == 2;
	        at += used) {
		r.outside = r.inside;
		if (id_map_add(m, r, e) != 0)
			return err_wrap(e, "cannot use %s", path);
	}
	return 0;
}

/* Who calls is who runs inside, as podman has it; root's ids are not kept from the pool, which is among them.
 */
static int keep_ids(
        const struct spec_input *in, const struct userns_mode *mode, struct runtime_spec *spec, struct err *e)
{
	if (!in->request->user) {
		char *user = str_printf("%u:%u", mode->uid, mode->gid);
		if (!user)
			return err_no_memory(e);
		free(spec->user);
		spec->user = user;
	}
	return read_own_map("/proc/self/uid_map", &spec->ids.uid, e) != 0
	               ? -1
	               : read_own_map("/proc/self/gid_map", &spec->ids.gid, e);
}

/* What is the host's, or another container's, has another root. Docker refuses the same. */
static int check(
        const struct spec_input *in, enum userns_kind kind, const struct runtime_spec *spec, struct err *e)
{
	static const struct {
		enum spec_namespace_kind kind;
		const char *flag;
	} own[] = {{NS_PID, "--pid"}, {NS_IPC, "--ipc"}, {NS_CGROUP, "--cgroupns"}};

	if (rootless() && (kind == USERNS_KEEP_ID || kind == USERNS_NOMAP))
		return err_set(e, ERR_UNSUPPORTED,
		        "--userns %s needs each layer's files to have other owners, which is root's to give; "
		        "leave "
		        "it out: root inside is you, and what is yours outside is root's there",
		        kind == USERNS_NOMAP ? "nomap" : "keep-id");
	if (rootless())
		return err_set(e, ERR_UNSUPPORTED,
		        "user namespaces with ids of their own are root's to give; yours all share one, "
		        "which "
		        "is no more than you: leave --userns, --uidmap and --gidmap out, or: sudo tare");
	if (kind == USERNS_NOMAP)
		return err_set(e, ERR_USAGE,
		        "--userns nomap is for ordinary users: it leaves out who calls, and you are root; "
		        "use "
		        "--userns auto");
	if (in->request->privileged)
		return err_set(e, ERR_USAGE,
		        "--privileged means the host's root, and --userns another one; leave one of them "
		        "out");
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (spec->ns[own[i].kind].mode != NS_PRIVATE)
			return err_set(e, ERR_USAGE,
			        "with a user namespace of its own the container cannot use what %s shares; "
			        "leave "
			        "that out, or give --userns host",
			        own[i].flag);
	return 0;
}

static int check_roots(const struct id_maps *m, struct err *e)
{
	if (id_map_run(&m->uid) && id_map_run(&m->gid))
		return 0;
	return err_set(e, ERR_USAGE,
	        "the user namespace needs a user and a group 0 inside; begin the map with one, as in "
	        "0:100000:65536");
}

/* What is in the writable layer belongs to the range; its top directory is the container's "/". */
static int give_upper(const struct spec_input *in, const struct id_maps *m, struct err *e)
{
	uint32_t uid, gid;
	cleanup_free char *path = str_printf("%s/upper", in->container_path);

	if (!path)
		return err_no_memory(e);
	id_map_out(&m->uid, 0, &uid);
	id_map_out(&m->gid, 0, &gid);
	return lchown(path, uid, gid) != 0 ? err_sys(e, "cannot give the writable layer to its range of ids")
	                                   : 0;
}

int spec_build_users(
        const struct spec_input *in, const char *profile_mode, struct runtime_spec *spec, struct err *e)
{
	const struct tare_create *q = in->request;
	bool maps = q->uid_maps || q->gid_maps, lasting = !q->auto_remove;
	const char *text = q->userns_mode || maps ? q->userns_mode : profile_mode;
	struct id_maps *m = &spec->ids;
	struct userns_mode mode;

	if (userns_mode_parse(&mode, maps ? "host" : text ? text : "host", e) != 0)
		return -1;
	if (maps)
		mode.kind = USERNS_MAP;
	if (mode.kind == USERNS_HOST)
		return 0;
	if (check(in, mode.kind, spec, e) != 0)
		return -1;
	spec->ns[NS_USER].mode = NS_PRIVATE;
	*m = mode.maps;
	int rc;
	if (mode.kind == USERNS_KEEP_ID)
		rc = keep_ids(in, &mode, spec, e);
	else if (mode.kind == USERNS_AUTO)
		rc = user_range_take(
		        in->store, in->id, lasting, mode.size ? mode.size : USER_RANGE_SIZE, m, e);
	else
		rc = (maps && explicit_maps(q, m, e) != 0) || check_roots(m, e) != 0
		             ? -1
		             : user_range_note(in->store, in->id, lasting, m, e);
	return rc != 0 ? -1 : give_upper(in, m, e);
}
