/* Parts of tare_create_check(), for whoever needs one of them. */
#ifndef TARE_ENGINE_REQUEST_H
#define TARE_ENGINE_REQUEST_H

struct err;
struct resources;
struct tare_create;

int request_check_limits(const struct resources *r, struct err *e);
int request_check_id_maps(const struct tare_create *c, struct err *e); /* user namespace */

#endif
