/* What each layer of an image holds, and how much of it later layers hide. One walk over all layers, from the
 * top down, that remembers by hash which paths were replaced, removed or made opaque above. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/overlay_mark.h"
#include "base/units.h"
#include "engine/engine.h"
#include "engine/store/layer.h"

#define DEPTH_MAX   128     /* deeper directories are left out of the figures */
#define ENTRIES_MAX 4000000 /* of all layers together */

/* A set of 64-bit hashes: open addressing, never more than half full. 0 is never a member. */
struct hashes {
	uint64_t *slots;
	size_t n, room;
};

static bool has(const struct hashes *h, uint64_t x)
{
	for (size_t i = x; h->room; i++) {
		uint64_t at = h->slots[i & (h->room - 1)];
		if (!at || at == x)
			return at;
	}
	return false;
}

static void put(struct hashes *h, uint64_t x)
{
	size_t i = x & (h->room - 1);

	while (h->slots[i] && h->slots[i] != x)
		i = (i + 1) & (h->room - 1);
	h->n += !h->slots[i];
	h->slots[i] = x;
}

static int add(struct hashes *h, uint64_t x)
{
	if (2 * (h->n + 1) > h->room) {
		struct hashes larger = {.room = h->room ? 2 * h->room : 4096};
		larger.slots = calloc(larger.room, sizeof *larger.slots);
		if (!larger.slots)
			return -1;
		for (size_t i = 0; i < h->room; i++)
			if (h->slots[i])
				put(&larger, h->slots[i]);
		free(h->slots);
		*h = larger;
	}
	put(h, x);
	return 0;
}

struct figures {
	struct hashes gone; /* no directories: what lies beneath is replaced by something else, or removed */
	struct hashes dirs; /* directories: they replace what is none */
	struct hashes opaque; /* directories whose lower content is hidden */
	struct hashes links;  /* inodes with several names: they count once */
	uint64_t key[2];
	struct tare_layer *layer;
	size_t entries;
	int error;
};

static uint64_t turn(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void mix(uint64_t v[4])
{
	v[0] += v[1], v[2] += v[3];
	v[1] = turn(v[1], 13) ^ v[0], v[3] = turn(v[3], 16) ^ v[2];
	v[0] = turn(v[0], 32);
	v[2] += v[1], v[0] += v[3];
	v[1] = turn(v[1], 17) ^ v[2], v[3] = turn(v[3], 21) ^ v[0];
	v[2] = turn(v[2], 32);
}

/* SipHash-1-3 of what a directory is and a name in it, with a key of this one walk: an image's author chooses
 * the names, and could choose them to fall on each other. */
static uint64_t hash(const struct figures *f, uint64_t dir, const char *name)
{
	uint64_t v[4] = {f->key[0] ^ 0x736f6d6570736575, f->key[1] ^ 0x646f72616e646f6d,
	        f->key[0] ^ 0x6c7967656e657261, f->key[1] ^ 0x7465646279746573};
	uint64_t word = dir;
	size_t len = strlen(name);

	for (size_t done = 0;; done += sizeof word) {
		v[3] ^= word;
		mix(v);
		v[0] ^= word;
		if (done >= len)
			break;
		word = 0;
		memcpy(&word, name + done, len - done < sizeof word ? len - done : sizeof word);
	}
	v[2] ^= 0xff;
	mix(v), mix(v), mix(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	return word ? word : 1;
}

static void walk(struct figures *f, int dir_fd, uint64_t dir, bool is_hidden, unsigned depth);

static void walk_into(
        struct figures *f, int dir_fd, const char *name, uint64_t h, bool is_hidden, unsigned depth)
{
	int fd = open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);

	if (fd < 0) {
		f->error = errno;
		return;
	}
	bool hidden_inside = is_hidden || has(&f->opaque, h);
	if (add(&f->dirs, h) != 0 || (overlay_is_opaque(fd) && add(&f->opaque, h) != 0))
		f->error = ENOMEM;
	walk(f, fd, h, hidden_inside, depth + 1);
}

static void take(
        struct figures *f, int dir_fd, const char *name, uint64_t dir, bool is_hidden, unsigned depth)
{
	uint64_t h = hash(f, dir, name);
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	bool hidden = is_hidden || has(&f->gone, h);
	if (S_ISDIR(st.st_mode)) {
		if (depth < DEPTH_MAX)
			walk_into(f, dir_fd, name, h, hidden, depth);
		return;
	}
	hidden = hidden || has(&f->dirs, h);
	bool is_whiteout = S_ISCHR(st.st_mode) && st.st_rdev == 0;
	uint64_t bytes = (uint64_t)st.st_blocks * 512;
	if (st.st_nlink > 1) {
		uint64_t inode = hash(f, st.st_ino, "");
		if (has(&f->links, inode))
			bytes = 0;
		else if (add(&f->links, inode) != 0)
			f->error = ENOMEM;
	}
	f->layer->files += !is_whiteout;
	f->layer->size += bytes;
	if (hidden)
		f->layer->wasted += bytes;
	if (add(&f->gone, h) != 0)
		f->error = ENOMEM;
}

/* Takes dir_fd. */
static void walk(struct figures *f, int dir_fd, uint64_t dir, bool is_hidden, unsigned depth)
{
	cleanup_dir DIR *d = fdopendir(dir_fd);

	if (!d) {
		close_fd(&dir_fd);
		return;
	}
	for (struct dirent *entry; !f->error && (entry = readdir(d));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++f->entries > ENTRIES_MAX)
			f->error = EFBIG;
		else
			take(f, dirfd(d), entry->d_name, dir, is_hidden, depth);
	}
}

