#include "engine/archive/unnamed_file.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/err.h"

#define UNNAMED (O_TMPFILE | O_RDWR | O_CLOEXEC)

int unnamed_file(int dirfd, struct err *e)
{
	static const char *const places[] = {"/var/tmp", "/tmp"};
	int fd = dirfd >= 0 ? openat(dirfd, ".", UNNAMED, 0600) : -1;
	for (size_t i = 0; fd < 0 && i < sizeof(places) / sizeof(*places); i++)
		fd = open(places[i], UNNAMED, 0600);
	if (fd < 0)
		fd = memfd_create("tare-spill", MFD_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot make a file without a name in /var/tmp") : fd;
}
