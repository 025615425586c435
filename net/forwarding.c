/* Whether this host forwards packets: two sysctls. */
#include "net/forwarding.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/file.h"

#define IPV4_SWITCH "/proc/sys/net/ipv4/ip_forward"
#define IPV6_SWITCH "/proc/sys/net/ipv6/conf/all/forwarding"
#define IPV6_LINKS  "/proc/sys/net/ipv6/conf"

static const char *switch_of(int family)
{
	return family == AF_INET6 ? IPV6_SWITCH : IPV4_SWITCH;
}

bool forwarding_on(int family)
{
	char text[16];

	return file_read_small(AT_FDCWD, switch_of(family), text, sizeof text) > 0 && strcmp(text, "0") != 0;
}

/* A link whose accept_ra is 1 listens to routers only as long as the host is none itself; 2 means always.
 * `default` is passed over: links that come later are not ours to decide about. */
static int keep_listening(struct err *e)
{
	cleanup_dir DIR *links = opendir(IPV6_LINKS);
	struct dirent *d;

	if (!links)
		return err_sys(e, "cannot read %s", IPV6_LINKS);
	while ((d = readdir(links))) {
		char path[sizeof d->d_name + sizeof "/accept_ra"], text[16];
		if (*d->d_name == '.' || strcmp(d->d_name, "default") == 0 || strcmp(d->d_name, "all") == 0)
			continue;
		snprintf(path, sizeof path, "%s/accept_ra", d->d_name);
		if (file_read_small(dirfd(links), path, text, sizeof text) < 0 || strcmp(text, "1") != 0)
			continue;
		/* A link that has just gone needs nothing. */
		if (file_poke(dirfd(links), path, "2") < 0 && errno != ENOENT)
			return err_sys(e, "cannot write 2 to %s/%s", IPV6_LINKS, path);
	}
	return 0;
}

int forwarding_enable(int family, struct err *e)
{
	if (forwarding_on(family))
		return 0;
	if (family == AF_INET6 && keep_listening(e) < 0)
		return -1;
	if (file_poke(AT_FDCWD, switch_of(family), "1") < 0)
		return err_sys(e, "cannot write 1 to %s, so containers would reach no other network",
		        switch_of(family));
	return 1;
}
