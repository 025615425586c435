/* export: the root of a container as a tar archive, without what is mounted in it. */
#include <unistd.h>

#include "base/err.h"
#include "base/progress.h"
#include "base/text.h"
#include "engine/archive/target_file.h"
#include "engine/archive/tree_pack.h"
#include "engine/container_tree.h"
#include "engine/tare.h"

struct export
{
	struct container_tree tree;
	struct target_file file;
	struct progress *progress;
};

static int write_block(void *arg, const void *data, size_t len, struct err *e)
{
	struct export *x = arg;

	return target_file_write(&x->file, data, len, e);
}

static void tell_skipped(void *arg, const char *path, const char *why)
{
	char shown[512];

	(void)arg;
	text_harmless_to(shown, sizeof shown, path);
	log_line(LOG_LEVEL_WARN, "\"%s\" is left out: %s", shown, why);
}

static void tell_progress(void *arg, uint64_t bytes)
{
	const struct export *x = arg;

	progress_step(x->progress, x->tree.name, "exporting", bytes, 0);
}

static int pack(struct export *x, struct err *e)
{
	struct tree_pack_result result;
	const struct tree_pack_options options = {
	        .write = write_block,
	        .prefix = "",
	        .skipped = tell_skipped,
	        .progress = tell_progress,
	        .arg = x,
	        .xattrs = TREE_XATTRS_LAYER,
	        .ids = container_tree_ids(&x->tree),
	        .one_fs = true,
	};

	return tree_pack(x->tree.root, &options, &result, e) != 0
	               ? err_wrap(e, "cannot export container %s", x->tree.name)
	               : 0;
}

int tare_export(const char *root, const char *state, const char *container, const char *file,
        struct progress *p, struct err *e)
{
	struct export x = {.tree = CONTAINER_TREE_INIT, .file = TARGET_FILE_INIT, .progress = p};
	int rc = container_tree_open(&x.tree, root, state, container, CONTAINER_TREE_BARE, e);

	if (rc == 0)
		rc = target_file_open(&x.file, file, "use -o FILE, or pipe it on", e);
	if (rc == 0)
		rc = target_file_close(&x.file, pack(&x, e), e);
	if (rc == 0) {
		progress_done(p, x.tree.name, "done");
		container_event(&x.tree.store, &x.tree.container, "export", NULL);
	}
	container_tree_close(&x.tree);
	return rc;
}
