/* What the worker may still do once it has opened what it needs. */
#ifndef TARE_REGISTRY_SANDBOX_H
#define TARE_REGISTRY_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct err;

struct sandbox {
	int storage_fd;      /* directory: files beneath it are read, made, linked and removed */
	bool read_only;      /* and here only read */
	const int *read_fds; /* directories and files that are read (the store's own images) */
	size_t n_read;
};

struct sandbox_state {
	bool capabilities, seccomp;
	int landlock; /* version of the interface that is in force; 0: this kernel has none that helps */
};

/* No byte of a client is read before this. Of the calling thread and those that it makes: call it before
 * there are others. -1 with e: then nothing is served. */
int sandbox_enter(const struct sandbox *s, struct sandbox_state *state, struct err *e);

#endif
