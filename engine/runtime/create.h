/* Inside launch_create(): the switches that tests turn, and what enter.c shares. */
#ifndef TARE_RUNTIME_CREATE_H
#define TARE_RUNTIME_CREATE_H

#include <stdbool.h>

#include "engine/runtime/last_stage.h"
#include "engine/runtime/launch.h"

struct err;
struct report_ends;

/* How to do without what a newer kernel has. All zero: the best way here. */
struct launch_fallbacks {
	enum last_stage_seal seal;
	bool old_mount_api; /* no mount_setattr(2): before 5.12 */
	bool no_mknod;      /* device nodes are bound from the host */
};

int launch_create_with(
        const struct launch *l, const struct launch_fallbacks *f, struct launched *out, struct err *e);
int launch_enter_with(
        const struct enter *x, const struct launch_fallbacks *f, struct launched *out, struct err *e);

/* In the child: the three descriptors become 0, 1, 2, and pipes among them the user's. */
int launch_connect(const int stdio[3], uid_t uid, gid_t gid, struct err *e);
/* In the caller: wait for the command's execve; on failure the child, and who goes on in its place, are gone.
 */
int launch_finish(pid_t pid, const struct report_ends *report, const struct runtime_spec *spec,
        struct launched *out, struct err *e);

#endif
