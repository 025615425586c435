/* Fuzz target: the record of a backup, of any bytes, with a right digest or not. */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/backup/document.h"
#include "engine/backup/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_document(char *text, size_t len)
{
	struct err e = ERR_INIT;
	struct document_digest digest;
	cleanup_snapshot_record struct snapshot_record r = {0};
	cleanup_json json *j = document_parse(text, len, NULL, &digest, &e);
	if (!j && !e.msg[0])
		abort();
	if (!j)
		return;
	if (snapshot_from_json(j, &r, &e) < 0) {
		if (!e.msg[0])
			abort();
	} else if (!r.about.volume || !r.about.host || r.n == 0 || !r.listing || r.about.bytes > INT64_MAX) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char raw[32];
	char *text = malloc(size + 66);
	memcpy(text, data, size);
	try_document(text, size);
	memcpy(text, data, size);
	EVP_Digest(text, size, raw, NULL, EVP_sha256(), NULL);
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(text + size + 2 * i, 3, "%02x", raw[i]);
	text[size + 64] = '\n';
	try_document(text, size + 65);
	free(text);
	return 0;
}
