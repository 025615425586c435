#include "cli/login_options.h"

#define REGISTRIES "docker.io quay.io ghcr.io"

#define OPTIONS struct login_options
static const struct option login_options[] = {
        OPT_STRING("username", 'u', username, "USER", "none", "User name (default: it is asked for)"),
        OPT_STRING("password", 'p', password, "PASSWORD", "none",
                "Password or token; others can read it here: better --password-stdin"),
        OPT_FLAG("password-stdin", 0, password_stdin, "Read the password from standard input"),
        OPT_FLAG("get-login", 0, get_login, "Only print who is logged in"),
        OPT_STRING("authfile", 0, authfile, "FILE", "files", "Keep credentials in FILE"),
        OPT_STRING("cert-dir", 0, cert_dir, "DIR", "directories", "Certificates of the registry"),
        OPT_FLAG("tls-verify", 0, tls_verify,
                "Insist on https and a valid certificate (default true, but for this machine)"),
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct logout_options
static const struct option logout_options[] = {
        OPT_FLAG("all", 'a', all, "Forget the credentials for all registries"),
        OPT_STRING("authfile", 0, authfile, "FILE", "files", "Forget what is kept in FILE"),
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct search_options
static const struct option search_options[] = {
        OPT_INT("limit", 0, limit, 1, 1000, "N", "Show at most N (default 25; of tags all)"),
        OPT_LIST("filter", 'f', filters, "KEY=VALUE", "is-official=true is-official=false stars=",
                "Show only some: is-official, stars (at least so many)"),
        OPT_FLAG("list-tags", 0, list_tags, "List the tags of the repository TERM"),
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_FLAG("no-trunc", 0, list.no_trunc, "Show descriptions in full"),
        OPT_SECTION("Registry"),
        OPT_STRING("authfile", 0, authfile, "FILE", "files", "Read credentials from FILE"),
        OPT_STRING("cert-dir", 0, cert_dir, "DIR", "directories", "Certificates of the registry"),
        OPT_FLAG("tls-verify", 0, tls_verify,
                "Insist on https and a valid certificate (default true, but for this machine)"),
        OPTION_END,
};
#undef OPTIONS

static void login_init(void *options)
{
	struct login_options *o = options;

	o->tls_verify = true;
}

static void search_init(void *options)
{
	struct search_options *o = options;

	o->tls_verify = true;
}

const struct command login_commands[] = {
        {
                .words = "login",
                .group = GROUP_IMAGES,
                .operands = "[REGISTRY]",
                .max_operands = 1,
                .summary = "Log in to a registry",
                .details =
                        "User name and password are asked for, checked at the registry and kept for pull and "
                        "push, where podman keeps them: $REGISTRY_AUTH_FILE, or containers/auth.json in "
                        "$XDG_RUNTIME_DIR, or the credential helper that is named there or in "
                        "registries.conf. Credentials of podman and docker are used, too. Without REGISTRY "
                        "it "
                        "is the first of unqualified-search-registries, or docker.io.",
                .examples = "tare login\n"
                            "pass show registry | tare login -u me --password-stdin quay.io\n"
                            "tare login --get-login quay.io",
                .complete = REGISTRIES,
                .options = login_options,
                .size = sizeof(struct login_options),
                .init = login_init,
        },
        {
                .words = "logout",
                .group = GROUP_IMAGES,
                .operands = "[REGISTRY]",
                .max_operands = 1,
                .summary = "Forget the credentials for a registry",
                .details = "Those that docker keeps in a file of its own are left alone.",
                .examples = "tare logout quay.io\n"
                            "tare logout --all",
                .complete = REGISTRIES,
                .options = logout_options,
                .size = sizeof(struct logout_options),
        },
        {
                .words = "search",
                .aliases = "image search",
                .group = GROUP_IMAGES,
                .operands = "[REGISTRY/]TERM",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Search a registry for images",
                .details = "Without REGISTRY it is searched at unqualified-search-registries of "
                           "registries.conf, or "
                           "at docker.io. Registries that have no search are asked for their list of "
                           "repositories.",
                .examples = "tare search --filter is-official=true nginx\n"
                            "tare search localhost:5000/app\n"
                            "tare search --list-tags alpine",
                .complete = "none",
                .options = search_options,
                .size = sizeof(struct search_options),
                .init = search_init,
        },
        {0},
};
