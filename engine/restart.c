/* Restart policies: the rules. */
#include "engine/restart.h"

#include "base/json.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"

#define DELAY_MS     100u   /* Docker's: doubled at each restart, */
#define DELAY_MAX_MS 60000u /* up to a minute, */

enum tare_restart container_restart_policy(const struct container_record *r, unsigned *max)
{
	json *policy = json_path(r->config, "HostConfig.RestartPolicy");
	enum tare_restart found = TARE_RESTART_NO;
	unsigned times;

	/* "": Docker's other word for no */
	if (tare_parse_restart(json_str(policy, "Name", "no"), &found, &times, NULL) != 0)
		found = TARE_RESTART_NO;
	if (max)
		*max = found == TARE_RESTART_ON_FAILURE ? (unsigned)json_int(policy, "MaximumRetryCount", 0)
		                                        : 0;
	return found;
}

unsigned restart_delay_ms(unsigned shift)
{
	unsigned ms = shift < RESTART_SHIFT_MAX ? DELAY_MS << shift : DELAY_MAX_MS;

	return ms < DELAY_MAX_MS ? ms : DELAY_MAX_MS;
}

static bool failure_counts(const struct container_record *r, unsigned max, int exit_code)
{
	return exit_code != 0 && (max == 0 || r->restart_count < max);
}

bool restart_is_due(const struct container_record *r, int exit_code)
{
	unsigned max;
	enum tare_restart policy = container_restart_policy(r, &max);

	if (r->stopped_by_user || policy == TARE_RESTART_NO)
		return false;
	return policy != TARE_RESTART_ON_FAILURE || failure_counts(r, max, exit_code);
}

bool restart_at_boot(const struct container_record *r)
{
	unsigned max;
	enum tare_restart policy = container_restart_policy(r, &max);

	if (!r->started || policy == TARE_RESTART_NO)
		return false; /* what was only made waits for its first start */
	if (policy == TARE_RESTART_ALWAYS)
		return true;
	if (r->stopped_by_user)
		return false;
	return policy == TARE_RESTART_UNLESS_STOPPED || failure_counts(r, max, r->exit_code);
}
