/* What registries want to tell people: Warning headers (distribution-spec: 299, at most 4096 bytes in all).
 */
#include <string.h>

#include "registry/client/remote_private.h"

#define WARNINGS_MAX 16
#define WARNING_MAX  4096
#define NS_PER_S     1000000000
#define WAIT_TOLD    ((int64_t)2 * NS_PER_S) /* shorter waits pass unnoticed */
#define PREFIX       "299 - \""

/* `299 - "text"`, its backslashes taken away. */
static char *text_of(const char *header)
{
	struct buf b = BUF_INIT;

	if (strncmp(header, PREFIX, strlen(PREFIX)) != 0)
		return NULL;
	for (const char *p = header + strlen(PREFIX); *p && *p != '"' && b.len < WARNING_MAX; p++) {
		if (*p == '\\' && p[1])
			p++;
		buf_char(&b, *p);
	}
	return b.len ? buf_take(&b) : NULL;
}

/* The attack: a registry that floods the terminal (test: warnings_are_shown_once). Each text once, sixteen of
 * them. */
void remote_warn(struct remote *r, const struct remote_endpoint *ep, const struct http_answer *a)
{
	const char *header;

	for (unsigned i = 0;
	        strv_len(r->warned) < WARNINGS_MAX && (header = http_header_nth(a, "warning", i)); i++) {
		cleanup_free char *text = text_of(header);
		if (!text || strv_has(r->warned, text) || strv_add(&r->warned, text) < 0)
			continue;
		log_line(LOG_LEVEL_WARN, "%s says: %s", ep->is->host, text);
	}
}

void remote_tell_wait(const struct remote_endpoint *ep, int status, int64_t wait_ns)
{
	if (wait_ns >= WAIT_TOLD)
		log_line(LOG_LEVEL_WARN, "%s is busy (%d); trying again in %d s", ep->is->host, status,
		        (int)(wait_ns / NS_PER_S));
}
