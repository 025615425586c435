#include "registry/server/repository_list.h"

#include <fcntl.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/repository.h"

DIR *repository_list_open(const struct storage *s, struct err *e)
{
	int fd = openat(s->repositories, ".", O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;

	if (list)
		return list;
	err_sys(e, "cannot list the repositories");
	close_fd(&fd);
	return NULL;
}

bool repository_list_next(DIR *list, char name[REPOSITORY_NAME_MAX + 1])
{
	for (struct dirent *d; (d = readdir(list));) {
		size_t len = strnlen(d->d_name, REPOSITORY_NAME_MAX + 1);

		if (len > REPOSITORY_NAME_MAX)
			continue;
		for (size_t i = 0; i <= len; i++)
			name[i] = d->d_name[i] == '+' ? '/' : d->d_name[i];
		if (repository_name_ok(name))
			return true;
	}
	return false;
}
