/* TOML (1.0) as far as registries.conf and hosts.toml use it: tables, arrays of tables, inline tables,
 * strings of all four kinds, integers, booleans, arrays; floats and dates are accepted and not looked into. A
 * text is bounded in size by the caller, in depth and values here; what is wrong is told as FILE:LINE. */
#ifndef TARE_REGISTRY_TOML_H
#define TARE_REGISTRY_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define TOML_MAX_BYTES (1 << 20)
#define TOML_DEPTH     16
#define TOML_VALUES    16384

enum toml_kind { TOML_TABLE, TOML_ARRAY, TOML_STRING, TOML_INTEGER, TOML_BOOL, TOML_OTHER };

/* A value; those of a table or an array hang together by `next`, from `first`, in the order of the text. */
struct toml {
	enum toml_kind kind;
	unsigned line;
	char *key;    /* in a table; else NULL */
	char *string; /* TOML_STRING; holds no zero byte */
	int64_t integer;
	bool boolean;
	struct toml *first, *last, *next;
	bool closed;  /* private: written as a whole, nothing may be added */
	bool defined; /* private: a table that had its header */
	bool dotted;  /* private: a table that came from a.b = … */
};

/* The document, a table. NULL with e; `file` names it there. */
struct toml *toml_parse(const char *text, size_t len, const char *file, struct err *e);
void toml_free(struct toml *t);
void toml_free_ptr(struct toml **t);
#define cleanup_toml __attribute__((cleanup(toml_free_ptr)))

/* t[key], or NULL; t may be NULL. */
struct toml *toml_get(const struct toml *t, const char *key);
const char *toml_kind_name(const struct toml *t); /* "a table", "a string", … */

#endif
