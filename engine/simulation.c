/* The simulated engine: its table, its clock, opening and closing. */
#include "engine/simulation.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/units.h"
#include "engine/simulation_backup.h"
#include "engine/simulation_registry.h"
#include "engine/simulation_volume.h"

#define HELD_BOOT    (INT64_C(1000000) * SIM_SECOND) /* what a held clock calls CLOCK_BOOTTIME at the birth */
#define CLOCK_MAX    INT64_C(1000000000)
#define LOG_RATE_MAX (INT64_C(4) << 30)

/* ------------------------------------------------------------------ the clock */

int64_t sim_now(const struct simulation *s)
{
	int64_t now;

	if (s->held != SIM_NEVER)
		return s->held;
	now = now_realtime() - s->birth;
	return now > 0 ? now : 0;
}

int64_t sim_wall(const struct simulation *s, int64_t t)
{
	return t == SIM_NEVER ? 0 : s->birth + t;
}

bool sim_runs(const struct simulation *s)
{
	return s->held == SIM_NEVER;
}

static int64_t now(struct tare_engine *t)
{
	return sim_wall(sim_of(t), sim_now(sim_of(t)));
}

/* ------------------------------------------------------------------ opening */

static int environment_number(const char *name, int64_t max, int64_t *v, struct err *e)
{
	const char *text = getenv(name);

	return text && *text ? int_parse(text, 0, max, name, v, e) : 0;
}

static int internal(struct tare_engine *t, const char *verb, const char *ref, struct err *e)
{
	(void)t;
	(void)ref;
	return err_set(
	        e, ERR_UNSUPPORTED, "the demo has no step \"%s\": no container of it really runs", verb);
}

static void engine_close(struct tare_engine *t)
{
	struct simulation *s = sim_of(t);

	sim_world_free(s);
	close_fd(&s->journal_fd);
	free(s->dir);
	free(s);
}

static const struct tare_engine table = {
        .create = sim_create,
        .start = sim_start,
        .run = sim_run,
        .stop = sim_stop,
        .restart = sim_restart,
        .kill = sim_kill,
        .pause = sim_pause,
        .unpause = sim_unpause,
        .rename = sim_rename,
        .update = sim_update,
        .boot = sim_boot,
        .shutdown = sim_shutdown,
        .remove = sim_remove,
        .wait = sim_wait,
        .attach = sim_attach,
        .exec = sim_exec,
        .resolve = sim_resolve,
        .list = sim_list,
        .inspect = sim_inspect,
        .container_size = sim_container_size,
        .stats = sim_stats,
        .logs = sim_logs,
        .top = sim_top,
        .events = sim_events,
        .image_list = sim_image_list,
        .image_inspect = sim_image_inspect,
        .image_tag = sim_image_tag,
        .image_remove = sim_image_remove,
        .image_pull = sim_image_pull,
        .image_push = sim_image_push,
        .image_search = sim_image_search,
        .login = sim_login,
        .commit = sim_commit,
        .volume_list = sim_volume_list,
        .volume_create = sim_volume_create,
        .volume_inspect = sim_volume_inspect,
        .volume_remove = sim_volume_remove,
        .diff = sim_diff,
        .volume_backup = sim_volume_backup,
        .volume_restore = sim_volume_restore,
        .volume_backups = sim_volume_backups,
        .volume_backup_compare = sim_volume_backup_compare,
        .volume_forget = sim_volume_forget,
        .copy = sim_copy,
        .network_create = sim_network_create,
        .network_list = sim_network_list,
        .network_inspect = sim_network_inspect,
        .network_remove = sim_network_remove,
        .network_connect = sim_network_connect,
        .network_disconnect = sim_network_disconnect,
        .network_reload = sim_network_reload,
        .now = now,
        .watch_open = sim_watch_open,
        .watch_drain = sim_watch_drain,
        .watch_close = sim_watch_close,
        .look = sim_look,
        .sample = sim_samples,
        .history = sim_history,
        .pressure = sim_pressure,
        .host = sim_host,
        .log_open = sim_log_open,
        .log_drain = sim_log_drain,
        .log_close = sim_log_close,
        .files = sim_files,
        .file_open = sim_file_open,
        .process_signal = sim_process_signal,
        .image_layers = sim_image_layers_of,
        .volume_size = sim_volume_size,
        .prune = sim_prune,
        .disk_usage = sim_disk_usage,
        .check = sim_check,
        .info = sim_info,
        .internal = internal,
        .close = engine_close,
};

static int open_world(struct simulation *s, const char *state, struct err *e)
{
	int64_t held = -1, rate = 0;

	if (environment_number("TARE_DEMO_CLOCK", CLOCK_MAX, &held, e) < 0 ||
	        environment_number("TARE_DEMO_LOG_RATE", LOG_RATE_MAX, &rate, e) < 0)
		return -1;
	s->held = held >= 0 ? held * SIM_SECOND : SIM_NEVER;
	s->log_rate = (uint64_t)rate;
	if (sim_journal_open(s, state, e) < 0 || sim_world_build(s, e) < 0 || sim_refresh(s, e) < 0)
		return -1;
	if (s->birth == SIM_NEVER)
		return err_set(
		        e, ERR_CORRUPT, "the demo's journal is damaged; start anew with: rm -r %s", s->dir);
	s->boot_offset = sim_runs(s) ? now_boottime() - sim_now(s) : HELD_BOOT;
	return 0;
}

struct tare_engine *tare_engine_simulated(const char *state, struct err *e)
{
	struct simulation *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set_null(e, ERR_OTHER, "out of memory");
	s->api = table;
	s->journal_fd = -1;
	s->birth = SIM_NEVER;
	if (open_world(s, state, e) < 0) {
		engine_close(&s->api);
		return NULL;
	}
	return &s->api;
}
