/* Errors: what was being done, to what, why it failed, what the user can do.
 *
 * Every function that can fail takes `struct err *e` as its last argument and returns 0 (or a
 * descriptor, a count) on success and -1 on failure; pointer-valued functions return NULL.
 * The error lives in the caller's frame, so reporting never allocates. `e` may be NULL where the
 * caller does not care. One line of context is added per level with err_wrap(). */
#ifndef TARE_BASE_ERR_H
#define TARE_BASE_ERR_H

#include <stdarg.h>

/* What kind of failure, for callers that react to it. */
enum err_kind {
	ERR_OTHER = 0,
	ERR_USAGE,          /* the command line or a request is wrong */
	ERR_NOT_FOUND,      /* the named object does not exist */
	ERR_CONFLICT,       /* a name is taken, an object is in use, or in the wrong state */
	ERR_PERMISSION,     /* needs root, or a capability */
	ERR_UNSUPPORTED,    /* this kernel or host lacks what is needed */
	ERR_CORRUPT,        /* foreign data failed a check */
	ERR_NO_SPACE,       /* disk or quota is full */
	ERR_NO_COMMAND,     /* the command does not exist in the image: exit code 127 */
	ERR_NOT_EXECUTABLE, /* the command cannot be executed: exit code 126 */
	ERR_INTERRUPTED,    /* a signal or ^C ended the wait */
};

struct err {
	enum err_kind kind;
	int sys;        /* errno behind it, or 0 */
	char msg[1024]; /* one line, no trailing newline, no "tare:" prefix; foreign bytes made harmless */
};

/* clang-format off */
#define ERR_INIT {0}
/* clang-format on */

/* Replace what is in e. Always return -1, so that `return err_set(...)` reads well.
 * err_sys() appends ": strerror(errno)" and derives the kind (ENOENT -> NOT_FOUND, EPERM/EACCES ->
 * PERMISSION, ENOSPC/EDQUOT -> NO_SPACE). errno is preserved. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prefix what is in e with "context: ". */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "out of memory", the one way to say it. */
int err_no_memory(struct err *e);
/* NULL-returning spellings for pointer-valued functions. */
#define err_set_null(...) (err_set(__VA_ARGS__), (void *)0)
#define err_sys_null(...) (err_sys(__VA_ARGS__), (void *)0)

/* The exit code of Docker's convention for this error: 127, 126, otherwise 125. */
int err_exit_code(const struct err *e);

/* The one global of the program: how much is said on standard error. */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
void log_set_level(enum log_level level);
/* "error", "warn", "info", "debug"; -1 when unknown. */
int log_level_parse(const char *text);
/* One line "tare: …" ("tare: warning: …") on standard error when the level allows, in one write. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
