/* Published ports in as few letters as can be read at a glance: "8080->80/tcp 127.0.0.1:9000->8080/tcp". */
#ifndef TARE_TUI_PORT_TEXT_H
#define TARE_TUI_PORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/tare.h"

/* All of them, with a blank between; an address that means all of this host is left out, and a port that both
 * families have stands once. NULL: none is published, or no memory. */
char *port_text(const struct tare_port *ports, size_t n);
/* The same where there is less room: the numbers on this host alone, "8080 9000 8125/udp". Returns dst. */
const char *port_short(const struct tare_port *ports, size_t n, char *dst, size_t size);
/* For a filter: the number of a port on either side, "udp", "no", "yes", or a part of the text. */
bool port_matches(const struct tare_port *ports, size_t n, const char *text, const char *value);
/* Could both be published at once? b's host_ip may be NULL: all addresses. */
bool port_clashes(const struct tare_port *a, const struct tare_publish *b);

#endif
