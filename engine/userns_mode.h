/* What --userns asks for, in podman's words: host, auto[:size=N,uidmapping=C:H:S,gidmapping=C:H:S],
 * keep-id[:uid=N,gid=N], nomap, or a map. */
#ifndef TARE_ENGINE_USERNS_MODE_H
#define TARE_ENGINE_USERNS_MODE_H

#include <stdint.h>

#include "engine/oci/id_map.h"

struct err;

enum userns_kind {
	USERNS_HOST,
	USERNS_AUTO,    /* ids of its own */
	USERNS_KEEP_ID, /* a namespace of its own, in which each id of the caller's is itself */
	USERNS_NOMAP,   /* a rootless user's ids but the user's own */
	USERNS_MAP,
};

struct userns_mode {
	enum userns_kind kind;
	uint32_t size;       /* of auto's ids; 0: not said */
	struct id_maps maps; /* of MAP; with auto what is not chosen */
	uint32_t uid, gid;   /* of keep-id: who the container runs as */
};

int userns_mode_parse(struct userns_mode *m, const char *text, struct err *e);

#endif
