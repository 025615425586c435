/* The tare command that would make a container anew, from what inspecting it says. */
#ifndef TARE_TUI_CONTAINER_COMMAND_H
#define TARE_TUI_CONTAINER_COMMAND_H

#include "base/json.h"

struct buf;

/* container, image: Docker's documents; what the image sets by itself is left out. image may be NULL. */
void container_command(json *container, json *image, struct buf *out);

#endif
