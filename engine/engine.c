/* The Linux engine: its table of functions, and the thin ones among them. */
#include "engine/engine.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/proc.h"
#include "engine/adopt.h"
#include "engine/events.h"
#include "engine/image.h"
#include "engine/logs.h"
#include "engine/volume_check.h"

static int logs(struct tare_engine *t, const char *ref, const struct tare_log_options *o, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;

	if (container_open(engine_store(t), ref, &c, e) != 0)
		return -1;
	if (json_int(json_path(c.record.config, "HostConfig.LogConfig.Tare"), "enabled", 1) == 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "container %s was started with --log-driver none: it has no log", c.record.name);
	if (o->follow)
		adopt_in_passing(engine_store(t), &c);
	struct tare_log_options own = *o;
	/* what a container prints on a terminal of its own is made for one */
	own.harmless = o->harmless && !json_bool(json_get(c.record.config, "Config"), "Tty", false);
	return logs_read(c.dir_fd, container_is_up(&c) ? c.state_fd : -1, &own, e);
}

static int events(
        struct tare_engine *t, const struct tare_event_options *o, tare_event_fn fn, void *arg, struct err *e)
{
	return events_watch(engine_store(t), o, fn, arg, e);
}

static int list_images(struct tare_engine *t, struct tare_image_list *out, struct err *e)
{
	return images_list(engine_store(t), out, e);
}

static int inspect_image(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	return image_inspect(engine_store(t), ref, out, e);
}

static int tag_image(struct tare_engine *t, const char *ref, const char *new_ref, struct err *e)
{
	return image_tag(engine_store(t), ref, new_ref, e);
}

static int remove_image(struct tare_engine *t, const char *ref, bool force, char ***done, struct err *e)
{
	return image_remove(engine_store(t), ref, force, done, e);
}

static int list_volumes(struct tare_engine *t, struct tare_volume_list *out, struct err *e)
{
	volumes_tidy(engine_store(t), true);
	return volumes_list(engine_store(t), out, e);
}

static int64_t engine_now(struct tare_engine *t)
{
	(void)t;
	return now_realtime();
}

static void engine_close(struct tare_engine *t)
{
	sampling_free(((struct linux_engine *)t)->sampling);
	store_close(engine_store(t));
	free(t);
}

static const struct tare_engine table = {
        .create = engine_create,
        .start = engine_start,
        .run = engine_run,
        .stop = engine_stop,
        .restart = engine_restart,
        .kill = engine_kill,
        .pause = engine_pause,
        .unpause = engine_unpause,
        .rename = engine_rename,
        .boot = engine_boot,
        .shutdown = engine_shutdown,
        .update = engine_update,
        .remove = engine_remove,
        .wait = engine_wait,
        .attach = engine_attach,
        .exec = engine_exec,
        .resolve = engine_resolve,
        .list = engine_list,
        .inspect = engine_inspect,
        .container_size = engine_container_size,
        .stats = engine_stats,
        .logs = logs,
        .top = engine_top,
        .events = events,
        .image_list = list_images,
        .image_inspect = inspect_image,
        .image_tag = tag_image,
        .image_remove = remove_image,
        .volume_list = list_volumes,
        .volume_create = engine_volume_create,
        .volume_inspect = engine_volume_inspect,
        .volume_remove = engine_volume_remove,
        .diff = engine_diff,
        .network_create = engine_network_create,
        .network_list = engine_network_list,
        .network_inspect = engine_network_inspect,
        .network_remove = engine_network_remove,
        .network_connect = engine_network_connect,
        .network_disconnect = engine_network_disconnect,
        .network_reload = engine_network_reload,
        .now = engine_now,
        .watch_open = engine_watch_open,
        .watch_drain = engine_watch_drain,
        .watch_close = engine_watch_close,
        .look = engine_look,
        .sample = engine_sample,
        .history = engine_history,
        .pressure = engine_pressure,
        .host = engine_host,
        .log_open = engine_log_open,
        .log_drain = engine_log_drain,
        .log_close = engine_log_close,
        .files = engine_files,
        .file_open = engine_file_open,
        .process_signal = engine_process_signal,
        .image_layers = engine_image_layers,
        .volume_size = engine_volume_size,
        .prune = engine_prune,
        .disk_usage = engine_disk_usage,
        .check = engine_check,
        .info = engine_info,
        .security = engine_security,
        .internal = engine_internal,
        .close = engine_close,
};

struct tare_engine *tare_engine_linux(const char *root, const char *state, struct err *e)
{
	struct linux_engine *l = calloc(1, sizeof *l);
	if (!l)
		return err_set_null(e, ERR_OTHER, "out of memory");
	l->api = table;
	if (store_open(&l->store, root, state, e) != 0) {
		free(l);
		return NULL;
	}
	return &l->api;
}
