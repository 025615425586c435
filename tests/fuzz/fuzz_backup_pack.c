/* Fuzz target: a pack of any bytes whose directory has the digest that its name says (whoever writes a
 * hostile pack can see to that). What is read stays in bounds; chunks become no longer than they say. */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/backup/pack.h"
#include "engine/backup/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Head, the length of the directory if it fits, version and digest. */
static void mend(uint8_t *p, size_t size, struct pack_name *name)
{
	uint8_t *footer = p + size - PACK_FOOTER_SIZE;
	uint32_t len = get_le32(footer);
	memcpy(p, "tarepack", PACK_FIRST);
	if (len > size - PACK_FIRST - PACK_FOOTER_SIZE)
		len = (uint32_t)((size - PACK_FIRST - PACK_FOOTER_SIZE) / 48 * 48);
	put_le32(footer, len);
	put_le32(footer + 4, 1);
	EVP_Digest(footer - len, len + 8, name->bytes, NULL, EVP_sha256(), NULL);
	memcpy(footer + 8, name->bytes, 32);
}

static void decode(int fd, const struct pack_directory *d, const struct seal *s)
{
	uint64_t at = PACK_FIRST;
	cleanup_blob_coder struct blob_coder *c = blob_coder_new(s, NULL);
	for (size_t i = 0; i < d->n; at += d->blobs[i++].stored) {
		const struct blob *b = &d->blobs[i];
		struct err e = ERR_INIT;
		if (b->stored > BLOB_STORED_MAX || b->plain > CHUNK_MAX || at + b->stored > d->size)
			abort();
		unsigned char *stored = malloc(b->stored), *plain = malloc(b->plain);
		if (pack_read(fd, at, stored, b->stored, &e) < 0)
			abort();
		if (blob_decode(c, b, stored, plain, &e) < 0 && !e.msg[0])
			abort();
		free(stored);
		free(plain);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct seal none = {0};
	struct pack_name name = {{0}};
	struct err e = ERR_INIT;
	cleanup_pack_directory struct pack_directory d = {0};
	if (size < PACK_FIRST + PACK_FOOTER_SIZE || size > 1 << 16)
		return 0;
	cleanup_fd int fd = memfd_create("pack", MFD_CLOEXEC);
	uint8_t *copy = malloc(size);
	memcpy(copy, data, size);
	if (size % 7)
		mend(copy, size, &name);
	int rc = write_all(fd, copy, size) < 0 ? -1 : pack_read_directory(fd, &name, &none, &d, &e);
	free(copy);
	if (rc < 0 && !e.msg[0])
		abort();
	if (rc == 0)
		decode(fd, &d, &none);
	return 0;
}
