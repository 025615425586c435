#include "engine/oci/sysctl.h"

#include <stdio.h>
#include <string.h>

#include "base/defence.h"
#include "base/err.h"

/* What the kernel keeps per namespace, of it what Docker allows (linux: ipc_sysctl.c, mq_sysctl.c,
 * utsname_sysctl.c). Names that end with a slash stand for all beneath. */
static const struct tree {
	const char *name, *dir;
	enum spec_namespace_kind ns;
} trees[] = {
        {"net/", "net", NS_NETWORK},
        {"fs/mqueue/", "fs/mqueue", NS_IPC},
        {"kernel/msgmax", "kernel", NS_IPC},
        {"kernel/msgmnb", "kernel", NS_IPC},
        {"kernel/msgmni", "kernel", NS_IPC},
        {"kernel/sem", "kernel", NS_IPC},
        {"kernel/shmall", "kernel", NS_IPC},
        {"kernel/shmmax", "kernel", NS_IPC},
        {"kernel/shmmni", "kernel", NS_IPC},
        {"kernel/shm_rmid_forced", "kernel", NS_IPC},
        {"kernel/domainname", "kernel", NS_UTS},
        {"kernel/hostname", "kernel", NS_UTS},
};

static const char *const ns_names[NS_KIND_COUNT] = {
        [NS_NETWORK] = "network", [NS_IPC] = "ipc", [NS_UTS] = "uts"};

static void key_to_path(char *key)
{
	const char *first = strpbrk(key, "./");
	char from = first && *first == '/' ? '/' : '.';

	for (char *p = key; *p; p++)
		*p = *p == from ? '/' : *p == '.' || *p == '/' ? '.' : *p;
}

/* "net.//.vm.swappiness" is net/../vm/swappiness: a setting of the host by way of one that is allowed. */
static bool components_are_names(const char *path)
{
	for (;;) {
		size_t n = strcspn(path, "/");

		if (n == 0 || (n == 1 && path[0] == '.') || (n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

static const struct tree *find_tree(const char *path)
{
	for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
		size_t n = strlen(trees[i].name);

		if (strncmp(path, trees[i].name, n) == 0 && (trees[i].name[n - 1] == '/' || !path[n]))
			return &trees[i];
	}
	return NULL;
}

int sysctl_parse(
        const char *text, const struct spec_namespace ns[NS_KIND_COUNT], struct sysctl *s, struct err *e)
{
	const char *equal = strchr(text, '=');
	char path[sizeof s->path];

	if (!equal || equal == text || !equal[1])
		return err_set(e, ERR_USAGE,
		        "invalid --sysctl \"%.100s\": write NAME=VALUE, as in net.core.somaxconn=1024", text);
	if ((size_t)(equal - text) >= sizeof path)
		return err_set(e, ERR_USAGE, "invalid --sysctl \"%.100s…\": the name is too long", text);
	snprintf(path, sizeof path, "%.*s", (int)(equal - text), text);
	key_to_path(path);
	if (DEFENCE("sysctl-names") && !components_are_names(path))
		return err_set(e, ERR_USAGE,
		        "invalid --sysctl \"%.100s\": the name has an empty part, . or ..", text);
	const struct tree *t = find_tree(path);
	if (!t)
		return err_set(e, ERR_USAGE,
		        "sysctl \"%.100s\" belongs to the whole host and cannot be set for a container",
		        text);
	if (ns[t->ns].mode != NS_PRIVATE)
		return err_set(e, ERR_USAGE,
		        "sysctl \"%.100s\" needs a %s namespace of the container's own; leave out one of "
		        "them",
		        text, ns_names[t->ns]);
	s->dir = t->dir;
	s->value = equal + 1;
	snprintf(s->path, sizeof s->path, "%s", path + strlen(t->dir) + 1);
	return 0;
}
