/* Names of images as people type them. */
#ifndef TARE_TUI_IMAGE_NAME_H
#define TARE_TUI_IMAGE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* "" is right. False, and what is wrong with it in `error`, else "". Only what cannot be a name at all: a
 * registry has the last word. */
bool image_name_check(const char *text, char *error, size_t size);

#endif
