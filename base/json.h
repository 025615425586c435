/* JSON: json-c behind bounds. A document from outside is read with a size limit (the caller's), a
 * depth limit of 64, a limit of what its values need of memory (24 MiB, or 16 times its length), strict
 * syntax, and nothing after its end.
 *
 * The type is json-c's `struct json_object`; ownership is json-c's (get/put). The getters below never
 * fail: they give the default when the key is missing or has another type. */
#ifndef TARE_BASE_JSON_H
#define TARE_BASE_JSON_H

/* json-c calls its int of truth json_bool; that name is our getter's. Include json-c only through here. */
#define json_bool json_c_bool
#include <json-c/json.h>
#undef json_bool
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

typedef struct json_object json;

void json_free(json **j);
#define cleanup_json __attribute__((cleanup(json_free)))

/* The document, the caller's to put; NULL with e ("what: line …"). */
json *json_parse(const char *text, size_t len, const char *what, struct err *e);
/* About how much memory the parsed document needs, without parsing it: for who has less of it. */
size_t json_cost(const char *text, size_t len);
/* Read and parse a file of at most `max` bytes beneath dirfd. */
json *json_read_at(int dirfd, const char *path, size_t max, struct err *e);

/* obj[key], borrowed, or NULL; obj may be NULL or not an object. */
json *json_get(json *obj, const char *key);
/* Walk "a.b.c" through objects, borrowed or NULL. */
json *json_path(json *obj, const char *dotted);
const char *json_str(json *obj, const char *key, const char *dflt);
int64_t json_int(json *obj, const char *key, int64_t dflt);
double json_double(json *obj, const char *key, double dflt);
bool json_bool(json *obj, const char *key, bool dflt);
/* obj[key] as array of strings into an allocated vector (other members are skipped). NULL if none. */
char **json_strv(json *obj, const char *key);

/* Setters that swallow NULL: json_set_str(o, k, NULL) sets JSON null. */
void json_set(json *obj, const char *key, json *val); /* takes val */
void json_set_str(json *obj, const char *key, const char *s);
void json_set_int(json *obj, const char *key, int64_t v);
void json_set_bool(json *obj, const char *key, bool v);
void json_set_strv(json *obj, const char *key, char *const *v);
void json_add_str(json *array, const char *s);

/* Serialise: compact one line, or indented by two spaces. No escaped slashes. */
enum json_layout { JSON_COMPACT, JSON_PRETTY };
void json_print(struct buf *out, json *j, enum json_layout layout);

#endif
