#include "cli/registry_options.h"

#define SECOND       INT64_C(1000000000)
#define HOUR         (3600 * SECOND)
#define PORT_DEFAULT 5000

#define OPTIONS struct registry_start_options
static const struct option start_options[] = {
        OPT_INT("port", 'p', port, 0, 65535, "PORT", "Port to listen on (default 5000; 0: any that is free)"),
        OPT_STRING("listen", 0, listen, "ADDRESS", "none",
                "Address to listen on (default 127.0.0.1; 0.0.0.0 or :: for all)"),
        OPT_STRING("storage", 0, storage, "DIR", "directories",
                "Where it keeps what is pushed (default: registry/ in tare's root)"),
        OPT_FLAG("detach", 'd', detach, "Run in the background; return when it answers"),
        OPT_FLAG("read-only", 0, read_only, "Refuse pushes and deletes, and write nothing"),
        OPT_FLAG("local-images", 0, local_images, "Serve the images of this machine's store, too"),
        OPT_FLAG("sparse", 0, sparse, "Take manifests and indexes whose parts are missing"),
        OPT_SECTION("Access"),
        OPT_STRING("tls-cert", 0, tls_certificate, "FILE", "files",
                "Speak TLS with this certificate (PEM, with its chain)"),
        OPT_STRING("tls-key", 0, tls_key, "FILE", "files", "Its key (PEM)"),
        OPT_STRING("htpasswd", 0, htpasswd, "FILE", "files", "Users and passwords, made by htpasswd -B"),
        OPT_STRING("acl", 0, acl, "FILE", "files", "Who may do what: lines PATTERN WHO RIGHTS"),
        OPT_STRING("anonymous", 0, anonymous, "RIGHTS", "all pull none",
                "What may be done without a login (default: all, with --htpasswd none)"),
        OPT_STRING("realm", 0, realm, "URL", "none",
                "Address of the token issuer as clients reach it, behind a proxy"),
        OPT_SECTION("Limits"),
        OPT_SIZE("quota", 0, quota, "Most that the whole storage may hold"),
        OPT_SIZE("repository-quota", 0, repository_quota, "Most that each repository may hold"),
        OPT_SIZE("min-free", 0, min_free,
                "Refuse pushes when less than this is free on the disk (default 64m)"),
        OPT_SIZE("max-manifest", 0, max_manifest, "Largest manifest taken (default 4m)"),
        OPT_INT("catalog-max", 0, catalog_max, 1, 100000, "N",
                "Most entries on a page of the catalog (default 1000)"),
        OPT_INT("connections", 0, connections, 1, 65536, "N", "Connections at a time (default 1024)"),
        OPT_INT("connections-per-address", 0, connections_per_address, 1, 65536, "N",
                "Connections at a time from one address (default 512)"),
        OPT_INT("rate", 0, rate, 1, 1000000, "N", "Requests a second from one address (default: any number)"),
        {.name = "timeout",
                .kind = OPTION_DURATION,
                .offset = offsetof(OPTIONS, timeout),
                .value = "TIME",
                .complete = "none",
                .help = "End connections that are silent for so long (default 60s)"},
        {.name = "drain",
                .kind = OPTION_DURATION,
                .offset = offsetof(OPTIONS, drain),
                .value = "TIME",
                .complete = "none",
                .help = "What running requests get when the server is stopped (default 30s)"},
        OPT_SECTION("Housekeeping"),
        {.name = "gc-interval",
                .kind = OPTION_DURATION,
                .offset = offsetof(OPTIONS, gc_interval),
                .value = "TIME",
                .complete = "none",
                .help = "Collect garbage so often (default 24h; 0: never)"},
        {.name = "gc-grace",
                .kind = OPTION_DURATION,
                .offset = offsetof(OPTIONS, gc_grace),
                .value = "TIME",
                .complete = "none",
                .help = "Leave alone what is younger (default 1h)"},
        OPT_LIST("keep", 0, keep, "RULE", "none", "Which tags stay, as in \"ci/*:pr-*,last=3\""),
        OPT_FLAG("keep-untagged", 0, keep_untagged, "Keep manifests that have no tag"),
        {.name = "upload-age",
                .kind = OPTION_DURATION,
                .offset = offsetof(OPTIONS, upload_age),
                .value = "TIME",
                .complete = "none",
                .help = "Remove uploads that nobody went on with for so long (default 24h)"},
        {.name = "scrub-interval",
                .kind = OPTION_DURATION,
                .offset = offsetof(OPTIONS, scrub_interval),
                .value = "TIME",
                .complete = "none",
                .help = "Compare all blobs with their digests so often (default: never)"},
        OPT_LIST("upstream", 0, upstreams, "HOST[=PREFIX]", "none",
                "Fetch what is missing from there and keep it (pull-through cache)"),
        {.name = "cache-ttl",
                .kind = OPTION_DURATION,
                .offset = offsetof(OPTIONS, cache_ttl),
                .value = "TIME",
                .complete = "none",
                .help = "Ask upstream again about a tag after so long (default 60s)"},
        OPT_STRING("access-log", 0, access_log, "FILE", "files",
                "Write a line per request; - for standard output"),
        OPTION_END,
};
#undef OPTIONS

