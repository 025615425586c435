/* Schema: does a document have the shape that the OCI image spec asks for? The rules are those of the JSON
 * schemas of image-spec 1.1 (schema/ *.json), and of the digest grammar (descriptor.md, "Digests"). Members
 * that the spec does not know are allowed, as it says. What the documents refer to is not looked at. */
#ifndef TARE_OCI_SCHEMA_H
#define TARE_OCI_SCHEMA_H

#include "base/json.h"

struct err;

enum schema_document {
	SCHEMA_DESCRIPTOR,
	SCHEMA_MANIFEST, /* with at least one layer, as images have */
	SCHEMA_ARTIFACT, /* a manifest without that rule: what registries must take */
	SCHEMA_INDEX,
	SCHEMA_CONFIG,
	SCHEMA_LAYOUT,
};

/* 0, or -1 with e (ERR_CORRUPT) that names the member: "layers[2].size: must be a whole number". */
int schema_check(enum schema_document kind, json *document, struct err *e);

#endif
