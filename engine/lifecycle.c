/* The start of a container's life: create, start, run. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "engine/attach_client.h"
#include "engine/endpoint.h"
#include "engine/adopt.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/image.h"
#include "engine/monitor/handoff.h"
#include "engine/name.h"
#include "engine/relay.h"
#include "engine/restart.h"

/* ------------------------------------------------------------------ create */

static int claim_name(const struct store *s, struct container *c, const char *asked, struct err *e)
{
	char made[NAME_GENERATED_MAX];

	if (asked) {
		if (tare_name_check(asked, e) != 0 || container_name_claim(s, asked, c->id, e) != 0)
			return -1;
		c->record.name = strdup(asked);
		return c->record.name ? 0 : err_no_memory(e);
	}
	for (unsigned attempt = 0; attempt < 50; attempt++) {
		name_generate(made, attempt);
		if (container_name_claim(s, made, c->id, e) == 0) {
			c->record.name = strdup(made);
			return c->record.name ? 0 : err_no_memory(e);
		}
		if (!e || e->kind != ERR_CONFLICT)
			break;
	}
	return -1;
}

static int make_locked_dir(const struct store *s, struct container *c)
{
	if (mkdirat(s->containers_fd, c->id, 0700) != 0 || (c->dir_fd = container_dir_open(s, c->id)) < 0)
		return -1;
	c->lock_fd = lock_take(c->dir_fd, ".", LOCK_EXCLUSIVE, NULL);
	return c->lock_fd < 0 ? -1 : mkdirat(c->dir_fd, "upper", 0755);
}

/* A sweep that came between the making and the lock has taken the directory for debris. */
static bool was_swept(const struct store *s, const struct container *c)
{
	return faccessat(s->containers_fd, c->id, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

/* The directory comes first and locked: until its record is there, nobody takes it for a container. */
static int make_dirs(const struct store *s, struct container *c, struct err *e)
{
	random_hex(c->id, TARE_ID_LEN / 2);
	snprintf(c->record.id, sizeof c->record.id, "%s", c->id);
	for (int tries = 0; make_locked_dir(s, c) != 0; tries++) {
		int why = errno;
		bool again = tries < 16 && was_swept(s, c);
		errno = why;
		if (!again)
			return err_sys(e, "cannot make %s/containers/%.12s", s->root, c->id);
		container_unlock(c);
		close_fd(&c->dir_fd);
	}
	if (fchmodat(c->dir_fd, "upper", 0755, 0) != 0 || mkdirat(c->dir_fd, "work", 0700) != 0)
		return err_sys(e, "cannot make the writable layer");
	return 0;
}

static int record_image(
        struct container_record *r, const struct tare_create *q, const struct image *image, struct err *e)
{
	char text[DIGEST_TEXT_SIZE];

	if (q->rootfs) {
		r->rootfs = realpath(q->rootfs, NULL);
		r->image = strdup("");
		r->image_id = strdup("");
		return r->rootfs && r->image && r->image_id ? 0 : err_sys(e, "--rootfs %s", q->rootfs);
	}
	r->image = strdup(q->image);
	r->image_id = strdup(digest_text(&image->config_digest, text));
	r->image_manifest = strdup(digest_text(&image->manifest_digest, text));
	for (size_t i = image->config.n_diff_ids; i-- > 0;) /* the config lists the lowest first */
		if (strv_add(&r->layers, digest_text(&image->config.diff_ids[i], text)) != 0)
			return err_no_memory(e);
	return r->image && r->image_id && r->image_manifest ? 0 : err_no_memory(e);
}

void container_mark_started(struct container_record *r)
{
	r->started = now_realtime();
	r->stopped_by_user = false;
	free(r->error);
	r->error = NULL;
}

static int fill(const struct store *s, const struct tare_create *q, bool starting, struct container *c,
        struct runtime_spec *spec, struct err *e)
{
	cleanup_image struct image image = IMAGE_INIT;
	const struct image_want want = {
	        .ref = q->image, .pull = q->pull, .platform = q->platform, .quiet = q->quiet_pull};
	cleanup_free char *path = NULL;
	cleanup_strv char **networks = NULL;
	/* until the record tells who needs them */
	cleanup_fd int image_hold = -1;
	cleanup_volume_locks struct volume_locks volumes = {0};

	if (!q->rootfs && image_ensure_held(s, &want, &image, &image_hold, e) != 0)
		return -1;
	if (endpoints_resolve(s, q, &networks, e) != 0 || make_dirs(s, c, e) != 0 ||
	        claim_name(s, c, q->name, e) != 0 || record_image(&c->record, q, &image, e) != 0)
		return -1;
	path = str_printf("%s/containers/%s", s->root, c->id);
	if (!path)
		return err_no_memory(e);
	struct spec_input in = {.store = s,
	        .request = q,
	        .image = q->rootfs ? NULL : &image.config,
	        .id = c->id,
	        .container_path = path,
	        .volumes = &volumes};
	if (spec_build(&in, spec, e) != 0 || spec_fit_rootless(spec, e) != 0 ||
	        container_files_write(c->dir_fd, q, spec->hostname, e) != 0)
		return -1;
	c->record.command = strv_copy(spec->args);
	c->record.config = inspect_record(q, in.image, spec, networks);
	if (health_record(q, in.image, c->record.config, e) != 0)
		return -1;
	c->record.created = now_realtime();
	if (starting)
		container_mark_started(&c->record);
	bool lasting = !q->auto_remove;
	if (container_spec_write(c, spec, lasting, e) != 0 ||
	        container_record_write(c->dir_fd, &c->record, lasting, e) != 0)
		return -1;
	if (lasting && (fsync(s->containers_fd) != 0 || fsync(s->names_fd) != 0))
		return err_sys(e, "cannot write %s/containers", s->root);
	return 0;
}

/* A container that has no record yet: nothing of it may stay. */
static void discard(const struct store *s, struct container *c, const struct runtime_spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].volume && volume_is_anonymous(spec->mounts[i].volume))
			volume_remove(s, spec->mounts[i].volume,
			        NULL); /* refused while another container uses it */
	if (c->record.name)
		container_name_release(s, c->record.name, c->id);
	if (c->dir_fd >= 0)
		remove_tree_at(s->containers_fd, c->id);
}

