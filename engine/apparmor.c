/* Our AppArmor profile is a file that apparmor_parser loads. That takes a tenth of a second, so it is done
 * once per boot and content: STATE/apparmor/HASH then holds "+" and the name of the kernel's directory of the
 * profile, which is gone when somebody unloads it, or "-" and why it could not be loaded. */
#include "engine/apparmor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "base/text.h"
#include "engine/store/store.h"

#define POLICY       "/sys/kernel/security/apparmor/policy/profiles"
#define TEMPLATE_MAX ((size_t)64 << 10)
#define MARK_SIZE    512
#define PARSER_MISSING                                                                                       \
	"apparmor_parser is not installed; install the package apparmor, or give --security-opt "            \
	"apparmor=unconfined"

bool apparmor_enabled(void)
{
	char text[8] = "";

	return file_read_small(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", text, sizeof text) > 0 &&
	       text[0] == 'Y';
}

/* ------------------------------------------------------------------ what is loaded */

/* FNV-1a: tells versions of our own file apart. */
static uint64_t hash(const char *p, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static int template_name(char path[PATH_MAX], char mark[32], struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(TEMPLATE_MAX);

	if (data_path("profiles/apparmor-default", path, PATH_MAX, e) ||
	        file_read_at(AT_FDCWD, path, &text, e))
		return -1;
	snprintf(mark, 32, "%016" PRIx64, hash(buf_str(&text), text.len));
	return 0;
}

/* The kernel's directory of our profile is NAME.NUMBER; the number is never used again. */
static bool find_loaded(char *dst, size_t size)
{
	cleanup_dir DIR *d = opendir(POLICY);
	size_t n = strlen(APPARMOR_OURS ".");

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (!strncmp(entry->d_name, APPARMOR_OURS ".", n) &&
		        strspn(entry->d_name + n, "0123456789") == strlen(entry->d_name + n) &&
		        strlen(entry->d_name) < size) {
			memcpy(dst, entry->d_name, strlen(entry->d_name) + 1);
			return true;
		}
	return false;
}

/* 1: loaded. 0: nobody tried, or it was unloaded. -1: it could not be loaded, why is in text + 1. */
static int read_mark(int dir, const char *mark, char text[MARK_SIZE])
{
	char path[sizeof POLICY + MARK_SIZE];

	if (dir < 0 || file_read_small(dir, mark, text, MARK_SIZE) < 2)
		return 0;
	if (text[0] != '+')
		return text[0] == '-' ? -1 : 0;
	snprintf(path, sizeof path, POLICY "/%s", text + 1);
	return access(path, F_OK) == 0;
}

/* ------------------------------------------------------------------ loading */

static const char *parser(void)
{
	static const char *const paths[] = {
	        "/usr/sbin/apparmor_parser", "/sbin/apparmor_parser", "/usr/bin/apparmor_parser"};

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

/* 0, or -1 with the reason in text + 1 and a "-" before it. */
static int load(const char *path, char text[MARK_SIZE])
{
	const char *program = parser();
	cleanup_buf struct buf out = BUF_INIT_MAX(16 << 10);
	struct err e = ERR_INIT;
	int status;

	if (!program) {
		snprintf(text, MARK_SIZE, "-" PARSER_MISSING);
		return -1;
	}
	char *argv[] = {(char *)program, (char[]){"--replace"}, (char[]){"--skip-cache"}, (char *)path, NULL};
	struct spawn s = {.argv = argv, .out = &out, .out_has_errors = true, .keep_fd = -1};
	text[0] = '+';
	if (spawn_wait(&s, &status, &e)) {
		snprintf(text, MARK_SIZE, "-%.*s", MARK_SIZE - 2, e.msg);
		return -1;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && find_loaded(text + 1, MARK_SIZE - 1))
		return 0;
	char shown[MARK_SIZE - 40];
	text_harmless_to(shown, sizeof shown, out.len ? buf_str(&out) : "it says nothing");
	snprintf(text, MARK_SIZE, "-%s cannot load it: %s", "apparmor_parser", shown);
	return -1;
}

/* Under the lock, so that of ten containers that start at once one loads. What failed is tried again only
 * when somebody asks for the profile by name. */
static int load_once(
        int dir, const char *path, const char *mark, bool optional, char text[MARK_SIZE], struct err *e)
{
	cleanup_fd int lock = lock_take(dir, "lock", LOCK_EXCLUSIVE, e);

	if (lock < 0)
		return -1;
	int state = read_mark(dir, mark, text);
	if (state > 0 || (state < 0 && optional))
		return state;
	state = load(path, text) ? -1 : 1;
	(void)file_write_at(dir, mark, text, strlen(text), 0600, FILE_NO_SYNC, NULL);
	return state;
}

static int ours_ready(const struct store *s, bool optional, struct err *e)
{
	char path[PATH_MAX], mark[32], text[MARK_SIZE] = "-";

	if (template_name(path, mark, e))
		return -1;
	cleanup_fd int dir = open_dir_make(s->state_fd, "apparmor", 0700);
	if (dir < 0)
		return err_sys(e, "cannot make %s/apparmor", s->state);
	int state = read_mark(dir, mark, text);
	if (!state || (state < 0 && !optional))
		state = load_once(dir, path, mark, optional, text, e);
	if (state > 0)
		return 1;
	return err_set(e, ERR_UNSUPPORTED, "AppArmor profile " APPARMOR_OURS ": %s", text + 1);
}

/* A container that finds a way around capabilities and system calls still can't mount, write to the kernel's
 * files or trace what isn't its own (class of CVE-2019-5736, CVE-2022-0492). Test: apparmor.bats. */
int apparmor_ready(const struct store *s, const char *name, bool optional, struct err *e)
{
	if (!apparmor_enabled())
		return optional ? 0
		                : err_set(e, ERR_UNSUPPORTED,
		                          "AppArmor profile %.200s: this kernel runs without AppArmor; leave "
		                          "--security-opt apparmor=%.200s out",
		                          name, name);
	if (strcmp(name, APPARMOR_OURS))
		return 1; /* the kernel says whether it is loaded */
	int rc = ours_ready(s, optional, optional ? NULL : e);
	return rc < 0 && optional ? 0 : rc;
}

/* ------------------------------------------------------------------ looking */

int apparmor_label_of(pid_t pid, char dst[APPARMOR_LABEL_SIZE])
{
	char path[64];

	dst[0] = '\0';
	snprintf(path, sizeof path, "/proc/%d/attr/apparmor/current", (int)pid);
	ssize_t n = file_read_small(AT_FDCWD, path, dst, APPARMOR_LABEL_SIZE);
	if (n < 0 && errno == ENOENT && apparmor_enabled()) { /* before 5.8 */
		snprintf(path, sizeof path, "/proc/%d/attr/current", (int)pid);
		n = file_read_small(AT_FDCWD, path, dst, APPARMOR_LABEL_SIZE);
	}
	if (n < 0) {
		dst[0] = '\0';
		return errno == ENOENT || errno == EINVAL ? 0 : -1;
	}
	char *mode = strstr(dst, " (");
	if (mode)
		*mode = '\0';
	if (!strcmp(dst, "unconfined"))
		dst[0] = '\0';
	return 0;
}

void apparmor_describe(const struct store *s, char *dst, size_t size)
{
	char path[PATH_MAX], mark[32], text[MARK_SIZE];

	if (!apparmor_enabled()) {
		snprintf(dst, size, "not in this kernel");
		return;
	}
	cleanup_fd int dir = openat(s->state_fd, "apparmor", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int state = template_name(path, mark, NULL) ? 0 : read_mark(dir, mark, text);
	if (state < 0)
		snprintf(dst, size, "not used: %s", text + 1);
	else if (!state && !parser())
		snprintf(dst, size, "not used: " PARSER_MISSING);
	else
		snprintf(dst, size, APPARMOR_OURS);
}
