/* Capability names and masks, as the runtime spec writes them. */
#ifndef TARE_OCI_CAPABILITY_H
#define TARE_OCI_CAPABILITY_H

#include <stdint.h>

/* Names with or without CAP_, any case. */
#define CAPABILITY_ALL UINT64_MAX
uint64_t capability_parse(const char *name); /* bit, CAPABILITY_ALL for "ALL", 0 unknown */
const char *capability_name(unsigned cap);   /* "CAP_CHOWN", NULL above the last known */

#endif
