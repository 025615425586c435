/* Fuzz target: an image's name and a digest of any bytes. What is taken for one is written in its full and in
 * its familiar form, and each of them means the same again; a digest's path stays within the store. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/digest.h"
#include "engine/oci/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_reference(const char *text)
{
	struct reference r, again;
	struct err e = ERR_INIT;

	if (reference_parse(text, &r, &e) != 0) {
		check(*e.msg);
		return;
	}
	cleanup_free char *full = reference_full(&r), *familiar = reference_familiar(&r);
	const char *const forms[] = {full, familiar};
	for (size_t i = 0; i < 2; i++) {
		check(forms[i] && reference_parse(forms[i], &again, &e) == 0);
		cleanup_free char *same = reference_full(&again);
		check(same && strcmp(same, full) == 0);
		reference_free(&again);
	}
	reference_free(&r);
}

static void check_digest(const char *text)
{
	char out[DIGEST_TEXT_SIZE];
	struct digest d;

	if (digest_parse(text, &d, NULL) != 0)
		return;
	check(strcmp(digest_text(&d, out), text) == 0);
	digest_path(&d, out);
	check(*out != '/' && !strstr(out, ".."));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);

	check_reference(text);
	check_digest(text);
	return 0;
}
