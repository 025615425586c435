/* registry stop, status and gc: what is asked of a server that runs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/output.h"
#include "cli/registry_options.h"
#include "registry/server/channel.h"
#include "registry/server/commands.h"
#include "registry/server/control_gc.h"
#include "registry/server/server_record.h"
#include "registry/server/server_storage.h"

#define STATUS_PATIENCE_S 10
#define GC_PATIENCE_S     86400
#define GC_GRACE_NS       (INT64_C(3600) * 1000000000) /* without a registry that has its own */
#define STOP_PATIENCE_MS  (3700 * 1000)                /* the longest drain, and more */
#define KILL_PATIENCE_MS  5000

/* ---------------------------------------------------------------- stop */

static int wait_end(int pidfd, int ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int rc;

	do
		rc = poll(&p, 1, ms);
	while (rc < 0 && errno == EINTR);
	return rc > 0 ? 0 : -1;
}

int registry_stop(struct cli *cli, void *options, struct err *e)
{
	const struct registry_stop_options *o = options;
	cleanup_fd int dir = server_records_open(cli->state, e);
	struct server_record r;
	char url[SERVER_URL_SIZE];

	if (dir < 0 || server_record_find(dir, (int)o->port, &r, e) < 0)
		return -1;
	cleanup_fd int pidfd = proc_open(&r.process);
	if (pidfd >= 0 && (pidfd_signal(pidfd, SIGTERM) < 0 || wait_end(pidfd, STOP_PATIENCE_MS) < 0)) {
		pidfd_signal(pidfd, SIGKILL);
		if (wait_end(pidfd, KILL_PATIENCE_MS) < 0)
			return err_set(e, ERR_OTHER, "the registry (pid %d) does not end", r.process.pid);
	}
	server_record_remove(dir, r.port);
	printf("%s\n", server_record_url(&r, url));
	return 0;
}

/* ---------------------------------------------------------------- status */

static const struct field fields[] = {
        {"URL", "URL", 0, false},
        {"State", "STATE", 0, true},
        {"Pid", "PID", 0, false},
        {"Uptime", "UPTIME", 1, false},
        {"Connections", "CONNECTIONS", 2, false},
        {"Requests", "REQUESTS", 2, false},
        {"Uploads", "UPLOADS", 3, false},
        {"Size", "SIZE", 0, false},
        {"Storage", "STORAGE", 4, false},
        {NULL, NULL, 0, false},
};

static const struct list_view view = {
        .fields = fields,
        .columns = "URL State Pid Uptime Connections Requests Uploads Size Storage",
        .id = "URL",
};

/* A table shows texts. */
static void set_text(json *row, const char *key, int64_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)number);
	json_set_str(row, key, text);
}

static void set_number(json *row, const char *key, json *from, const char *name)
{
	set_text(row, key, json_int(from, name, 0));
}

static json *status_row(const struct server_record *r, json *answer)
{
	json *row = json_object_new_object();
	char url[SERVER_URL_SIZE], size[SIZE_TEXT_SIZE], up[AGO_TEXT_SIZE];
	const char *error = json_str(answer, "error", NULL);

	json_set_str(row, "URL", server_record_url(r, url));
	json_set_str(row, "State",
	        error                                  ? error
	        : json_bool(answer, "readOnly", false) ? "read-only"
	                                               : "running");
	set_text(row, "Pid", r->process.pid);
	json_set_str(row, "Storage", r->storage);
	json_set_str(row, "Uptime", duration_words(now_realtime() - r->started, up));
	set_number(row, "Connections", answer, "connections");
	set_number(row, "Requests", answer, "requests");
	set_number(row, "Uploads", answer, "uploads");
	json_set_str(row, "Size", size_format_decimal((uint64_t)json_int(answer, "storageBytes", 0), size));
	return row;
}

static json *ask(int dir, const struct server_record *r, json *question, int patience, struct err *e)
{
	char path[SERVER_SOCKET_SIZE];

	return channel_ask(server_socket_path(dir, r->port, path), question, patience, e);
}

/* What the process doesn't say, its record does. */
static json *ask_status(int dir, const struct server_record *r)
{
	cleanup_json json *question = json_object_new_object();
	struct err e = ERR_INIT;
	json *answer;

	json_set_str(question, "do", "status");
	answer = ask(dir, r, question, STATUS_PATIENCE_S, &e);
	if (!answer) {
		answer = json_object_new_object();
		json_set_str(answer, "error", e.msg);
	}
	json_set_str(answer, "address", r->address);
	json_set_int(answer, "port", r->port);
	json_set_bool(answer, "tls", r->tls);
	json_set_int(answer, "pid", r->process.pid);
	json_set_str(answer, "storage", r->storage);
	return answer;
}