static int create(const struct store *s, const struct tare_create *q, bool starting, struct container *c,
        struct runtime_spec *spec, struct err *e)
{
	*c = (struct container)CONTAINER_INIT;
	if (tare_create_check(q, e) != 0)
		return -1;
	if (!q->image == !q->rootfs)
		return err_set(e, ERR_USAGE, "give an image or --rootfs DIR; for example: tare run busybox");
	if (fill(s, q, starting, c, spec, e) == 0) {
		container_event(s, c, "create", NULL);
		return 0;
	}
	discard(s, c, spec);
	return -1;
}

static void spec_done(struct runtime_spec *spec)
{
	runtime_spec_free(spec);
}
#define cleanup_spec __attribute__((cleanup(spec_done)))

int engine_create(struct tare_engine *t, const struct tare_create *q, char *id, struct err *e)
{
	cleanup_spec struct runtime_spec spec = RUNTIME_SPEC_INIT;
	cleanup_container struct container c = CONTAINER_INIT;

	if (create(engine_store(t), q, false, &c, &spec, e) != 0)
		return -1;
	memcpy(id, c.id, sizeof c.id);
	return 0;
}

/* ------------------------------------------------------------------ start */

void container_remember_failure(struct container *c, const struct err *why, int64_t started_before)
{
	c->record.started = started_before;
	c->record.exit_code = err_exit_code(why);
	free(c->record.error);
	c->record.error = strdup(why->msg);
	container_record_write(c->dir_fd, &c->record, !container_auto_remove(c), NULL);
}

static int start_locked(const struct store *s, struct container *c, const struct runtime_spec *spec,
        const struct tare_io *io, int client_fd, struct err *e)
{
	unsigned rows, cols;
	struct err local = ERR_INIT;

	relay_initial_size(io, &rows, &cols);
	if (starter_start(s, c, spec, client_fd, rows, cols, &local) != 0) {
		if (e)
			*e = local;
		return -1;
	}
	volumes_tell(s, c, "mount");
	container_event(s, c, "start", NULL);
	return 0;
}

/* Its monitor was killed: the next command gives it another one. */
static int tell_to_attach(const struct container *c, struct err *e)
{
	if (!e || e->kind != ERR_OTHER) /* it has not gone, but refused us */
		return -1;
	return err_set(e, ERR_OTHER,
	        "container %s has lost its monitor, and runs on; go back to it with: tare attach %s",
	        c->record.name, c->record.name);
}

/* Be the container's terminal or its pipes until it ends or the user detaches; then clean up, which the
 * monitor leaves to us as long as the socket is open. */
static int follow(const struct store *s, struct container *c, int sock, const struct tare_io *io,
        enum tare_io_end *end, int *exit_code, struct err *e)
{
	struct exit_record how = {0};
	json *config = json_get(c->record.config, "Config");
	struct attach_client a = {.io = io,
	        .container_fd = c->dir_fd,
	        .process = c->state.process,
	        .terminal = json_bool(config, "Tty", false),
	        .detach_keys = json_str(config, "DetachKeys", NULL)};

	*exit_code = 0;
	if (attach_client_run(sock, &a, end, &how, e) != 0)
		return !a.terminal && container_is_up(c) ? tell_to_attach(c, e) : -1;
	if (*end == TARE_IO_DETACHED) {
		container_event(s, c, "detach", NULL);
		return 0;
	}
	*exit_code = how.code;
	return cleanup_run(s, c->id, &how, e);
}

