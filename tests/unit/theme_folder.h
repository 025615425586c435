/* The shipped themes, found as a user's: a configuration directory of its own whose themes are the tree's. */
#ifndef TARE_TESTS_THEME_FOLDER_H
#define TARE_TESTS_THEME_FOLDER_H

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char theme_folder[] = "/tmp/tare-themes-XXXXXX";

static int theme_folder_set_up(void **state)
{
	char themes[PATH_MAX], link[PATH_MAX];

	(void)state;
	if (!mkdtemp(theme_folder) || !realpath("themes", themes))
		return -1;
	snprintf(link, sizeof link, "%s/tare", theme_folder);
	if (mkdir(link, 0700))
		return -1;
	snprintf(link, sizeof link, "%s/tare/themes", theme_folder);
	setenv("XDG_CONFIG_HOME", theme_folder, 1);
	return symlink(themes, link);
}

static int theme_folder_tear_down(void **state)
{
	(void)state;
	return remove_tree_at(AT_FDCWD, theme_folder);
}

#endif
