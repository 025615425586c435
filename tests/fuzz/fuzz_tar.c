/* Fuzz target: a tar archive of any bytes. Reading ends, within the bounds that tar_reader.h states, and the
 * names that layer_path lets through cannot lead anywhere. Unpacked as a plain tree it touches nothing
 * outside of the directory that it was given. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/archive/layer_path.h"
#include "engine/archive/tar_header.h"
#include "engine/archive/tar_reader.h"
#include "engine/archive/tree_walk.h"
#include "engine/archive/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
	const uint8_t *data;
	size_t left;
	unsigned char header[TAR_BLOCK_SIZE];
	size_t in_header;
};

/* Random bytes never have a right checksum: each block that has a magic number gets one. */
static void mend(unsigned char *h)
{
	unsigned sum = 8 * ' ';
	if (memcmp(h + TAR_AT_MAGIC, "ustar", 5) != 0)
		return;
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		sum += i >= TAR_AT_CHECKSUM && i < TAR_AT_CHECKSUM + 8 ? 0 : h[i];
	for (int i = 5; i >= 0; i--, sum >>= 3)
		h[TAR_AT_CHECKSUM + i] = (unsigned char)('0' + (sum & 7));
	h[TAR_AT_CHECKSUM + 6] = '\0';
	h[TAR_AT_CHECKSUM + 7] = ' ';
}

static ssize_t feed(void *arg, void *data, size_t len, struct err *e)
{
	struct feed *f = arg;
	(void)e;
	if (f->in_header == 0 && f->left > 0) {
		f->in_header = f->left < TAR_BLOCK_SIZE ? f->left : TAR_BLOCK_SIZE;
		memset(f->header, 0, sizeof(f->header));
		memcpy(f->header, f->data, f->in_header);
		f->data += f->in_header;
		f->left -= f->in_header;
		if (f->in_header == TAR_BLOCK_SIZE)
			mend(f->header);
	}
	size_t n = f->in_header < len ? f->in_header : len;
	memcpy(data, f->header, n);
	memmove(f->header, f->header + n, f->in_header - n);
	f->in_header -= n;
	return (ssize_t)n;
}

static void check_path(const struct layer_path *p)
{
	if (strlen(p->parent) >= sizeof(p->parent) || strlen(p->name) >= sizeof(p->name))
		abort();
	if (p->parent[0] == '/' || strchr(p->name, '/') || strcmp(p->name, "..") == 0 ||
	        strcmp(p->name, ".") == 0)
		abort();
	for (const char *s = p->parent; *s;) {
		size_t len = strcspn(s, "/");
		if (len == 0 || (len == 2 && memcmp(s, "..", 2) == 0) || (len == 1 && *s == '.'))
			abort();
		s += len + (s[len] == '/');
	}
}

static void check_entry(const struct tar_entry *entry)
{
	struct layer_path p;
	uint64_t at = 0;
	if (entry->n_xattrs > TAR_MAX_XATTRS || entry->mode & ~07777u || entry->uid == UINT32_MAX)
		abort();
	if (entry->size > INT64_MAX || (entry->type != TAR_FILE && entry->data))
		abort();
	for (size_t i = 0; i < entry->n_pieces; i++) {
		if (entry->pieces[i].offset < at || entry->pieces[i].len > entry->size)
			abort();
		at = entry->pieces[i].offset + entry->pieces[i].len;
		if (at > entry->size)
			abort();
	}
	if (layer_path_parse(entry->path, &p, NULL) >= 0)
		check_path(&p);
	if (layer_path_parse_link(entry->link, &p, NULL) >= 0)
		check_path(&p);
}

