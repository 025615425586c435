#include "registry/client/retry.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/units.h"

#define FIRST_MS  500
#define MOST_MS   30000
#define NS_PER_MS 1000000
#define NS_PER_S  1000000000
#define DIGITS    9 /* of seconds; more is bounded anyway */

bool retry_status(int status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
	       status == 504;
}

static int64_t first_ms(void)
{
	const char *text = getenv("TARE_RETRY_MS");
	int64_t ms;

	return text && int_parse(text, 0, MOST_MS, "TARE_RETRY_MS", &ms, NULL) == 0 ? ms : FIRST_MS;
}

int64_t retry_delay(unsigned failed)
{
	int64_t ms = first_ms();
	unsigned char dice = 128;

	for (unsigned i = 1; i < failed && ms < MOST_MS; i++)
		ms *= 2;
	if (ms > MOST_MS)
		ms = MOST_MS;
	/* so that those whom one overload threw out don't come back together */
	if (getrandom(&dice, 1, GRND_NONBLOCK) < 0)
		dice = 128;
	return ms * NS_PER_MS / 4 * 3 + ms * NS_PER_MS / 2 * dice / 255;
}

/* The attack: a server that has us wait for a year (test: retry_after_is_bounded). */
static int64_t bounded(int64_t ns)
{
	return ns < 0 ? 0 : ns > RETRY_AFTER_MOST ? RETRY_AFTER_MOST : ns;
}

int64_t retry_after(const char *header, int64_t now_realtime_ns)
{
	size_t digits = header ? strspn(header, "0123456789") : 0;
	time_t date;

	if (!header || !*header)
		return -1;
	if (digits && !header[digits])
		return digits > DIGITS ? RETRY_AFTER_MOST
		                       : bounded((int64_t)strtoll(header, NULL, 10) * NS_PER_S);
	if (!isalpha((unsigned char)*header))
		return -1;
	date = curl_getdate(header, NULL);
	if (date < 0)
		return -1;
	if (date > now_realtime_ns / NS_PER_S + RETRY_AFTER_MOST / NS_PER_S)
		return RETRY_AFTER_MOST;
	return bounded((int64_t)date * NS_PER_S - now_realtime_ns);
}
