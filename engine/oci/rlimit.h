/* The names of resource limits: "nofile" on the command line, "RLIMIT_NOFILE" in config.json. One table. */
#ifndef TARE_OCI_RLIMIT_H
#define TARE_OCI_RLIMIT_H

/* "nofile", or NULL for a number that is no limit. */
const char *rlimit_name(int resource);
/* With or without "RLIMIT_", any case; -1 when unknown. */
int rlimit_number(const char *name);

#endif
