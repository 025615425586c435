/* What the two operands of a copy mean, by Docker's rules; nothing is looked at here. */
#ifndef TARE_ENGINE_CONTAINER_COPY_PATH_H
#define TARE_ENGINE_CONTAINER_COPY_PATH_H

#include <stdbool.h>

struct err;

enum copy_place { COPY_HOST, COPY_CONTAINER, COPY_STREAM };

/* An operand: "CONTAINER:PATH", "PATH", "-". */
struct copy_operand {
	enum copy_place place;
	char *container; /* or a volume; NULL elsewhere */
	char *path;      /* NULL of a stream */
};
int copy_operand_parse(const char *text, struct copy_operand *o, struct err *e);
void copy_operand_free(struct copy_operand *o);
#define cleanup_copy_operand __attribute__((cleanup(copy_operand_free)))

/* A path, and what the way it is written says. */
struct copy_path {
	char *text;   /* without what it ends with: "a/b" of "a/b/" and of "a/b/." */
	char *dir;    /* what the last name is in: "a", "/", "." */
	char *name;   /* the last name, or NULL: "/", ".", "..", "a/.." have none */
	bool is_dir;  /* it ended with "/" or "/.", or has no name: it means a directory */
	bool content; /* it ended with "/.", or has no name: as a source, what is in the directory */
};
int copy_path_parse(const char *text, struct copy_path *p, struct err *e);
void copy_path_free(struct copy_path *p);
#define cleanup_copy_path __attribute__((cleanup(copy_path_free)))
/* Where a symbolic link called `p` leads to. NULL: out of memory. */
char *copy_path_follow(const struct copy_path *p, const char *target);

enum copy_kind { COPY_NOTHING, COPY_DIRECTORY, COPY_FILE /* and all else */ };

enum copy_way {
	COPY_AS,      /* the source becomes the destination, under its name */
	COPY_INTO,    /* the source goes into the destination, under its own name */
	COPY_CONTENT, /* what is in the source goes into the destination */
};
/* A copy_way, or -1 with e. `from` and `to` as they were typed, for messages. */
int copy_rule(const struct copy_path *source, enum copy_kind source_kind, const char *from,
        const struct copy_path *dest, enum copy_kind dest_kind, const char *to, struct err *e);

#endif
