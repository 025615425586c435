/* Parts of tare_create_check() that stand with the parsers of what they check. */
#ifndef TARE_ENGINE_REQUEST_H
#define TARE_ENGINE_REQUEST_H

struct err;
struct tare_create;

int request_check_health(const struct tare_create *c, struct err *e);  /* restart policy and health */
int request_check_id_maps(const struct tare_create *c, struct err *e); /* user namespace */

#endif
