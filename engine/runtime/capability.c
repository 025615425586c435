#include <stdint.h>
#include <sys/prctl.h>

#include "engine/runtime/launch.h"

uint64_t capability_bounding(void)
{
	uint64_t mask = 0;

	for (unsigned long cap = 0; cap < 64; cap++) {
		int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (has < 0)
			break; /* above the kernel's last capability */
		mask |= (uint64_t)has << cap;
	}
	return mask;
}
