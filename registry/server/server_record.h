/* Records of the registries that run: STATE/registry/PORT.json, read by status, stop, gc and push. A record
 * counts only while its process lives: pid, start time and boot. */
#ifndef TARE_REGISTRY_SERVER_RECORD_H
#define TARE_REGISTRY_SERVER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/proc.h"

struct err;

struct server_record {
	struct proc_id process;
	char address[64]; /* "127.0.0.1", "::1" */
	int port;
	bool tls;
	char storage[4096];
	int64_t started; /* ns since the epoch */
};

/* STATE/registry, made when missing; state NULL: the default. -1 with e. */
int server_records_open(const char *state, struct err *e);
int server_record_write(int dirfd, const struct server_record *r, struct err *e);
void server_record_remove(int dirfd, int port);
/* PORT.log, what one in the background said: kept when it did not end by itself. */
void server_log_remove(int dirfd, int port);
/* Those that live, by port; stale ones are removed. The count, or -1 with e. */
int server_records_list(int dirfd, struct server_record **list, struct err *e);
/* port 0: the only one. ERR_NOT_FOUND, ERR_CONFLICT. */
int server_record_find(int dirfd, int port, struct server_record *r, struct err *e);
/* "http://127.0.0.1:5000" */
#define SERVER_URL_SIZE 96
char *server_record_url(const struct server_record *r, char dst[SERVER_URL_SIZE]);
/* /proc/self/fd/N/PORT.sock, whatever the length of the state directory's path. */
#define SERVER_SOCKET_SIZE 64
char *server_socket_path(int dirfd, int port, char dst[SERVER_SOCKET_SIZE]);

#endif