static int measure(
        const struct store *s, const struct image *image, struct tare_layer_list *out, struct err *e)
{
	struct figures f = {0};

	if (getrandom(f.key, sizeof f.key, 0) != sizeof f.key)
		return err_sys(e, "cannot read the layers of an image");
	for (size_t i = out->n; i-- > 0 && !f.error;) {
		f.layer = &out->rows[i];
		if (!f.layer->diff_id)
			continue;
		cleanup_fd int root = layer_open_text(s, f.layer->diff_id);
		int fd = root < 0 ? -1 : openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			f.error = errno;
		else
			walk(&f, fd, 0, false, 0);
	}
	free(f.gone.slots);
	free(f.dirs.slots);
	free(f.opaque.slots);
	free(f.links.slots);
	errno = f.error;
	return f.error ? err_sys(e, "cannot read the layers of %s",
	                         image->reference ? image->reference : "the image")
	               : 0;
}

/* ------------------------------------------------------------------ the list */

static struct tare_layer *add_row(struct tare_layer_list *out)
{
	struct tare_layer *rows = realloc(out->rows, (out->n + 1) * sizeof *rows);

	if (!rows)
		return NULL;
	out->rows = rows;
	rows[out->n] = (struct tare_layer){0};
	return &rows[out->n++];
}

static int add_layer(struct tare_layer_list *out, const struct digest *diff_id, json *step)
{
	char text[DIGEST_TEXT_SIZE];
	struct tare_layer *row = add_row(out);
	const char *created = json_str(step, "created", NULL);

	if (!row)
		return -1;
	row->diff_id = diff_id ? strdup(digest_text(diff_id, text)) : NULL;
	row->created_by = strdup(json_str(step, "created_by", json_str(step, "comment", "")));
	if (created && time_parse(created, 0, &row->created, NULL) != 0)
		row->created = 0;
	return row->created_by && (!diff_id || row->diff_id) ? 0 : -1;
}

/* The history names steps with and without layers; where it does not fit the layers, they stand alone. */
static int add_layers(struct tare_layer_list *out, const struct image_config *c)
{
	size_t steps = c->history ? json_object_array_length(c->history) : 0, layer = 0;

	for (size_t i = 0; i < steps; i++) {
		json *step = json_object_array_get_idx(c->history, i);
		bool is_empty = json_bool(step, "empty_layer", false) || layer == c->n_diff_ids;
		if (add_layer(out, is_empty ? NULL : &c->diff_ids[layer++], step) != 0)
			return -1;
	}
	for (; layer < c->n_diff_ids; layer++)
		if (add_layer(out, &c->diff_ids[layer], NULL) != 0)
			return -1;
	return 0;
}

int engine_image_layers(struct tare_engine *t, const char *ref, struct tare_layer_list *out, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_image struct image image = IMAGE_INIT;

	*out = (struct tare_layer_list){0};
	if (image_find(s, ref, &image, e) != 0)
		return -1;
	int rc = add_layers(out, &image.config) != 0 ? err_no_memory(e) : measure(s, &image, out, e);
	if (rc != 0)
		tare_layer_list_free(out);
	return rc;
}