static int socket_pair(const struct tare_io *io, int ends[2], struct err *e)
{
	ends[0] = ends[1] = -1;
	if (io && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_sys(e, "socketpair");
	return 0;
}

/* Nobody waits any more to start it: that is ours then. */
static int take_lost_restart(const struct store *s, struct container *c, struct err *e)
{
	return container_restart_was_lost(c) ? restart_call_off(s, c, false, e) : 0;
}

int engine_start(struct tare_engine *t, const char *ref, const struct tare_io *io, enum tare_io_end *end,
        int *exit_code, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_spec struct runtime_spec spec = RUNTIME_SPEC_INIT;
	cleanup_container struct container c = CONTAINER_INIT;
	struct exit_record how;
	int ends[2];

	if (container_open(s, ref, &c, e) != 0 || container_lock(s, &c, e) != 0)
		return -1;
	if (container_is_up(&c)) {
		adopt_in_passing(s, &c);
		container_unlock(&c);
		return io ? engine_attach(t, c.id, io, end, exit_code, e)
		          : 0; /* starting what runs is success */
	}
	if (container_is_restarting(&c)) /* as Docker has it: it is started already */
		return io ? container_need_up(&c, e) : 0;
	if (cleanup_locked(s, &c, &how, e) != 0 || take_lost_restart(s, &c, e) != 0 ||
	        container_spec(&c, &spec, e) != 0 || socket_pair(io, ends, e) != 0)
		return -1;
	cleanup_fd int sock = ends[0];
	int64_t before = c.record.started;
	struct err local = ERR_INIT;
	c.record.restart_count = 0;
	container_mark_started(
	        &c.record); /* on record first: a start that is killed halfway is recognised by it */
	if (container_record_write(c.dir_fd, &c.record, !container_auto_remove(&c), e) != 0) {
		close_fd(&ends[1]);
		return -1;
	}
	if (start_locked(s, &c, &spec, io, ends[1], &local) != 0) {
		container_remember_failure(&c, &local, before);
		if (e)
			*e = local;
		return -1;
	}
	container_unlock(&c);
	return io ? follow(s, &c, sock, io, end, exit_code, e) : 0;
}

int engine_run(struct tare_engine *t, const struct tare_create *q, const struct tare_io *io, char *id,
        enum tare_io_end *end, int *exit_code, void (*started)(const char *, void *), void *arg,
        struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_spec struct runtime_spec spec = RUNTIME_SPEC_INIT;
	cleanup_container struct container c = CONTAINER_INIT;
	struct err local = ERR_INIT;
	int ends[2];

	if (socket_pair(io, ends, e) != 0)
		return -1;
	cleanup_fd int sock = ends[0];
	if (create(s, q, true, &c, &spec, e) != 0) {
		close_fd(&ends[1]);
		return -1;
	}
	memcpy(id, c.id, sizeof c.id);
	if (start_locked(s, &c, &spec, io, ends[1], &local) != 0) {
		if (q->auto_remove)
			remove_locked(s, &c, true, NULL);
		else
			container_remember_failure(&c, &local, 0);
		if (e)
			*e = local;
		return -1;
	}
	container_unlock(&c);
	if (started)
		started(c.id, arg);
	return io ? follow(s, &c, sock, io, end, exit_code, e) : 0;
}

int engine_attach(struct tare_engine *t, const char *ref, const struct tare_io *io, enum tare_io_end *end,
        int *exit_code, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;

	if (container_open(s, ref, &c, e) != 0)
		return -1;
	adopt_in_passing(s, &c);
	if (adopt_is_due(&c) && container_lock(s, &c, e) == 0) { /* somebody else is at it */
		adopt_in_passing(s, &c);
		container_unlock(&c);
	}
	if (container_need_up(&c, e) != 0)
		return -1;
	if (c.state.paused)
		return err_set(e, ERR_CONFLICT, "container %s is paused; go on with: tare unpause %s",
		        c.record.name, c.record.name);
	cleanup_fd int sock = attach_client_connect(c.state_fd, e);
	if (sock < 0)
		return err_wrap(e, "cannot attach to container %s", c.record.name);
	container_event(s, &c, "attach", NULL);
	return follow(s, &c, sock, io, end, exit_code, e);
}

/* Whether the record bears the name that it was given. */
static bool is_on_record(const struct store *s, const struct container *c)
{
	struct container_record r;

	if (!c->record.name || container_record_read(s, c->id, &r, NULL) != 0)
		return false;
	bool bears = strcmp(r.name, c->record.name) == 0;
	container_record_free(&r);
	return bears;
}

int engine_rename(struct tare_engine *t, const char *ref, const char *name, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;

	if (tare_name_check(name, e) != 0 || container_open(s, ref, &c, e) != 0 ||
	        container_lock(s, &c, e) != 0)
		return -1;
	cleanup_free char *old = c.record.name;
	c.record.name = NULL;
	if (strcmp(old, name) == 0)
		return err_set(e, ERR_CONFLICT, "container %s has that name already", name);
	if (container_name_claim(s, name, c.id, e) != 0)
		return -1;
	c.record.name = strdup(name);
	if (!c.record.name || container_record_write(c.dir_fd, &c.record, true, e) != 0) {
		/* it may be there all the same, and only not be safe from a power cut */
		container_name_release(s, is_on_record(s, &c) ? old : name, c.id);
		return -1;
	}
	container_name_release(s, old, c.id);
	endpoints_rename(s, &c);
	json *attributes = json_object_new_object();
	json_set_str(attributes, "oldName", old);
	container_event(s, &c, "rename", attributes);
	return 0;
}
