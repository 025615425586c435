/* Fuzz target: a container's log of any bytes, as `tare logs` reads it: forward to its end, from a line near
 * the end and from a time. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/log_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One for the whole run; empty and left behind when it ends. */
static int directory(void)
{
	static char path[] = "/dev/shm/tare-fuzz-log.XXXXXX";
	static int fd = -1;

	if (fd < 0 && mkdtemp(path))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

static size_t read_all(struct log_reader *r)
{
	struct err e = ERR_INIT;
	struct log_record rec;
	size_t n = 0;

	while (log_reader_next(r, &rec, &e) == 1)
		n++;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int dir = directory();
	struct log_reader r;
	struct err e = ERR_INIT;
	cleanup_fd int fd = openat(dir, "log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write_all(fd, data, size) != 0)
		abort();
	if (log_reader_open(&r, dir, &e) != 0)
		return 0;
	size_t n = read_all(&r);
	log_reader_close(&r);
	if (log_reader_open(&r, dir, &e) == 0) {
		if (log_reader_tail(&r, 3, &e) == 0 && read_all(&r) > n)
			abort();
		log_reader_close(&r);
	}
	if (log_reader_open(&r, dir, &e) == 0) {
		if (log_reader_since(&r, "2026-01-31T10:00:00.123456789Z", &e) == 0 && read_all(&r) > n)
			abort();
		log_reader_close(&r);
	}
	unlinkat(dir, "log", 0);
	return 0;
}
