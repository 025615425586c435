#include "registry/server/server_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/store/store.h"

#define RECORD_MAX ((size_t)16 << 10)
#define NAME_SIZE  32

int server_records_open(const char *state, struct err *e)
{
	cleanup_free char *path = str_printf("%s/registry", state ? state : STORE_STATE_DEFAULT);
	int fd;

	if (!path)
		return err_no_memory(e);
	if (mkdir_all(path, 0700) < 0)
		return err_sys(e, "cannot make %s", path);
	fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s", path) : fd;
}

int server_record_write(int dirfd, const struct server_record *r, struct err *e)
{
	cleanup_json json *j = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;
	char name[NAME_SIZE];

	json_set_int(j, "pid", r->process.pid);
	json_set_int(j, "start_time", (int64_t)r->process.start_time);
	json_set_str(j, "boot", boot_id());
	json_set_str(j, "address", r->address);
	json_set_int(j, "port", r->port);
	json_set_bool(j, "tls", r->tls);
	json_set_str(j, "storage", r->storage);
	json_set_int(j, "started", r->started);
	json_print(&text, j, JSON_COMPACT);
	snprintf(name, sizeof name, "%d.json", r->port);
	return file_write_at(dirfd, name, buf_str(&text), text.len, 0600, FILE_NO_SYNC, e);
}

void server_record_remove(int dirfd, int port)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof name, "%d.json", port);
	unlinkat(dirfd, name, 0);
	snprintf(name, sizeof name, "%d.sock", port);
	unlinkat(dirfd, name, 0);
}

void server_log_remove(int dirfd, int port)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof name, "%d.log", port);
	unlinkat(dirfd, name, 0);
}

/* Whether it is of a process that lives. */
static bool read_record(int dirfd, int port, struct server_record *r)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof name, "%d.json", port);
	cleanup_json json *j = json_read_at(dirfd, name, RECORD_MAX, NULL);
	memset(r, 0, sizeof *r);
	r->process.pid = (pid_t)json_int(j, "pid", 0);
	r->process.start_time = (uint64_t)json_int(j, "start_time", 0);
	snprintf(r->address, sizeof r->address, "%s", json_str(j, "address", ""));
	r->port = port;
	r->tls = json_bool(j, "tls", false);
	snprintf(r->storage, sizeof r->storage, "%s", json_str(j, "storage", ""));
	r->started = json_int(j, "started", 0);
	return r->process.pid > 0 && strcmp(json_str(j, "boot", ""), boot_id()) == 0 &&
	       proc_alive(&r->process);
}

/* A port from "PORT.json", or 0. */
static int port_of(const char *name)
{
	char *end;
	long v = strtol(name, &end, 10);

	return end != name && strcmp(end, ".json") == 0 && v > 0 && v <= 65535 ? (int)v : 0;
}

static int by_port(const void *a, const void *b)
{
	return ((const struct server_record *)a)->port - ((const struct server_record *)b)->port;
}

int server_records_list(int dirfd, struct server_record **list, struct err *e)
{
	int fd = openat(dirfd, ".", O_DIRECTORY | O_CLOEXEC), n = 0;
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	*list = NULL;
	if (!d)
		return err_sys(e, "cannot list the registries");
	for (struct dirent *entry; (entry = readdir(d));) {
		int port = port_of(entry->d_name);
		struct server_record *more = port ? realloc(*list, (size_t)(n + 1) * sizeof **list) : NULL;

		if (!more)
			continue;
		*list = more;
		if (read_record(dirfd, port, &more[n]))
			n++;
		else
			server_record_remove(dirfd, port);
	}
	if (n)
		qsort(*list, (size_t)n, sizeof **list, by_port);
	return n;
}

int server_record_find(int dirfd, int port, struct server_record *r, struct err *e)
{
	cleanup_free struct server_record *list = NULL;
	int n = server_records_list(dirfd, &list, e);

	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (list[i].port == port || (!port && n == 1)) {
			*r = list[i];
			return 0;
		}
	if (port)
		return err_set(e, ERR_NOT_FOUND,
		        "no registry of ours listens on port %d; see tare registry status", port);
	return n ? err_set(e, ERR_CONFLICT, "%d registries run; say which with -p PORT", n)
	         : err_set(e, ERR_NOT_FOUND, "no registry runs; start one with tare registry start");
}

char *server_record_url(const struct server_record *r, char dst[SERVER_URL_SIZE])
{
	const char *six = strchr(r->address, ':');

	snprintf(dst, SERVER_URL_SIZE, "%s://%s%s%s:%d", r->tls ? "https" : "http", six ? "[" : "",
	        r->address, six ? "]" : "", r->port);
	return dst;
}

char *server_socket_path(int dirfd, int port, char dst[SERVER_SOCKET_SIZE])
{
	snprintf(dst, SERVER_SOCKET_SIZE, "/proc/self/fd/%d/%d.sock", dirfd, port);
	return dst;
}
