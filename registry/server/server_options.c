#include "registry/server/server_options.h"

#include <string.h>

#include "base/err.h"
#include "cli/registry_options.h"
#include "net/address.h"
#include "registry/server/access.h"
#include "registry/server/keep.h"

#define SECOND       INT64_C(1000000000)
#define MANIFEST_MIN ((uint64_t)4 << 10)
#define MANIFEST_MAX ((uint64_t)64 << 20)
#define TIMEOUT_MAX  (3600 * SECOND)

static int check_access(const struct server_options *o, struct err *e)
{
	unsigned rights;

	if (!o->certificate != !o->key)
		return err_set(e, ERR_USAGE, "--tls-cert and --tls-key go together");
	if (o->anonymous && o->acl)
		return err_set(e, ERR_USAGE,
		        "--anonymous and --acl don't go together; put a line with @anonymous into %s",
		        o->acl);
	if (o->anonymous && rights_parse(o->anonymous, &rights, e) < 0)
		return err_wrap(e, "--anonymous");
	if (o->anonymous && !o->htpasswd && rights == 0)
		return err_set(
		        e, ERR_USAGE, "with --anonymous none and no --htpasswd nobody could do anything");
	if (o->realm && (strncmp(o->realm, "http", 4) != 0 || !strstr(o->realm, "://") ||
	                        strpbrk(o->realm, "\"\\ \n\r")))
		return err_set(
		        e, ERR_USAGE, "--realm %s is no URL, as in https://registry.example/token", o->realm);
	return 0;
}

static int check_limits(
        const struct server_options *o, const struct registry_start_options *from, struct err *e)
{
	cleanup_keep_rules struct keep_rules keep = KEEP_RULES_INIT;

	if (o->max_manifest < MANIFEST_MIN || o->max_manifest > MANIFEST_MAX)
		return err_set(e, ERR_USAGE, "--max-manifest is from 4k to 64m");
	if (from->timeout < SECOND || from->timeout > TIMEOUT_MAX)
		return err_set(e, ERR_USAGE, "--timeout is from 1s to 1h");
	if (from->drain < 0 || from->drain > TIMEOUT_MAX)
		return err_set(e, ERR_USAGE, "--drain is at most 1h");
	if (o->gc_interval < 0 || o->gc_grace < 0 || o->upload_age < 0 || o->scrub_interval < 0 ||
	        o->cache_ttl < 0)
		return err_set(e, ERR_USAGE, "intervals and ages are not negative");
	return keep_rules_parse(o->keep, &keep, e);
}

static int check_place(struct server_options *o, struct err *e)
{
	struct net_address address;

	if (strcmp(o->listen, "localhost") == 0)
		o->listen = "127.0.0.1";
	if (net_address_parse(o->listen, &address, e) < 0)
		return err_wrap(e, "--listen");
	if (o->detach && o->access_log && strcmp(o->access_log, "-") == 0)
		return err_set(e, ERR_USAGE,
		        "in the background there is no standard output; give --access-log a file");
	if (o->read_only && o->upstreams)
		return err_set(e, ERR_USAGE, "--read-only and --upstream don't go together: a cache writes");
	return 0;
}

int server_options_read(const struct registry_start_options *from, struct server_options *o, struct err *e)
{
	*o = (struct server_options){
	        .listen = from->listen,
	        .port = (int)from->port,
	        .storage = from->storage,
	        .detach = from->detach,
	        .read_only = from->read_only,
	        .local_images = from->local_images,
	        .certificate = from->tls_certificate,
	        .key = from->tls_key,
	        .htpasswd = from->htpasswd,
	        .acl = from->acl,
	        .anonymous = from->anonymous,
	        .quota = from->quota,
	        .repository_quota = from->repository_quota,
	        .min_free = from->min_free,
	        .max_manifest = from->max_manifest,
	        .connections = (unsigned)from->connections,
	        .connections_per_address = (unsigned)from->connections_per_address,
	        .timeout = (unsigned)((from->timeout + SECOND - 1) / SECOND),
	        .rate = (unsigned)from->rate,
	        .gc_interval = from->gc_interval,
	        .gc_grace = from->gc_grace,
	        .upload_age = from->upload_age,
	        .scrub_interval = from->scrub_interval,
	        .keep = from->keep,
	        .keep_untagged = from->keep_untagged,
	        .upstreams = from->upstreams,
	        .cache_ttl = from->cache_ttl,
	        .access_log = from->access_log,
	        .sparse = from->sparse,
	        .catalog_max = (unsigned)from->catalog_max,
	        .realm = from->realm,
	        .drain = from->drain,
	};
	return check_access(o, e) < 0 || check_limits(o, from, e) < 0 ? -1 : check_place(o, e);
}

static bool is_loopback(const char *text)
{
	struct net_address a;
	static const unsigned char six[16] = {[15] = 1};

	if (net_address_parse(text, &a, NULL) < 0)
		return false;
	return net_address_len(&a) == 4 ? a.bytes[0] == 127 : memcmp(a.bytes, six, sizeof six) == 0;
}

void server_options_warn(const struct server_options *o)
{
	if (is_loopback(o->listen))
		return;
	if (!o->htpasswd && !o->acl)
		log_line(LOG_LEVEL_WARN,
		        "whoever reaches %s may use this registry without a login; see --htpasswd and "
		        "--anonymous",
		        o->listen);
	if (!o->certificate)
		log_line(LOG_LEVEL_WARN,
		        "%s is not loopback, and passwords and images travel in the clear; see --tls-cert",
		        o->listen);
}
