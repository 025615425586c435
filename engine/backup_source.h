/* Where a backup is read from: an archive, or one backup in a repository. */
#ifndef TARE_ENGINE_BACKUP_SOURCE_H
#define TARE_ENGINE_BACKUP_SOURCE_H

#include <stddef.h>

struct err;

struct backup_source {
	char *archive; /* a file, or "-"; NULL: a repository */
	char *dir;     /* the repository */
	char *id;      /* the start of a backup's id, "latest"; NULL: none was given */
};
/* "FILE", "-", "DIR", "DIR@ID". What exists by the whole text is that, whatever signs are in its name.
 * ERR_NOT_FOUND: there is nothing. */
int backup_source_parse(const char *text, struct backup_source *s, struct err *e);
void backup_source_free(struct backup_source *s);
#define cleanup_backup_source __attribute__((cleanup(backup_source_free)))

#endif
