/* The parts of the TOML reader among each other. */
#ifndef TARE_REGISTRY_TOML_READER_H
#define TARE_REGISTRY_TOML_READER_H

#include "registry/client/toml.h"

struct toml_reader {
	const char *text;
	size_t len, at;
	unsigned line, depth, values;
	const char *file;
	struct err *e;
};

/* The byte `ahead` of where we are; 0 at the end (the text itself has none). */
static inline char toml_peek(const struct toml_reader *r, size_t ahead)
{
	return r->at + ahead < r->len ? r->text[r->at + ahead] : '\0';
}

/* Sets "FILE:LINE: what"; -1. */
int toml_wrong(struct toml_reader *r, const char *what);
void toml_skip_blank(struct toml_reader *r); /* spaces and tabs */
/* Blanks, newlines and comments. */
int toml_skip_space(struct toml_reader *r);
/* A comment, if one stands here. */
int toml_skip_comment(struct toml_reader *r);

/* A new last child of `parent` (key is taken, freed on failure). NULL with the error set. */
struct toml *toml_add(struct toml_reader *r, struct toml *parent, char *key, enum toml_kind kind);
/* A string in quotes of any kind, allocated; `lines`: those of three quotes are allowed. NULL: error set. */
char *toml_string(struct toml_reader *r, bool lines);
/* A value behind '=' or in an array: a new child of `parent` under `key` (taken). */
int toml_value(struct toml_reader *r, struct toml *parent, char *key);
/* KEY = VALUE, dots and all, into a table. */
int toml_pair(struct toml_reader *r, struct toml *table);

#endif
