/* The files that a registry is told of: certificate, key, users, rules. The supervisor reads them, as root,
 * and hands their content to the worker, which can open none. */
#ifndef TARE_REGISTRY_SERVER_FILES_H
#define TARE_REGISTRY_SERVER_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct server_options;

enum server_file { FILE_CERTIFICATE, FILE_KEY, FILE_HTPASSWD, FILE_ACL, FILE_COUNT };

struct server_files {
	char *text[FILE_COUNT]; /* NULL: not asked for */
	uint64_t stamp[FILE_COUNT];
};

/* -1 with e: the texts are as they were, but the files count as read. */
int server_files_read(const struct server_options *o, struct server_files *f, struct err *e);
/* Has one of them another time, size or inode than when it was read? */
bool server_files_changed(const struct server_options *o, const struct server_files *f);
void server_files_free(struct server_files *f);
/* The whole set as one memfd, and back. */
int server_files_pack(const struct server_files *f);
int server_files_unpack(int fd, struct server_files *f);

#endif
