#include "cli/moment.h"

#include <time.h>

char *moment_local(int64_t ns, char dst[MOMENT_SIZE])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;

	dst[0] = 0;
	if (localtime_r(&seconds, &tm))
		strftime(dst, MOMENT_SIZE, "%Y-%m-%d %H:%M:%S %z %Z", &tm);
	return dst;
}
