/* What every command that asks a registry can be told about how to speak to it. */
#ifndef TARE_CLI_REGISTRY_ROWS_H
#define TARE_CLI_REGISTRY_ROWS_H

#include "cli/option.h"

/* Rows for a table of options whose struct has the members authfile, creds, cert_dir and tls_verify (true at
 * first). */
#define REGISTRY_ROWS                                                                                        \
	OPT_SECTION("Registry"),                                                                             \
	        OPT_STRING("authfile", 0, authfile, "FILE", "files", "Read credentials from FILE"),          \
	        OPT_STRING("creds", 0, creds, "USER[:PASSWORD]", "none",                                     \
	                "Use these instead of stored credentials"),                                          \
	        OPT_STRING("cert-dir", 0, cert_dir, "DIR", "directories", "Certificates of the registry"),   \
	        OPT_FLAG("tls-verify", 0, tls_verify,                                                        \
	                "Insist on https and a valid certificate (default true, but for this machine)")

#endif
