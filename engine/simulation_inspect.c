/* Documents: a container in Docker's shape, its processes, the host. */
#include "engine/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"

static void set_time(const struct simulation *s, json *o, const char *key, int64_t at)
{
	char text[TIME_TEXT_SIZE];

	json_set_str(o, key, at == SIM_NEVER ? "0001-01-01T00:00:00Z" : time_format(sim_wall(s, at), text));
}

/* ------------------------------------------------------------------ inspect */

static json *state_of(const struct simulation *s, const struct sim_container *c, const struct sim_status *st)
{
	json *o = json_object_new_object();
	bool up = st->state == TARE_RUNNING || st->state == TARE_PAUSED;

	json_set_str(o, "Status", tare_state_name(st->state));
	json_set_bool(o, "Running", up);
	json_set_bool(o, "Paused", st->state == TARE_PAUSED);
	json_set_bool(o, "Restarting", st->state == TARE_RESTARTING);
	json_set_bool(o, "OOMKilled", !up && st->oom);
	json_set_bool(o, "Dead", false);
	json_set_int(o, "Pid", up ? sim_pid(c, st) : 0);
	json_set_int(o, "ExitCode", up ? 0 : st->code);
	json_set_str(o, "Error", "");
	set_time(s, o, "StartedAt", st->started);
	set_time(s, o, "FinishedAt", st->finished);
	if (up && c->probe)
		json_set(o, "Health", sim_health_state(s, c, st, sim_now(s)));
	return o;
}

