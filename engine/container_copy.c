/* cp: files out of a container, or into one. The container's side is a container_tree; names in it are
 * resolved within its root, descriptors are held, and nothing of the container is run. */
#include "engine/container_copy.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/progress.h"
#include "engine/tare.h"

/* One of the two is in a container; the other one is not. */
static int check_operands(const struct copy_operand *from, const struct copy_operand *to, struct err *e)
{
	bool out = from->place == COPY_CONTAINER, in = to->place == COPY_CONTAINER;

	if (in != out)
		return 0;
	return in ? err_set(e, ERR_USAGE,
	                    "both are in containers; copy out of one and into the other: tare cp A:PATH - | "
	                    "tare cp - B:DIR")
	          : err_set(e, ERR_USAGE, "neither is in a container; write one of them as CONTAINER:PATH");
}

static int open_tree(struct copy *c, const char *root, const char *state, const char *name, struct err *e)
{
	if (c->request->volume)
		return container_tree_open_volume(&c->tree, root, state, name, e);
	return container_tree_open(
	        &c->tree, root, state, name, c->into ? CONTAINER_TREE_WRITE : CONTAINER_TREE_READ, e);
}

static int make_side(
        struct copy *c, const struct copy_operand *o, const char *shown, struct copy_side *s, struct err *e)
{
	s->tree = o->place == COPY_CONTAINER ? &c->tree : NULL;
	s->shown = shown;
	return o->path ? copy_path_parse(o->path, &s->path, e) : 0;
}

static void note_source(struct copy *c, int source)
{
	struct stat st;

	if (fstat(source, &st) != 0)
		return;
	c->plain_dev = st.st_dev;
	c->total = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

static int from_stream(struct copy *c, const struct copy_side *to, struct err *e)
{
	cleanup_copy_dest struct copy_dest dest = COPY_DEST_INIT;

	if (copy_dest_open(to, &dest, e) != 0)
		return -1;
	if (dest.kind == COPY_NOTHING)
		return err_set(e, ERR_NOT_FOUND, "%s: no such directory; make it first", to->shown);
	if (dest.kind != COPY_DIRECTORY)
		return err_set(e, ERR_USAGE, "%s is not a directory, which an archive needs", to->shown);
	if (container_tree_judge(&c->tree, dest.fd, to->shown, true, e) != 0)
		return -1;
	return copy_from_stream(c, dest.fd, to->path.text, e);
}

/* Of what copy_entry_filter() leaves out something may stay; of a device alone, nothing would be made. */
static int refuse_device(const struct copy *c, int source, const struct copy_side *from, struct err *e)
{
	struct stat st;

	if (c->into || c->request->archive || fstat(source, &st) != 0 ||
	        !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
		return 0;
	return err_set(
	        e, ERR_UNSUPPORTED, "%s is a device, which only -a copies out of a container", from->shown);
}

static int to_stream(struct copy *c, const struct copy_side *from, struct err *e)
{
	enum copy_kind kind;
	cleanup_fd int source = copy_source_open(from, c->request->follow, &kind, e);

	if (source < 0 || refuse_device(c, source, from, e) != 0)
		return -1;
	if (kind != COPY_DIRECTORY && from->path.is_dir)
		return err_set(e, ERR_USAGE, "%s is not a directory", from->shown);
	note_source(c, source);
	return copy_to_stream(c, source, from->path.content ? "" : from->path.name, e);
}

static int both(struct copy *c, const struct copy_side *from, const struct copy_side *to, struct err *e)
{
	cleanup_copy_dest struct copy_dest dest = COPY_DEST_INIT;
	enum copy_kind kind;
	cleanup_fd int source = copy_source_open(from, c->request->follow, &kind, e);

	if (source < 0 || refuse_device(c, source, from, e) != 0 || copy_dest_open(to, &dest, e) != 0)
		return -1;
	int way = copy_rule(&from->path, kind, from->shown, &to->path, dest.kind, to->shown, e);
	if (way < 0)
		return -1;
	int dir = way == COPY_AS ? dest.parent : dest.fd;
	if (to->tree && container_tree_judge(to->tree, dir, to->shown, true, e) != 0)
		return -1;
	note_source(c, source);
	const char *name = way == COPY_AS ? dest.name : way == COPY_INTO ? from->path.name : "";
	return copy_tree(c, source, dir, name, e) != 0 ? err_wrap(e, "cannot copy to %s", to->shown) : 0;
}

static int run(struct copy *c, const struct copy_operand *from, const struct copy_operand *to, struct err *e)
{
	struct copy_side source = {0}, dest = {0};
	int rc = make_side(c, from, c->request->from, &source, e);

	if (rc == 0)
		rc = make_side(c, to, c->request->to, &dest, e);
	if (rc == 0)
		rc = from->place == COPY_STREAM ? from_stream(c, &dest, e)
		     : to->place == COPY_STREAM ? to_stream(c, &source, e)
		                                : both(c, &source, &dest, e);
	copy_path_free(&source.path);
	copy_path_free(&dest.path);
	return rc;
}

int tare_copy(const char *root, const char *state, const struct tare_copy *request, struct progress *p,
        struct err *e)
{
	cleanup_copy_operand struct copy_operand from = {0}, to = {0};
	struct copy c = {
	        .request = request, .tree = CONTAINER_TREE_INIT, .progress = p, .label = request->from};

	if (copy_operand_parse(request->from, &from, e) != 0 ||
	        copy_operand_parse(request->to, &to, e) != 0 || check_operands(&from, &to, e) != 0)
		return -1;
	c.into = to.place == COPY_CONTAINER;
	if (from.place == COPY_STREAM)
		c.label = request->to;
	int rc = open_tree(&c, root, state, c.into ? to.container : from.container, e);
	obey_quotas(c.into); /* those of volumes */
	if (rc == 0)
		rc = run(&c, &from, &to, e);
	obey_quotas(false);
	if (rc == 0)
		progress_done(p, c.label, "done");
	if (rc == 0 && c.tree.container.dir_fd >= 0)
		container_event(&c.tree.store, &c.tree.container, "copy", NULL);
	copy_tell_more(&c);
	container_tree_close(&c.tree);
	buf_free(&c.path);
	buf_free(&c.first);
	return rc;
}
