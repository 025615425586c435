/* Seal: what makes a repository unreadable without its key file: XChaCha20-Poly1305 over everything that is
 * stored, and names of chunks that are keyed (BLAKE2b). All keys come from the key file and the repository's
 * salt. A repository without a key has the same interface: nothing is sealed, names are SHA-256. */
#ifndef TARE_BACKUP_SEAL_H
#define TARE_BACKUP_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/backup/chunk.h"

struct err;

#define SEAL_OVERHEAD  40 /* a random nonce of 24 bytes in front, a tag of 16 behind */
#define SEAL_SALT_SIZE 32
#define SEAL_SEED_SIZE 32

struct seal {
	bool on;
	unsigned char id_key[32], box_key[32];
	unsigned char
	        seed[SEAL_SEED_SIZE]; /* of the chunker: the lengths of chunks would tell what they are */
	unsigned char check[SEAL_SEED_SIZE]; /* may be known to all; tells a wrong key from a damaged file */
};

/* What a piece is sealed as: it cannot be put where another kind belongs. */
enum seal_kind { SEAL_CHUNK = 'c', SEAL_DIRECTORY = 'd', SEAL_DOCUMENT = 's' };

/* Once, before all others. */
int seal_start(struct err *e);
/* From the key file beneath AT_FDCWD; `make`: written with fresh bytes when it is missing (mode 0600,
 * synced). ERR_PERMISSION when it is missing, readable to others is no error. */
int seal_open(struct seal *s, const char *key_file, bool make, const unsigned char salt[SEAL_SALT_SIZE],
        struct err *e);
void seal_forget(struct seal *s); /* wipes the keys */

void seal_chunk_id(const struct seal *s, const void *data, size_t len, struct chunk_id *id);
/* out has room for len + SEAL_OVERHEAD. Returns the length. Only when s->on. */
size_t seal_box(const struct seal *s, enum seal_kind kind, const void *data, size_t len, unsigned char *out);
/* In place: the content begins at data + 24. -1 when it is not what was sealed. */
int seal_unbox(const struct seal *s, enum seal_kind kind, unsigned char *data, size_t len, size_t *content);
#define SEAL_NONCE 24

#endif
