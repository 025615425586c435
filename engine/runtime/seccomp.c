/* The compiled filter of a profile, kept in a file: compiling takes milliseconds, reading microseconds.
 *
 * A cache file is named by a hash of its key and holds the whole key, so a collision or a forged name can't
 * give the filter of another profile; the directory is ours alone (0700) and the file is checked all the
 * same. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/runtime/launch.h"
#include "engine/runtime/seccomp_profile.h"

#define CACHE_FORMAT 3
#define PROFILE_MAX  ((size_t)1 << 20)
#define KEY_MAX      512
#define CACHE_MAX    (sizeof(struct cache_head) + KEY_MAX + BPF_MAXINSNS * sizeof(struct sock_filter))

struct cache_head {
	uint64_t checksum; /* of everything after it */
	uint32_t key_len, n_insns;
};

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ : for names and damage, not against forgers. */
static uint64_t hash(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Everything that the compiled program depends on. */
static int make_key(char key[KEY_MAX], const struct stat *st, uint64_t caps)
{
	const struct scmp_version *v = seccomp_version();
	struct utsname u;

	if (uname(&u))
		return -1;
	return snprintf(key, KEY_MAX,
	        "tare seccomp %d, libseccomp %u.%u.%u, %s %s, caps %" PRIx64
	        ", profile %ju:%ju:%jd:%jd.%09ld:%jd.%09ld\n",
	        CACHE_FORMAT, v->major, v->minor, v->micro, u.machine, u.release, caps, (uintmax_t)st->st_dev,
	        (uintmax_t)st->st_ino, (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec,
	        st->st_mtim.tv_nsec, (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static void cache_name(char name[32], const char *key, size_t len)
{
	snprintf(name, 32, "%016" PRIx64 ".bpf", hash(key, len));
}

/* Owner, mode, length, checksum and key are right: then out has the program. */
static bool cache_check(
        const char *data, size_t len, const char *key, size_t key_len, struct seccomp_filter *out)
{
	struct cache_head head;
	size_t body = len - sizeof head;

	if (len < sizeof head)
		return false;
	memcpy(&head, data, sizeof head);
	data += sizeof head;
	if (head.key_len != key_len || !head.n_insns || head.n_insns > BPF_MAXINSNS)
		return false;
	if (body != key_len + head.n_insns * sizeof(struct sock_filter) || memcmp(data, key, key_len))
		return false;
	if (hash(data, body) != head.checksum)
		return false;
	out->n_insns = head.n_insns;
	out->insns = malloc(head.n_insns * sizeof(struct sock_filter));
	if (!out->insns)
		return false;
	memcpy(out->insns, data + key_len, head.n_insns * sizeof(struct sock_filter));
	return true;
}

static bool cache_read(int dir, const char *key, size_t key_len, struct seccomp_filter *out)
{
	static char data[CACHE_MAX + 1];
	char name[32];
	struct stat st;

	cache_name(name, key, key_len);
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return false;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077 ||
	        st.st_size > (off_t)CACHE_MAX)
		return false;
	ssize_t n = read_full(fd, data, sizeof data);
	return n == st.st_size && cache_check(data, (size_t)n, key, key_len, out);
}

/* A cache that can't be written is no failure: the next run compiles again. */
static void cache_write(int dir, const char *key, size_t key_len, const struct seccomp_filter *f)
{
	size_t insns = f->n_insns * sizeof(struct sock_filter),
	       len = sizeof(struct cache_head) + key_len + insns;
	char *data = malloc(len), name[32];
	struct cache_head head = {.key_len = (uint32_t)key_len, .n_insns = (uint32_t)f->n_insns};

	if (!data)
		return;
	memcpy(data + sizeof head, key, key_len);
	memcpy(data + sizeof head + key_len, f->insns, insns);
	head.checksum = hash(data + sizeof head, key_len + insns);
	memcpy(data, &head, sizeof head);
	cache_name(name, key, key_len);
	(void)file_write_at(dir, name, data, len, 0600, FILE_NO_SYNC, NULL);
	free(data);
}

int seccomp_filter_load(
        const char *profile_path, uint64_t caps, int cache_dir_fd, struct seccomp_filter *out, struct err *e)
{
	char key[KEY_MAX];
	struct stat st;

	*out = (struct seccomp_filter){0};
	if (!strcmp(profile_path, "unconfined"))
		return 0;
	if (stat(profile_path, &st))
		return err_sys(e, "cannot read the seccomp profile %s", profile_path);
	int key_len = make_key(key, &st, caps);
	bool cached = cache_dir_fd >= 0 && key_len > 0 && key_len < KEY_MAX;
	if (cached && cache_read(cache_dir_fd, key, (size_t)key_len, out))
		return 0;
	cleanup_json json *profile = json_read_at(AT_FDCWD, profile_path, PROFILE_MAX, e);
	if (!profile)
		return err_wrap(e, "seccomp profile");
	if (seccomp_profile_compile(profile, profile_path, caps, out, e))
		return -1;
	if (cached)
		cache_write(cache_dir_fd, key, (size_t)key_len, out);
	return 0;
}

void seccomp_filter_free(struct seccomp_filter *f)
{
	free(f->insns);
	*f = (struct seccomp_filter){0};
}
