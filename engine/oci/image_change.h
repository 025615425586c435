/* Changes to an image config in the words of a Dockerfile: "CMD [\"sh\"]", "ENV A=b", "USER www", … */
#ifndef TARE_OCI_IMAGE_CHANGE_H
#define TARE_OCI_IMAGE_CHANGE_H

#include "engine/oci/image_config.h"

/* CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, SHELL, STOPSIGNAL, USER, VOLUME, WORKDIR. ERR_USAGE quotes the text.
 */
int image_config_change(struct image_config *c, const char *text, struct err *e);

#endif
