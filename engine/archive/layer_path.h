/* The name of an archive entry, checked and taken apart: what may be written beneath a layer's root. */
#ifndef TARE_ARCHIVE_LAYER_PATH_H
#define TARE_ARCHIVE_LAYER_PATH_H

#include <limits.h>
#include <stdbool.h>

struct err;

struct layer_path {
	char parent[PATH_MAX];   /* "" for the root, no "." or ".." or doubled slashes */
	char name[NAME_MAX + 1]; /* "" for the root itself */
};

enum layer_path_kind {
	LAYER_PATH_PLAIN,
	LAYER_PATH_WHITEOUT, /* `name` is what is hidden, without ".wh." */
	LAYER_PATH_OPAQUE,   /* `name` is "", `parent` the directory that hides what is below it */
	LAYER_PATH_IGNORED,  /* book-keeping of aufs (".wh..wh.plnk" and the like) */
};

/* Refused: "..", absolute names, empty ones, names and paths that are too long, and whiteouts of nothing,
 * "." and "..". -1 with e, else the kind. */
int layer_path_parse(const char *text, struct layer_path *p, struct err *e);
/* The same checks, but ".wh." means nothing: a name in any archive. */
int layer_path_parse_plain(const char *text, struct layer_path *p, struct err *e);
/* The same checks for the target of a hard link, which is a name inside the layer; a leading slash is
 * allowed (some builders write them) and means the layer's root. */
int layer_path_parse_link(const char *text, struct layer_path *p, struct err *e);

#endif
