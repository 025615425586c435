/* Credentials files: any JSON as a file's entries, any text as a key. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "registry/client/credential.h"
#include "registry/client/credential_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One spelling: to spell it again changes nothing. */
static void check_key(const char *written)
{
	char key[CREDENTIAL_KEY_SIZE], again[CREDENTIAL_KEY_SIZE];

	if (!credential_key(written, key))
		return;
	if (strlen(key) >= CREDENTIAL_KEY_SIZE || !*key)
		abort();
	credential_key(key, again);
	while (credential_key_up(key))
		if (!*key)
			break;
}

/* What was read is read again when it is written. */
static void check_entry(json *entry, const char *key)
{
	struct credential c = CREDENTIAL_INIT, d = CREDENTIAL_INIT;
	struct err e = ERR_INIT;

	if (credential_entry_read(entry, "fuzz", key, &c, &e) == 0 && credential_is_set(&c)) {
		json *copy = json_object_new_object();

		if (credential_entry_write(copy, &c, &e) == 0 &&
		        (credential_entry_read(copy, "fuzz", key, &d, &e) < 0 ||
		                (c.username && *c.username && *c.username != '<' &&
		                        strcmp(c.username, d.username) != 0)))
			abort();
		json_object_put(copy);
	}
	credential_free(&c);
	credential_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json *doc, *auths;

	log_set_level(LOG_LEVEL_ERROR);
	if (size > 4096)
		return 0;
	doc = json_parse((const char *)data, size, "fuzz", NULL);
	auths = json_get(doc, "auths");
	if (json_object_is_type(auths, json_type_object)) {
		credential_map_get(auths, "docker.io", NULL);
		json_object_object_foreach (auths, key, entry) {
			check_key(key);
			check_entry(entry, key);
		}
	}
	json_object_put(doc);
	return 0;
}
