/* Decimal numbers without stdio, for programs that must stay small. */
#ifndef TARE_MONITOR_DECIMAL_H
#define TARE_MONITOR_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#define DECIMAL_SIZE 24
/* Write v and a NUL; returns the end (where the NUL stands). */
char *decimal_write(char *dst, int64_t v);
/* Exactly `width` digits, leading zeros, no NUL; returns the end. */
char *decimal_pad(char *dst, uint64_t v, unsigned width);
/* The number at *p, which is moved behind it; false when there is none or it does not fit. */
bool decimal_read(const char **p, int64_t *v);

#endif