static json *config_of(struct simulation *s, const struct sim_container *c)
{
	json *o = json_object_new_object();
	const struct sim_image *image = sim_find_image(s, c->image_id, NULL);
	cleanup_strv char **env = strv_copy(c->env), **image_env = sim_words(image ? image->role->env : NULL);

	strv_add(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_foreach (v, image_env)
		if (!strv_has(env, *v))
			strv_add(&env, *v);
	json_set_str(o, "Hostname", json_str(c->asked, "hostname", c->name));
	json_set_str(o, "Domainname", "");
	json_set_str(o, "User", json_str(c->asked, "user", ""));
	json_set_bool(o, "Tty", c->tty);
	json_set_bool(o, "OpenStdin", c->interactive);
	json_set_strv(o, "Env", env);
	json_set_strv(o, "Cmd", c->command);
	json_set_strv(o, "Entrypoint", NULL);
	json_set_str(o, "Image", c->image);
	json_set_str(o, "WorkingDir", json_str(c->asked, "workdir", "/"));
	json_set(o, "Labels", c->labels ? json_object_get(c->labels) : json_object_new_object());
	json_set_str(o, "StopSignal", "SIGTERM");
	if (c->probe)
		json_set(o, "Healthcheck", sim_health_config(c));
	return o;
}

static json *host_config_of(const struct sim_container *c)
{
	json *o = json_object_new_object(), *restart = json_object_new_object(),
	     *log = json_object_new_object();

	json_set_str(log, "Type", "cri");
	json_set(log, "Config", json_object_new_object());
	json_set(o, "LogConfig", log);
	sim_host_config_network(c, o);
	json_set_str(restart, "Name", tare_restart_name(c->restart));
	json_set_int(restart, "MaximumRetryCount", c->restart_max);
	json_set(o, "RestartPolicy", restart);
	json_set_bool(o, "AutoRemove", c->auto_remove);
	json_set_bool(o, "Privileged", false);
	json_set_bool(o, "ReadonlyRootfs", false);
	json_set_str(o, "SecurityProfile", "default");
	json_set_int(o, "ShmSize", 64 << 20);
	json_set_int(o, "Memory", (int64_t)c->memory_limit);
	json_set_int(o, "MemorySwap", 0);
	json_set_int(o, "NanoCpus", (int64_t)c->cpus * 10000000);
	json_set_int(o, "CpuPeriod", c->cpus ? 100000 : 0);
	json_set_int(o, "CpuQuota", (int64_t)c->cpus * 1000);
	json_set_int(o, "PidsLimit", c->pids_limit);
	if (c->limits) {
		json_object_object_foreach (c->limits, key, value)
			json_set(o, key, json_object_get(value));
	}
	return o;
}

static json *mounts_of(const struct sim_container *c)
{
	json *a = json_object_new_array();

	strv_foreach (m, c->mounts) {
		json *o = json_object_new_object();
		size_t len = strcspn(*m, ":");
		const char *target = (*m)[len] ? *m + len + 1 : "";
		cleanup_free char *source = strndup(*m, len), *path = NULL,
		                  *destination = strndup(target, strcspn(target, ":"));
		bool volume = **m != '/', read_only = strstr(target, ":ro") != NULL;

		path = volume ? str_printf("/var/lib/tare/volumes/%s/data", source) : strdup(source);
		json_set_str(o, "Type", volume ? "volume" : "bind");
		if (volume) {
			json_set_str(o, "Name", source);
			json_set_str(o, "Driver", "local");
		}
		json_set_str(o, "Source", path);
		json_set_str(o, "Destination", destination);
		json_set_str(o, "Mode", read_only ? "ro" : "");
		json_set_bool(o, "RW", !read_only);
		json_set_str(o, "Propagation", volume ? "" : "rprivate");
		json_object_array_add(a, o);
	}
	return a;
}

int sim_inspect(struct tare_engine *t, const char *ref, bool with_size, json **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	struct sim_status st;
	uint64_t rw, rootfs;
	json *o;

	if (!c)
		return -1;
	st = sim_at(c, sim_now(s));
	o = json_object_new_object();
	cleanup_free char *name = str_printf("/%s", c->name);
	json_set_str(o, "Id", c->id);
	set_time(s, o, "Created", c->created);
	json_set_str(o, "Path", strv_len(c->command) ? c->command[0] : "");
	json_set_strv(o, "Args", strv_len(c->command) ? c->command + 1 : NULL);
	json_set(o, "State", state_of(s, c, &st));
	json_set_str(o, "Image", c->image_id);
	json_set_str(o, "Name", name);
	json_set_int(o, "RestartCount", st.restarts);
	json_set_str(o, "Driver", "simulated");
	json_set_str(o, "Platform", "linux");
	json_set(o, "HostConfig", host_config_of(c));
	json_set(o, "Mounts", mounts_of(c));
	json_set(o, "Config", config_of(s, c));
	json_set(o, "NetworkSettings",
	        sim_network_settings(c, st.state == TARE_RUNNING || st.state == TARE_PAUSED));
	if (with_size && sim_container_size(t, c->id, &rw, &rootfs, NULL) == 0) {
		json_set_int(o, "SizeRw", (int64_t)rw);
		json_set_int(o, "SizeRootFs", (int64_t)rootfs);
	}
	*out = o;
	return 0;
}

/* ------------------------------------------------------------------ top */

static const char *const helpers[] = {"worker process", "logger", "checkpointer", "writer", "scheduler",
        "cache loader", "health probe", "queue reader"};

static void set_clock(const struct simulation *s, int64_t at, char *dst, size_t size)
{
	time_t wall = (time_t)(sim_wall(s, at) / SIM_SECOND);
	struct tm tm;

	localtime_r(&wall, &tm);
	snprintf(dst, size, "%02d:%02d", tm.tm_hour, tm.tm_min);
}

static char *command_line(const struct sim_container *c, unsigned n)
{
	cleanup_buf struct buf b = BUF_INIT;

	if (n > 0)
		return str_printf("%s: %s %u", c->command && *c->command ? *c->command : "init",
		        helpers[sim_hash(c->seed, n) % (sizeof(helpers) / sizeof(*helpers))], n);
	strv_foreach (a, c->command) {
		buf_str_add(&b, a == c->command ? "" : " ");
		buf_str_add(&b, *a);
	}
	return buf_take(&b);
}

static json *process_row(
        const struct simulation *s, const struct sim_container *c, const struct sim_status *st, unsigned n)
{
	json *row = json_object_new_array();
	pid_t first = sim_pid(c, st);
	/* Some are children of the first one's children. */
	pid_t parent = n == 0 ? 1 : n > 3 && n % 3 == 0 ? first + (pid_t)(n / 3) : first;
	uint64_t cpu = (uint64_t)((double)(st->active / SIM_SECOND) * c->nature.cpu / (n + 1.5) * 0.5);
	cleanup_free char *command = command_line(c, n);
	char text[32];

	json_add_str(row, n == 0 || c->nature.pids < 5 ? "root" : "101");
	snprintf(text, sizeof(text), "%d", (int)first + (int)n);
	json_add_str(row, text);
	snprintf(text, sizeof(text), "%d", (int)parent);
	json_add_str(row, text);
	snprintf(text, sizeof(text), "%d", (int)(100 * c->nature.cpu / (n + 1.5) * 0.5));
	json_add_str(row, text);
	set_clock(s, st->started + (int64_t)n * SIM_SECOND, text, sizeof(text));
	json_add_str(row, text);
	json_add_str(row, c->tty ? "pts/0" : "?");
	snprintf(text, sizeof(text), "%02u:%02u:%02u", (unsigned)(cpu / 3600), (unsigned)(cpu / 60 % 60),
	        (unsigned)(cpu % 60));
	json_add_str(row, text);
	json_add_str(row, command ? command : "");
	return row;
}

/* CPU time of the n-th process, which follows the container's own, and its share of the memory. */
static json *process_usage(const struct sim_container *c, const struct sim_status *st, unsigned n)
{
	json *usage = json_object_new_array();
	double seconds = (double)st->active / 1e9;
	double cpu = c->nature.cpu / (n + 1.5) * 0.5 * sim_flow(sim_hash(c->seed, 40 + n), seconds, 5, 1);

	json_object_array_add(usage, json_object_new_int64((int64_t)(cpu * 1e9)));
	json_object_array_add(
	        usage, json_object_new_int64((int64_t)((double)c->nature.memory / (n + 1.2) * 0.6)));
	return usage;
}

int sim_top(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	static const char *const titles[] = {"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"};
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	struct sim_status st;
	json *names, *rows, *usage;

	if (!c)
		return -1;
	st = sim_at(c, sim_now(s));
	if (st.state != TARE_RUNNING && st.state != TARE_PAUSED)
		return err_set(e, ERR_CONFLICT, "container %s does not run; start it with: tare start %s",
		        c->name, c->name);
	names = json_object_new_array();
	rows = json_object_new_array();
	usage = json_object_new_array();
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		json_add_str(names, titles[i]);
	for (unsigned n = 0; n < c->nature.pids; n++) {
		json_object_array_add(rows, process_row(s, c, &st, n));
		json_object_array_add(usage, process_usage(c, &st, n));
	}
	*out = json_object_new_object();
	json_set(*out, "Titles", names);
	json_set(*out, "Processes", rows);
	json_set(*out, "Usage", usage);
	return 0;
}

/* ------------------------------------------------------------------ info */

int sim_info(struct tare_engine *t, json **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	int64_t counts[TARE_DEAD + 1] = {0}, total = 0, now;
	struct tare_host host;
	json *o;

	if (sim_refresh(s, e) < 0 || sim_host(t, &host, e) < 0)
		return -1;
	now = sim_now(s);
	for (size_t i = 0; i < s->n_containers; i++) {
		struct sim_status st = sim_at(s->containers[i], now);

		counts[st.state] += st.there;
		total += st.there;
	}
	o = json_object_new_object();
	json_set_int(o, "Containers", total);
	json_set_int(o, "ContainersRunning", counts[TARE_RUNNING]);
	json_set_int(o, "ContainersPaused", counts[TARE_PAUSED]);
	json_set_int(o, "ContainersStopped", total - counts[TARE_RUNNING] - counts[TARE_PAUSED]);
	json_set_int(o, "Images", (int64_t)s->n_images);
	json_set_str(o, "ServerVersion", TARE_VERSION);
	json_set_str(o, "Driver", "simulated");
	json_set_str(o, "LoggingDriver", "cri");
	json_set_str(o, "DockerRootDir", "none: nothing of the demo really runs");
	json_set_str(o, "StateDir", s->dir);
	json_set_str(o, "Name", host.hostname);
	json_set_str(o, "OperatingSystem", "simulated");
	json_set_str(o, "OSType", "linux");
	json_set_str(o, "Architecture", "x86_64");
	json_set_int(o, "NCPU", host.cpus);
	json_set_int(o, "MemTotal", (int64_t)host.memory_total);
	*out = o;
	return 0;
}
