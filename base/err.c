/* Errors and the log: nothing here allocates, so both work when memory is what ran out. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* A message is made here first and copied harmless: longer than err.msg, so that a cut never falls
 * within a character of the copy. */
#define RAW_SIZE 2048
#define LOG_SIZE 4096

static enum log_level log_threshold = LOG_LEVEL_INFO;

static enum err_kind kind_of_errno(int code)
{
	switch (code) {
	case ENOENT:
		return ERR_NOT_FOUND;
	case EPERM:
	case EACCES:
		return ERR_PERMISSION;
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case ENOSYS:
		return ERR_UNSUPPORTED;
	default:
		return ERR_OTHER;
	}
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	int saved = errno;
	char raw[RAW_SIZE];
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	e->kind = kind;
	e->sys = 0;
	text_harmless_to(e->msg, sizeof(e->msg), raw);
	errno = saved;
	return -1;
}

int err_no_memory(struct err *e)
{
	return err_set(e, ERR_OTHER, "out of memory");
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	char raw[RAW_SIZE], reason[128];
	size_t len;
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	/* A very long subject must not push out the reason. */
	snprintf(reason, sizeof(reason), ": %s",
	        saved == ENOSYS ? "this kernel does not have it; Tare needs Linux 5.10 or newer"
	                        : strerror(saved));
	text_harmless_to(e->msg, sizeof(e->msg) - strlen(reason), raw);
	len = strlen(e->msg);
	memcpy(e->msg + len, reason, strlen(reason) + 1);
	e->kind = kind_of_errno(saved);
	e->sys = saved;
	errno = saved;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	char raw[RAW_SIZE], joined[2 * RAW_SIZE];
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	snprintf(joined, sizeof(joined), "%s: %s", raw, e->msg);
	text_harmless_to(e->msg, sizeof(e->msg), joined);
	errno = saved;
	return -1;
}

int err_exit_code(const struct err *e)
{
	switch (e->kind) {
	case ERR_NO_COMMAND:
		return 127;
	case ERR_NOT_EXECUTABLE:
		return 126;
	default:
		return 125;
	}
}

void log_set_level(enum log_level level)
{
	log_threshold = level;
}

int log_level_parse(const char *text)
{
	static const char *const names[] = {
	        [LOG_LEVEL_ERROR] = "error",
	        [LOG_LEVEL_WARN] = "warn",
	        [LOG_LEVEL_INFO] = "info",
	        [LOG_LEVEL_DEBUG] = "debug",
	};

	for (int i = 0; text && i < (int)(sizeof(names) / sizeof(*names)); i++)
		if (!strcmp(text, names[i]))
			return i;
	return -1;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	char raw[LOG_SIZE], line[LOG_SIZE];
	const char *prefix = level == LOG_LEVEL_WARN ? "tare: warning: " : "tare: ";
	size_t len = strlen(prefix);
	va_list ap;

	if (level > log_threshold)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	memcpy(line, prefix, len);
	text_harmless_to(line + len, sizeof(line) - len - 1, raw);
	len += strlen(line + len);
	line[len++] = '\n';
	/* One write keeps the lines of several processes apart; who can't hear us can't be told either. */
	while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
		;
	errno = saved;
}
