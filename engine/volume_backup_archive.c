/* A volume's backup as an archive: tar with everything, its list of files with their digests last, compressed
 * on the way out. */
#include <string.h>

#include "base/buf.h"
#include "engine/archive/compress.h"
#include "engine/archive/tar_writer.h"
#include "engine/archive/target_file.h"
#include "engine/archive/tree_pack.h"
#include "engine/backup/tar_manifest.h"
#include "engine/volume_backup.h"

struct archive {
	struct volume_backup *backup;
	struct target_file out;
	struct compress *compress;
	struct tar_manifest manifest;
	uint64_t length; /* of the stream so far */
};

static enum compression by_name(const char *file)
{
	static const struct {
		const char *end;
		enum compression kind;
	} names[] = {
	        {".tar.gz", COMPRESSION_GZIP},
	        {".tgz", COMPRESSION_GZIP},
	        {".tar.zst", COMPRESSION_ZSTD},
	        {".tzst", COMPRESSION_ZSTD},
	};
	size_t len = strlen(file);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t end = strlen(names[i].end);
		if (len > end && strcmp(file + len - end, names[i].end) == 0)
			return names[i].kind;
	}
	return COMPRESSION_NONE;
}

static enum compression choose(const struct tare_backup *q)
{
	switch (q->format) {
	case TARE_BACKUP_TAR:
		return COMPRESSION_NONE;
	case TARE_BACKUP_GZIP:
		return COMPRESSION_GZIP;
	case TARE_BACKUP_ZSTD:
		return COMPRESSION_ZSTD;
	default:
		return by_name(q->file);
	}
}

/* ------------------------------------------------------------------ the stream */

static int write_file(void *arg, const void *data, size_t len, struct err *e)
{
	struct archive *a = arg;
	return target_file_write(&a->out, data, len, e);
}

static int write_stream(void *arg, const void *data, size_t len, struct err *e)
{
	struct archive *a = arg;
	return compress_add(a->compress, data, len, e);
}

static int add_entry(void *arg, const struct tree_entry *entry, uint64_t at, uint64_t data, struct err *e)
{
	struct archive *a = arg;
	if (tar_manifest_is(entry))
		return err_set(e, ERR_CONFLICT,
		        "the archive's list of files is called " TAR_MANIFEST_NAME
		        ", and the volume has a file of that name; leave it out with --exclude "
		        "/" TAR_MANIFEST_NAME);
	return tar_manifest_add(&a->manifest, entry, at, data, e);
}

static void add_digest(void *arg, const unsigned char *xxh128)
{
	struct archive *a = arg;
	tar_manifest_digest(&a->manifest, xxh128);
}

static bool excluded(void *arg, const char *path)
{
	const struct archive *a = arg;
	return volume_backup_excluded(a->backup, path);
}

static void skipped(void *arg, const char *path, const char *why)
{
	const struct archive *a = arg;
	volume_backup_skipped(a->backup, path, why);
}

static void report(void *arg, uint64_t bytes)
{
	const struct archive *a = arg;
	volume_backup_progress(a->backup, bytes);
}

static int pack(struct archive *a, struct err *e)
{
	struct tree_pack_result packed;
	const struct tree_pack_options o = {.write = write_stream,
	        .prefix = "",
	        .entry = add_entry,
	        .digest = add_digest,
	        .skipped = skipped,
	        .excluded = a->backup->request->excludes ? excluded : NULL,
	        .progress = report,
	        .arg = a,
	        .xattrs = TREE_XATTRS_ALL,
	        .long_paths_fail = true,
	        .open_end = true};
	int rc = tree_pack(a->backup->data_fd, &o, &packed, e);
	a->backup->result->bytes = packed.bytes;
	a->backup->result->entries = packed.entries;
	return rc;
}

/* ------------------------------------------------------------------ the list of files */

static int put_text(void *arg, const void *data, size_t len, struct err *e)
{
	return tar_writer_data(arg, data, len, e);
}

static int put_manifest(struct archive *a, enum compression kind, struct err *e)
{
	struct tar_member m;
	cleanup_free struct tar_writer *w = malloc(sizeof(*w));
	if (!w)
		return err_no_memory(e);
	if (tar_manifest_end(&a->manifest, kind, e) < 0)
		return -1;
	tar_manifest_member(&m, a->manifest.size);
	tar_writer_init(w, write_stream, a);
	int rc = tar_writer_begin(w, &m, e);
	if (rc == 0)
		rc = tar_manifest_read(&a->manifest, put_text, w, e);
	if (rc == 0)
		rc = tar_writer_end(w, e);
	if (rc == 0)
		rc = tar_writer_finish(w, e);
	tar_writer_free(w);
	return rc;
}

static int write_archive(struct archive *a, enum compression kind, struct err *e)
{
	const struct tare_backup *q = a->backup->request;
	a->compress = compress_new_parallel(kind, q->level, q->threads, write_file, a, e);
	if (!a->compress || tar_manifest_begin(&a->manifest, e) < 0 || pack(a, e) < 0)
		return -1;
	/* The list stands for itself, so that damage to it is none to files. */
	if (compress_cut(a->compress, e) < 0 || put_manifest(a, kind, e) < 0)
		return -1;
	return compress_finish(a->compress, e);
}

int volume_backup_to_archive(struct volume_backup *b, struct err *e)
{
	const struct tare_backup *q = b->request;
	enum compression kind = choose(q);
	struct archive a = {.backup = b, .out = TARGET_FILE_INIT, .manifest = TAR_MANIFEST_INIT};
	int rc = target_file_open(&a.out, q->file, "name a FILE or redirect it", e);
	if (rc == 0)
		rc = write_archive(&a, kind, e);
	rc = target_file_close(&a.out, rc, e);
	b->result->written = a.out.written;
	compress_free(a.compress);
	tar_manifest_free(&a.manifest);
	return rc;
}
