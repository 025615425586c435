/* One entry of a credentials file, and the keys it may stand under. */
#ifndef TARE_REGISTRY_CREDENTIAL_ENTRY_H
#define TARE_REGISTRY_CREDENTIAL_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

struct credential;
struct err;

#define CREDENTIAL_KEY_SIZE 512
/* A key as files have it ("https://index.docker.io/v1/", "Quay.io/team") in one spelling ("docker.io",
 * "quay.io/team"). False when it is none. */
bool credential_key(const char *written, char dst[CREDENTIAL_KEY_SIZE]);

/* Walk the keys that count for domain/repository, the most specific first: "quay.io/a/b", "quay.io/a",
 * "quay.io". `key` starts as the first of them. False behind the last. */
bool credential_key_up(char key[CREDENTIAL_KEY_SIZE]);

/* The value in `map` whose key means `key`; one spelt like that before others. NULL when there is none.
 * *written (may be NULL) is its key as it stands there. */
json *credential_map_get(json *map, const char *key, const char **written);

/* What the entry holds into c, nothing (0) when it is empty. `source` and `key` are for messages, which never
 * quote what is inside. */
int credential_entry_read(
        json *entry, const char *source, const char *key, struct credential *c, struct err *e);
/* Put c into `entry`, an object whose other members stay. */
int credential_entry_write(json *entry, const struct credential *c, struct err *e);

#endif
