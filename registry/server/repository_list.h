/* The repositories of a storage one after the other, in no order, as their directories lie there. */
#ifndef TARE_REGISTRY_REPOSITORY_LIST_H
#define TARE_REGISTRY_REPOSITORY_LIST_H

#include <dirent.h>
#include <stdbool.h>

#include "registry/server/storage.h"

/* The caller's to close (cleanup_dir); NULL with e. */
DIR *repository_list_open(const struct storage *s, struct err *e);
/* The next name; what is none is passed over. false: there are no more. */
bool repository_list_next(DIR *list, char name[REPOSITORY_NAME_MAX + 1]);

#endif
