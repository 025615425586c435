#include "engine/backup_source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int split(const char *text, struct backup_source *s, struct err *e)
{
	const char *at = strrchr(text, '@');

	s->dir = at && at > text ? str_printf("%.*s", (int)(at - text), text) : NULL;
	if (s->dir && is_directory(s->dir)) {
		if (!at[1])
			return err_set(e, ERR_USAGE,
			        "no id behind the @ of \"%s\"; see: tare volume backups %s", text, s->dir);
		s->id = strdup(at + 1);
		return s->id ? 0 : err_no_memory(e);
	}
	errno = ENOENT;
	return err_sys(e, "cannot read the backup \"%s\"", text);
}

int backup_source_parse(const char *text, struct backup_source *s, struct err *e)
{
	struct stat st = {0}; /* of standard input nothing is asked */

	*s = (struct backup_source){0};
	if (!*text)
		return err_set(e, ERR_USAGE, "the name of the backup is empty; name a file or a repository");
	if (strcmp(text, "-") != 0 && stat(text, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_sys(e, "cannot read the backup \"%s\"", text);
		return split(text, s, e);
	}
	if (S_ISDIR(st.st_mode))
		s->dir = strdup(text);
	else
		s->archive = strdup(text);
	return s->dir || s->archive ? 0 : err_no_memory(e);
}

void backup_source_free(struct backup_source *s)
{
	free(s->archive);
	free(s->dir);
	free(s->id);
	*s = (struct backup_source){0};
}
