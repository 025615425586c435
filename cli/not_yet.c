#include "cli/not_yet.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

/* The first row that fits counts; names are patterns of fnmatch(3). */
struct row {
	const char *name, *hint;
};

static const struct row commands[] = {
        {"build", "not in Tare yet; build elsewhere and use tare load, or use tare import --change"},
        {"volume export", "in Tare it is tare volume backup VOLUME FILE, or - for standard output"},
        {"volume import", "in Tare it is tare volume restore VOLUME FILE, or - for standard input"},
        {"volume exists", "in Tare it is tare volume inspect VOLUME, which exits with 1 when there is none"},
        {NULL, NULL},
};

static const struct row run_flags[] = {
        {"link", "not in Tare; put both into one network, where each finds the other by its name"},
        {"link-local-ip", "not in Tare; use --ip"},
        {"health-log-*", "not in Tare, which keeps the last five probes; see tare inspect"},
        {"health-max-log-*", "not in Tare, which keeps the last five probes; see tare inspect"},
        {"health-startup-*", "not in Tare; use --health-start-period and --health-start-interval"},
        {"subuidname", "not in Tare; use --userns auto, or --uidmap"},
        {"subgidname", "not in Tare; use --userns auto, or --gidmap"},
        {"gpus", "not in Tare yet; use --device"},
        {NULL, NULL},
};

static const struct row network_flags[] = {
        {"ipv4", "not in Tare, where every network has IPv4"},
        {"attachable", "not needed in Tare; any container can be connected"},
        {"scope", "not in Tare, where every network is of this host"},
        {"ingress", "not in Tare, where every network is of this host"},
        {"config-*", "not in Tare; give the options themselves"},
        {"ipam-*", "not in Tare; use --subnet, --gateway and --ip-range"},
        {"aux-address", "not in Tare; use --ip-range to leave addresses out"},
        {"link", "not in Tare; in one network each finds the other by its name, or by --alias"},
        {"link-local-ip", "not in Tare; use --ip"},
        {"driver-opt", "not in Tare; use --opt of tare network create"},
        {"gw-priority", "not in Tare; the first network of a container has its default route"},
        {NULL, NULL},
};

static const char *look_up(const struct row *r, const char *name)
{
	for (; r->name; r++)
		if (fnmatch(r->name, name, 0) == 0)
			return r->hint;
	return NULL;
}

const char *not_yet_command(const char *typed)
{
	static const char *const families[] = {"container ", "image "};

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (strncmp(typed, families[i], strlen(families[i])) == 0)
			return look_up(commands, typed + strlen(families[i]));
	return look_up(commands, typed);
}

const char *not_yet_run_flag(const char *name)
{
	return look_up(run_flags, name);
}

const char *not_yet_network_flag(const char *name)
{
	return look_up(network_flags, name);
}