#define PORT_ROW                                                                                             \
	OPT_INT("port", 'p', port, 1, 65535, "PORT", "The registry on this port (default: the one that runs)")

#define OPTIONS struct registry_stop_options
static const struct option stop_options[] = {PORT_ROW, OPTION_END};
#undef OPTIONS

#define OPTIONS struct registry_status_options
static const struct option status_options[] = {PORT_ROW, OPTION_END};
#undef OPTIONS

#define OPTIONS struct registry_gc_options
static const struct option gc_options[] = {
        PORT_ROW,
        OPT_STRING("storage", 0, storage, "DIR", "directories",
                "The storage, when no registry runs (default: registry/ in tare's root)"),
        {.name = "grace",
                .kind = OPTION_DURATION,
                .offset = offsetof(OPTIONS, grace),
                .value = "TIME",
                .complete = "none",
                .help = "Leave alone what is younger (default 1h, or what the registry was started with)"},
        OPT_LIST("keep", 0, keep, "RULE", "none", "Which tags stay, as in \"ci/*:pr-*,last=3\""),
        OPT_FLAG("keep-untagged", 0, keep_untagged, "Keep manifests that have no tag"),
        OPT_FLAG("dry-run", 'n', dry_run, "Only tell what would be removed"),
        OPTION_END,
};
#undef OPTIONS

static void start_init(void *options)
{
	struct registry_start_options *o = options;

	o->port = PORT_DEFAULT;
	o->listen = "127.0.0.1";
	o->min_free = (uint64_t)64 << 20;
	o->max_manifest = (uint64_t)4 << 20;
	o->connections = 1024;
	o->connections_per_address = 512;
	o->catalog_max = 1000;
	o->timeout = 60 * SECOND;
	o->drain = 30 * SECOND;
	o->gc_interval = 24 * HOUR;
	o->gc_grace = HOUR;
	o->upload_age = 24 * HOUR;
}

static void gc_init(void *options)
{
	struct registry_gc_options *o = options;

	o->grace = -1;
}

const struct command registry_commands[] = {
        {
                .words = "registry start",
                .aliases = "registry-start",
                .group = GROUP_REGISTRY,
                .summary = "Serve a registry of images",
                .details =
                        "Listens on loopback unless told otherwise. In the foreground it logs to standard "
                        "error and ends at ^C or SIGTERM once running requests are done; SIGHUP, or a change "
                        "of the files themselves, makes it read certificates, users and rules anew.",
                .examples = "tare registry start -p 5000 -d\n"
                            "tare registry start --listen 0.0.0.0 --tls-cert reg.crt --tls-key reg.key "
                            "--htpasswd "
                            "users",
                .options = start_options,
                .size = sizeof(struct registry_start_options),
                .init = start_init,
                .helper = "tare-registry",
        },
        {
                .words = "registry stop",
                .aliases = "registry-stop",
                .group = GROUP_REGISTRY,
                .summary = "Stop a registry once its running requests are done",
                .examples = "tare registry stop\ntare registry stop -p 5000",
                .options = stop_options,
                .size = sizeof(struct registry_stop_options),
                .helper = "tare-registry",
        },
        {
                .words = "registry status",
                .aliases = "registry-status",
                .group = GROUP_REGISTRY,
                .summary = "Show the registries that run, and what they hold",
                .examples = "tare registry status\ntare registry status --json",
                .options = status_options,
                .size = sizeof(struct registry_status_options),
                .helper = "tare-registry",
        },
        {
                .words = "registry gc",
                .aliases = "registry-gc",
                .group = GROUP_REGISTRY,
                .summary = "Remove blobs of a registry that nothing refers to",
                .details = "Asks the registry that runs, which goes on serving meanwhile; when none runs, "
                           "works on "
                           "the storage itself.",
                .examples = "tare registry gc\ntare registry gc --dry-run",
                .options = gc_options,
                .size = sizeof(struct registry_gc_options),
                .init = gc_init,
                .helper = "tare-registry",
        },
        {0},
};
