#include "engine/backup/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define KEY_MIN  32
#define KEY_MAX  4096
#define CONTEXT  "tarevol1" /* of the derivation: eight bytes */
#define KEY_MADE 32

int seal_start(struct err *e)
{
	return sodium_init() < 0 ? err_set(e, ERR_OTHER, "cannot start libsodium") : 0;
}

/* Never over a file that is there: O_EXCL. */
static int make_key_file(const char *path, struct err *e)
{
	unsigned char key[KEY_MADE];
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : err_sys(e, "cannot make the key file %s", path);
	randombytes_buf(key, sizeof(key));
	int rc = write_all(fd, key, sizeof(key)) < 0 || fsync(fd) < 0 ? -1 : 0;
	sodium_memzero(key, sizeof(key));
	if (rc < 0) {
		err_sys(e, "cannot write the key file %s", path);
		unlink(path);
	}
	return rc;
}

/* Its name lasts, too: without it the backups are lost. */
static void sync_parent(const char *path)
{
	cleanup_free char *copy = str_printf("%s", path);
	cleanup_fd int dir = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir >= 0)
		(void)fsync(dir);
}

static int derive(struct seal *s, const struct buf *key, const unsigned char *salt, struct err *e)
{
	unsigned char master[crypto_kdf_KEYBYTES];
	if (key->len < KEY_MIN)
		return err_set(e, ERR_USAGE, "the key file has %zu bytes; it needs at least %d random ones",
		        key->len, KEY_MIN);
	crypto_generichash(
	        master, sizeof(master), (const unsigned char *)key->data, key->len, salt, SEAL_SALT_SIZE);
	crypto_kdf_derive_from_key(s->id_key, sizeof(s->id_key), 1, CONTEXT, master);
	crypto_kdf_derive_from_key(s->box_key, sizeof(s->box_key), 2, CONTEXT, master);
	crypto_kdf_derive_from_key(s->seed, sizeof(s->seed), 3, CONTEXT, master);
	crypto_kdf_derive_from_key(s->check, sizeof(s->check), 4, CONTEXT, master);
	sodium_memzero(master, sizeof(master));
	s->on = true;
	return 0;
}

int seal_open(struct seal *s, const char *key_file, bool make, const unsigned char salt[SEAL_SALT_SIZE],
        struct err *e)
{
	cleanup_buf struct buf key = BUF_INIT_MAX(KEY_MAX);
	if (make && access(key_file, F_OK) < 0 && errno == ENOENT) {
		if (make_key_file(key_file, e) < 0)
			return -1;
		sync_parent(key_file);
	}
	if (file_read_at(AT_FDCWD, key_file, &key, e) < 0) {
		if (e && e->kind == ERR_NOT_FOUND)
			e->kind = ERR_PERMISSION;
		return err_wrap(e, "key file");
	}
	int rc = derive(s, &key, salt, e);
	if (key.data)
		sodium_memzero(key.data, key.len);
	return rc < 0 ? err_wrap(e, "%s", key_file) : 0;
}

void seal_forget(struct seal *s)
{
	sodium_memzero(s, sizeof(*s));
}

void seal_chunk_id(const struct seal *s, const void *data, size_t len, struct chunk_id *id)
{
	if (s->on) {
		crypto_generichash(id->bytes, sizeof(id->bytes), data, len, s->id_key, sizeof(s->id_key));
		return;
	}
	memset(id->bytes, 0, sizeof(id->bytes));
	EVP_Digest(data, len, id->bytes, NULL, EVP_sha256(), NULL);
}

size_t seal_box(const struct seal *s, enum seal_kind kind, const void *data, size_t len, unsigned char *out)
{
	const unsigned char as = (unsigned char)kind;
	randombytes_buf(out, SEAL_NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	        out + SEAL_NONCE, NULL, data, len, &as, 1, NULL, out, s->box_key);
	return len + SEAL_OVERHEAD;
}

int seal_unbox(const struct seal *s, enum seal_kind kind, unsigned char *data, size_t len, size_t *content)
{
	const unsigned char as = (unsigned char)kind;
	if (len < SEAL_OVERHEAD)
		return -1;
	*content = len - SEAL_OVERHEAD;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(
	        data + SEAL_NONCE, NULL, NULL, data + SEAL_NONCE, len - SEAL_NONCE, &as, 1, data, s->box_key);
}