static int print_json(json *list)
{
	cleanup_buf struct buf b = BUF_INIT;

	json_print(&b, list, JSON_PRETTY);
	return puts(buf_str(&b)) < 0 ? -1 : 0;
}

int registry_status(struct cli *cli, void *options, struct err *e)
{
	const struct registry_status_options *o = options;
	cleanup_fd int dir = server_records_open(cli->state, e);
	cleanup_free struct server_record *list = NULL;
	cleanup_json json *all = json_object_new_array();
	cleanup_rows struct rows rows = ROWS_INIT;
	struct list_format plain = {0};
	struct server_record one;
	int n;

	if (dir < 0 || (o->port && server_record_find(dir, (int)o->port, &one, e) < 0))
		return -1;
	n = server_records_list(dir, &list, e);
	for (int i = 0; i < n; i++) {
		if (o->port && list[i].port != o->port)
			continue;
		json *answer = ask_status(dir, &list[i]);
		bool bad = json_get(answer, "error");

		if (rows_add(&rows, status_row(&list[i], answer), NULL, bad ? TONE_BAD : TONE_GOOD, e) < 0)
			n = -1;
		json_object_array_add(all, answer);
	}
	if (n < 0)
		return -1;
	return cli->json ? print_json(all) : list_print(cli, &view, &plain, &rows, e);
}

/* ---------------------------------------------------------------- gc */

static json *collect_online(
        int dir, const struct server_record *r, const struct registry_gc_options *o, struct err *e)
{
	cleanup_json json *question = json_object_new_object();
	json *answer;

	json_set_str(question, "do", "gc");
	json_set_bool(question, "dryRun", o->dry_run);
	if (o->grace >= 0)
		json_set_int(question, "grace", o->grace);
	answer = ask(dir, r, question, GC_PATIENCE_S, e);
	if (!answer || !json_get(answer, "error"))
		return answer;
	err_set(e, ERR_OTHER, "%s", json_str(answer, "error", ""));
	json_free(&answer);
	return NULL;
}

static json *collect_offline(const struct cli *cli, const struct registry_gc_options *o, struct err *e)
{
	char name[4096];
	struct gc_options options = {.grace = o->grace < 0 ? GC_GRACE_NS : o->grace,
	        .alone = true,
	        .keep_untagged = o->keep_untagged,
	        .dry_run = o->dry_run};
	struct gc_result result = {0};
	struct storage *s;
	int rc;

	if (keep_rules_parse(o->keep, &options.keep, e) < 0)
		return NULL;
	/* true: nothing is made where no storage is */
	cleanup_fd int fd = server_storage_open(cli->root, o->storage, true, name, sizeof name, e);
	s = fd < 0 ? NULL : storage_open(fd, false, e);
	rc = s ? gc_run(s, &options, &result, e) : -1;
	if (s)
		storage_close(s);
	keep_rules_free(&options.keep);
	return rc < 0 ? NULL : gc_result_json(&result, o->dry_run);
}

static void print_result(json *j)
{
	char size[SIZE_TEXT_SIZE];

	size_format_decimal((uint64_t)json_int(j, "bytes", 0), size);
	printf("%s %lld tags, %lld manifests, %lld blobs, %lld uploads: %s\n",
	        json_bool(j, "dryRun", false) ? "Would remove" : "Removed", (long long)json_int(j, "tags", 0),
	        (long long)json_int(j, "manifests", 0), (long long)json_int(j, "blobs", 0),
	        (long long)json_int(j, "uploads", 0), size);
}

/* Its own rules are those that it was started with. */
static int check_rules(const struct registry_gc_options *o, struct err *e)
{
	if (o->keep || o->keep_untagged)
		return err_set(e, ERR_USAGE,
		        "a registry that runs keeps by the rules that it was started with; leave out --keep");
	return 0;
}

int registry_gc(struct cli *cli, void *options, struct err *e)
{
	const struct registry_gc_options *o = options;
	cleanup_fd int dir = server_records_open(cli->state, e);
	cleanup_json json *result = NULL;
	struct server_record r;
	int found = o->storage || dir < 0 ? -1 : server_record_find(dir, (int)o->port, &r, e);

	if (dir < 0 || (found < 0 && !o->storage && (o->port || e->kind != ERR_NOT_FOUND)))
		return -1;
	if (found == 0 && check_rules(o, e) < 0)
		return -1;
	result = found == 0 ? collect_online(dir, &r, o, e) : collect_offline(cli, o, e);
	if (!result)
		return -1;
	if (cli->json)
		return print_json(result);
	print_result(result);
	return 0;
}
