/* The image config: what an image says about how to run it, and which layers (by diffID) it is made of. */
#ifndef TARE_OCI_IMAGE_CONFIG_H
#define TARE_OCI_IMAGE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "engine/oci/digest.h"

struct err;

#define IMAGE_CONFIG_MAX_BYTES ((size_t)8 << 20)

struct image_config {
	char *user; /* "" when none; the other strings are NULL when absent */
	char *workdir, *stop_signal, *author, *architecture, *os, *variant;
	char **env, **entrypoint, **cmd, **shell;
	char **volumes, **exposed_ports; /* keys: "/data", "80/tcp" */
	json *labels;                    /* object of strings or NULL */
	json *healthcheck;               /* Docker's object or NULL */
	json *history;                   /* array or NULL */
	int64_t created;                 /* ns since the epoch, 0 unknown */
	struct digest *diff_ids;         /* bottom first */
	size_t n_diff_ids;
};
#define IMAGE_CONFIG_INIT                                                                                    \
	{                                                                                                    \
		0                                                                                            \
	}
void image_config_free(struct image_config *c);
#define cleanup_image_config __attribute__((cleanup(image_config_free)))

int image_config_parse(const char *text, size_t len, struct image_config *c, struct err *e);
/* A new document, the caller's to put. */
json *image_config_to_json(const struct image_config *c);
/* Docker's "Config" object (Env, Cmd, …), the caller's to put. */
json *image_config_run_json(const struct image_config *c);

#endif
