#include "base/overlay_mark.h"

#include <stddef.h>
#include <sys/xattr.h>

#include "base/rootless.h"

/* Only those that the mount goes by: a container of root's may well set user.overlay.*. */
static const char *mark(const char *trusted, const char *user)
{
	return in_user_namespace() ? user : trusted;
}

static const char *opaque_mark(void)
{
	return mark("trusted.overlay.opaque", "user.overlay.opaque");
}

int overlay_set_opaque(int dir)
{
	return fsetxattr(dir, opaque_mark(), "y", 1, 0);
}

bool overlay_is_opaque(int dir)
{
	char value[2];

	return fgetxattr(dir, opaque_mark(), value, sizeof(value)) == 1 && value[0] == 'y';
}

const char *overlay_strange_mark(int fd)
{
	const char *const names[] = {mark("trusted.overlay.redirect", "user.overlay.redirect"),
	        mark("trusted.overlay.metacopy", "user.overlay.metacopy")};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (fgetxattr(fd, names[i], NULL, 0) >= 0)
			return names[i];
	return NULL;
}