static void read_only(const uint8_t *data, size_t size)
{
	struct feed f = {.data = data, .left = size};
	const struct inflate_options o = {.copy_fd = -1, .read = feed, .arg = &f};
	const struct tar_entry *entry;
	struct err e = ERR_INIT;
	const void *block;
	size_t n;
	int rc;
	cleanup_inflate struct inflate *in = inflate_open(-1, &o, &e);
	if (!in || inflate_kind(in) != COMPRESSION_NONE)
		return;
	cleanup_tar_reader struct tar_reader t = TAR_READER_INIT(in);
	t.open_end = size % 2;
	while ((rc = tar_next(&t, &entry, &e)) > 0) {
		uint64_t got = 0;
		check_entry(entry);
		while (entry->size % 3 && (rc = tar_data(&t, &block, &n, &e)) > 0)
			got += n;
		if (got > entry->data)
			abort();
		if (rc < 0)
			break;
	}
	if (rc < 0 && !e.msg[0])
		abort();
}

/* ------------------------------------------------------------------ unpacked */

/* "root", where it may write, and "secret", which stays as it is. */
static char box_path[] = "/dev/shm/tare-fuzz-tar.XXXXXX";

static void remove_box(void)
{
	remove_tree_at(AT_FDCWD, box_path);
}

static int box(void)
{
	static int fd = -1;
	if (fd >= 0)
		return fd;
	if (!mkdtemp(box_path) || atexit(remove_box) != 0)
		abort();
	fd = open(box_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int secret = openat(fd, "secret", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (secret < 0 || write_all(secret, "secret", 6) < 0)
		abort();
	return fd;
}

static void check_box(void)
{
	struct stat st, dir;
	if (fstatat(box(), "secret", &st, AT_SYMLINK_NOFOLLOW) < 0 || fstat(box(), &dir) < 0)
		abort();
	if (st.st_mode != (S_IFREG | 0600) || st.st_nlink != 1 || st.st_size != 6 || st.st_uid != geteuid())
		abort();
	if (dir.st_nlink != 3 || dir.st_mode != (S_IFDIR | 0700))
		abort();
}

static int met(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct tree_entry full = *entry;
	(void)arg;
	return tree_walk_xattrs(w, &full, e);
}

static void unpacked(const uint8_t *data, size_t size)
{
	struct feed f = {.data = data, .left = size};
	const struct inflate_options o = {.copy_fd = -1, .read = feed, .arg = &f};
	const struct unpack_tree_options tree = {.make = {.xattrs = TREE_XATTRS_ALL,
	                                                 .in_root = size & 2,
	                                                 .keep_kind = size & 4,
	                                                 .live = size & 8}};
	const struct tree_walk_options walk = {.entry = met, .xattrs = TREE_XATTRS_ALL};
	struct unpack_result r;
	struct err e = ERR_INIT;
	cleanup_fd int root = open_dir_make(box(), "root", 0755);
	cleanup_inflate struct inflate *in = inflate_open(-1, &o, &e);
	if (in && inflate_kind(in) == COMPRESSION_NONE) {
		cleanup_tar_reader struct tar_reader t = TAR_READER_INIT(in);
		if (unpack_tree(&t, root, &tree, &r, &e) < 0 && !e.msg[0])
			abort();
		if (tree_walk(root, &walk, &e) < 0)
			abort();
	}
	check_box();
	if (remove_tree_at(box(), "root") < 0)
		abort();
}

/* The same as a layer of an image: whiteouts, and what could be taken for overlayfs' own. */
static void layer(const uint8_t *data, size_t size)
{
	struct feed f = {.data = data, .left = size};
	const struct inflate_options o = {.copy_fd = -1, .read = feed, .arg = &f};
	const struct unpack_options layer = {.open_end = size & 2};
	struct unpack_result r;
	struct err e = ERR_INIT;
	cleanup_fd int root = open_dir_make(box(), "root", 0755);
	cleanup_inflate struct inflate *in = inflate_open(-1, &o, &e);
	if (in && inflate_kind(in) == COMPRESSION_NONE && unpack_layer(in, root, &layer, &r, &e) < 0 &&
	        !e.msg[0])
		abort();
	check_box();
	if (remove_tree_at(box(), "root") < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_only(data, size);
	if (size & 1)
		unpacked(data, size);
	else
		layer(data, size);
	return 0;
}
