/* The option words of a mount (OCI runtime spec, mounts[].options). */
#include <string.h>
#include <sys/mount.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/runtime/mount_tree.h"

enum word_effect { WORD_SET, WORD_CLEAR, WORD_PROPAGATION, WORD_BIND, WORD_TOP, WORD_CHOWN, WORD_NOTHING };

static const struct mount_word {
	const char *word;
	enum word_effect effect;
	uint64_t value;
	bool recursive;
} words[] = {
        {"ro", WORD_SET, MOUNT_ATTR_RDONLY, false},
        {"rro", WORD_SET, MOUNT_ATTR_RDONLY, true},
        {"rw", WORD_NOTHING, 0, false}, /* a host mount that is read-only stays so */
        {"nosuid", WORD_SET, MOUNT_ATTR_NOSUID, false},
        {"suid", WORD_CLEAR, MOUNT_ATTR_NOSUID, false},
        {"nodev", WORD_SET, MOUNT_ATTR_NODEV, false},
        {"dev", WORD_CLEAR, MOUNT_ATTR_NODEV, false},
        {"noexec", WORD_SET, MOUNT_ATTR_NOEXEC, false},
        {"exec", WORD_CLEAR, MOUNT_ATTR_NOEXEC, false},
        {"noatime", WORD_SET, MOUNT_ATTR_NOATIME, false},
        {"strictatime", WORD_SET, MOUNT_ATTR_STRICTATIME, false},
        {"relatime", WORD_NOTHING, 0, false}, /* the kernel's default */
        {"nodiratime", WORD_SET, MOUNT_ATTR_NODIRATIME, false},
        {"diratime", WORD_CLEAR, MOUNT_ATTR_NODIRATIME, false},
        {"bind", WORD_BIND, 0, false},
        {"rbind", WORD_BIND, 0, true},
        {"private", WORD_PROPAGATION, MS_PRIVATE, false},
        {"rprivate", WORD_PROPAGATION, MS_PRIVATE, true},
        {"shared", WORD_PROPAGATION, MS_SHARED, false},
        {"rshared", WORD_PROPAGATION, MS_SHARED, true},
        {"slave", WORD_PROPAGATION, MS_SLAVE, false},
        {"rslave", WORD_PROPAGATION, MS_SLAVE, true},
        {"unbindable", WORD_PROPAGATION, MS_UNBINDABLE, false},
        {"runbindable", WORD_PROPAGATION, MS_UNBINDABLE, true},
        {"top", WORD_TOP, 0, false},       /* ours: "ro" is about the top of an rbind only */
        {"U", WORD_CHOWN, 0, false},       /* podman's */
        {"idmap", WORD_NOTHING, 0, false}, /* with a user namespace; mounts.c sees to it */
        {"defaults", WORD_NOTHING, 0, false},
        {"z", WORD_NOTHING, 0, false}, /* SELinux relabelling: nothing to do without it */
        {"Z", WORD_NOTHING, 0, false},
        {"nocopy", WORD_NOTHING, 0, false},
        {"copy", WORD_NOTHING, 0, false},
        {"tmpcopyup", WORD_NOTHING, 0, false},
};

static const struct mount_word *find_word(const char *s)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (!strcmp(words[i].word, s))
			return &words[i];
	return NULL;
}

static void apply_word(struct mount_options *o, const struct mount_word *w)
{
	o->recursive |= w->recursive;
	switch (w->effect) {
	case WORD_SET:
		o->set |= w->value;
		break;
	case WORD_CLEAR:
		o->clear |= w->value;
		o->set &= ~w->value;
		break;
	case WORD_PROPAGATION:
		o->propagation = w->value;
		break;
	case WORD_BIND:
		o->bind = true;
		break;
	case WORD_TOP:
		o->top_only = true;
		break;
	case WORD_CHOWN:
		o->chown = true;
		break;
	case WORD_NOTHING:
		break;
	}
}

int mount_options_parse(char *const *list, struct mount_options *o, char **data, struct err *e)
{
	*o = (struct mount_options){.data = data};
	strv_foreach (s, list) {
		const struct mount_word *w = find_word(*s);
		if (w) {
			apply_word(o, w);
			continue;
		}
		if (o->n_data == MOUNT_DATA_MAX)
			return err_set(e, ERR_USAGE, "more than %d mount options", MOUNT_DATA_MAX);
		data[o->n_data++] = *s;
	}
	return 0;
}
