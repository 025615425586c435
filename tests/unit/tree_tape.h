/* Tree tape: an archive written entry by entry, then unpacked as a plain tree into the "out" of a tree box,
 * whose "outside" must not be touched by that. */
#ifndef TARE_TEST_TREE_TAPE_H
#define TARE_TEST_TREE_TAPE_H

#include <sys/mman.h>

#include "engine/archive/pack.h"
#include "engine/archive/tar_reader.h"
#include "engine/archive/unpack.h"
#include "tests/unit/tree_box.h"

#define SECRET "nobody's business"

struct tape {
	struct tree_box *box;
	int fd;
	struct pack pack;
	struct unpack_tree_options options;
	struct unpack_result result;
	struct err e;
};

static inline void tape_begin(struct tape *t, void **state)
{
	*t = (struct tape){.box = *state, .fd = memfd_create("tar", MFD_CLOEXEC), .e = ERR_INIT};
	t->options.make = (struct tree_make_options){.xattrs = TREE_XATTRS_ALL};
	pack_init(&t->pack, t->fd);
	tree_box_file(t->box->outside, "secret", SECRET);
}

static inline void tape_add_more(struct tape *t, char type, const char *path, const char *link,
        const char *content, const struct buf *more)
{
	const struct tar_member m = {.type = type,
	        .path = path,
	        .link = link,
	        .mode = 0777,
	        .major = 1,
	        .minor = 3,
	        .size = strlen(content),
	        .more = more};
	assert_int_equal(tar_writer_begin(&t->pack.tar, &m, NULL), 0);
	assert_int_equal(tar_writer_data(&t->pack.tar, content, m.size, NULL), 0);
	assert_int_equal(tar_writer_end(&t->pack.tar, NULL), 0);
}

static inline void tape_add(
        struct tape *t, char type, const char *path, const char *link, const char *content)
{
	tape_add_more(t, type, path, link, content, NULL);
}

static inline void tape_check_outside(const struct tree_box *b)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct stat st = tree_box_look(b->outside, "secret");
	assert_int_equal(file_read_at(b->outside, "secret", &text, NULL), 0);
	assert_string_equal(buf_str(&text), SECRET);
	assert_int_equal(tree_box_count(b->outside), 1);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_uid, 0);
	st = tree_box_look(b->fd, "outside");
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(tree_box_count(b->fd), 3);
}

static inline int tape_play(struct tape *t)
{
	const struct inflate_options io = {.copy_fd = -1};
	assert_int_equal(pack_finish(&t->pack, NULL), 0);
	assert_int_equal(lseek(t->fd, 0, SEEK_SET), 0);
	cleanup_inflate struct inflate *in = inflate_open(t->fd, &io, &t->e);
	assert_non_null(in);
	cleanup_tar_reader struct tar_reader reader = TAR_READER_INIT(in);
	int rc = unpack_tree(&reader, t->box->out, &t->options, &t->result, &t->e);
	tape_check_outside(t->box);
	pack_free(&t->pack);
	close_fd(&t->fd);
	return rc;
}

static inline const char *tape_content(const struct tree_box *b, const char *path)
{
	static char text[64];
	cleanup_buf struct buf got = BUF_INIT;
	assert_int_equal(file_read_at(b->out, path, &got, NULL), 0);
	snprintf(text, sizeof(text), "%s", buf_str(&got));
	return text;
}

#endif
