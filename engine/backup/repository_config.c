/* config: the format's number, and what chunks are cut and sealed by. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "engine/backup/document.h"
#include "engine/backup/repository_own.h"

#define FORMAT 1
#define CIPHER "xchacha20-poly1305"

static bool from_hex(const char *text, unsigned char *out, size_t len)
{
	if (strlen(text) != 2 * len || strspn(text, "0123456789abcdef") != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return true;
}

static void set_hex(json *j, const char *key, const unsigned char *data, size_t len)
{
	char text[2 * SEAL_SALT_SIZE + 1];
	json_set_str(j, key, sodium_bin2hex(text, sizeof(text), data, len));
}

static int no_key(const struct repository *r, struct err *e)
{
	return err_set(e, ERR_PERMISSION, "the repository %s is encrypted: name its key file with --key-file",
	        r->dir);
}

static int read_sealed(struct repository *r, json *j, const char *key_file, struct err *e)
{
	unsigned char salt[SEAL_SALT_SIZE], check[SEAL_SEED_SIZE];
	if (strcmp(json_str(j, "cipher", ""), CIPHER) != 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "%s/config: a cipher that this Tare does not know", r->dir);
	if (!from_hex(json_str(j, "salt", ""), salt, sizeof(salt)) ||
	        !from_hex(json_str(j, "check", ""), check, sizeof(check)))
		return err_set(e, ERR_CORRUPT, "%s/config has no right salt or check", r->dir);
	if (!key_file)
		return no_key(r, e);
	if (seal_open(&r->seal, key_file, false, salt, e) < 0)
		return -1;
	if (sodium_memcmp(check, r->seal.check, sizeof(check)) != 0)
		return err_set(e, ERR_PERMISSION, "%s is not the key of the repository %s", key_file, r->dir);
	chunker_init(&r->chunker, r->seal.seed);
	return 0;
}

static int read_plain(struct repository *r, json *j, const char *key_file, struct err *e)
{
	unsigned char seed[CHUNKER_SEED_SIZE];
	if (key_file)
		return err_set(e, ERR_USAGE,
		        "the repository %s is not encrypted; leave the key file out, or begin a new one",
		        r->dir);
	if (!from_hex(json_str(j, "seed", ""), seed, sizeof(seed)))
		return err_set(e, ERR_CORRUPT, "%s/config has no right seed", r->dir);
	chunker_init(&r->chunker, seed);
	return 0;
}

int repository_config_read(struct repository *r, const char *key_file, struct err *e)
{
	struct document_digest digest;
	cleanup_json json *j = document_read(r->dirfd, "config", NULL, &digest, e);
	if (!j && e && e->kind == ERR_NOT_FOUND)
		return err_set(
		        e, ERR_NOT_FOUND, "%s is no backup repository: it has no file \"config\"", r->dir);
	if (!j)
		return err_wrap(e, "%s/config", r->dir);
	int64_t format = json_int(j, "format", 0);
	if (format > FORMAT)
		return err_set(e, ERR_UNSUPPORTED,
		        "the repository %s was made by a newer Tare; update this one", r->dir);
	if (format < 1)
		return err_set(e, ERR_CORRUPT, "%s/config is not that of a backup repository", r->dir);
	return json_get(j, "cipher") ? read_sealed(r, j, key_file, e) : read_plain(r, j, key_file, e);
}

int repository_config_make(struct repository *r, const char *key_file, struct err *e)
{
	unsigned char random[SEAL_SALT_SIZE];
	struct document_digest digest;
	cleanup_json json *j = json_object_new_object();
	randombytes_buf(random, sizeof(random));
	json_set_int(j, "format", FORMAT);
	if (key_file) {
		if (seal_open(&r->seal, key_file, true, random, e) < 0)
			return -1;
		json_set_str(j, "cipher", CIPHER);
		set_hex(j, "salt", random, sizeof(random));
		set_hex(j, "check", r->seal.check, sizeof(r->seal.check));
	} else {
		set_hex(j, "seed", random, sizeof(random));
	}
	if (!j)
		return err_no_memory(e);
	if (document_write(r->dirfd, "config", NULL, j, &digest, e) < 0)
		return err_wrap(e, "repository %s", r->dir);
	return repository_config_read(r, key_file, e);
}
