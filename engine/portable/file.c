/* Where there are no files in memory. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

int file_in_memory(void)
{
	char path[] = "/tmp/tare-XXXXXX";
	int fd = mkstemp(path);

	if (fd >= 0) {
		unlink(path);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	return fd;
}
