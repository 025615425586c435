/* "linux.resources" of the runtime spec. */
#ifndef TARE_OCI_RESOURCES_JSON_H
#define TARE_OCI_RESOURCES_JSON_H

#include "base/json.h"
#include "engine/oci/resources.h"

struct err;

json *resources_to_json(const struct resources *r);
int resources_from_json(json *j, struct resources *r, struct err *e);

#endif
