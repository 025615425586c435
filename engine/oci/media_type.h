/* The two families of media types that images come in: what one calls the other's. */
#ifndef TARE_OCI_MEDIA_TYPE_H
#define TARE_OCI_MEDIA_TYPE_H

#include <stdbool.h>

#include "base/json.h"

enum media_family { MEDIA_FAMILY_OCI, MEDIA_FAMILY_DOCKER };

/* The same kind of document or layer in that family; the type itself when it has no twin. */
const char *media_type_in(const char *media_type, enum media_family family);
/* A manifest in the words of that family: itself, its config and its layers. Did that change anything? */
bool media_type_convert(json *manifest, enum media_family family);
/* How a layer of that type is to be called once it is compressed; NULL when the type is not that of an
 * uncompressed layer. compression: "gzip" or "zstd". */
const char *media_type_compressed(const char *media_type, const char *compression);
/* May a registry be without it? (Layers that only their owner may give away.) */
bool media_type_stays_away(const char *media_type);

#endif
