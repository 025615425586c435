/* The verbs: which method on which route asks for what right, takes what body, and is done by whom. */
#ifndef TARE_REGISTRY_HANDLER_VERB_H
#define TARE_REGISTRY_HANDLER_VERB_H

#include "registry/server/exchange.h"

struct verb {
	enum route route;
	const char *method;
	unsigned rights; /* access.h */
	enum body_kind body;
	/* When the header is there: may answer at once (the body is then thrown away), opens x->upload for a
	 * body that streams. May be NULL. */
	enum MHD_Result (*begin)(struct exchange *x);
	/* When all is there, unless answered. */
	enum MHD_Result (*finish)(struct exchange *x);
};

/* The repository of the request into x->held; false: there is none (or none for who asks). */
bool handler_open(struct exchange *x);

enum MHD_Result blob_answer(struct exchange *x);
enum MHD_Result blob_remove_answer(struct exchange *x);

enum MHD_Result upload_post(struct exchange *x);
enum MHD_Result upload_continue(struct exchange *x); /* PATCH and PUT, before the body */
enum MHD_Result upload_post_end(struct exchange *x);
/* When the request ends. */
void upload_leave(struct exchange *x);
enum MHD_Result upload_patch_end(struct exchange *x);
enum MHD_Result upload_put_end(struct exchange *x);
enum MHD_Result upload_status(struct exchange *x);
enum MHD_Result upload_remove(struct exchange *x);

enum MHD_Result manifest_answer(struct exchange *x);
enum MHD_Result manifest_put_begin(struct exchange *x);
enum MHD_Result manifest_put_end(struct exchange *x);
enum MHD_Result manifest_remove(struct exchange *x);

enum MHD_Result base_answer(struct exchange *x);
enum MHD_Result tags_answer(struct exchange *x);
enum MHD_Result catalog_answer(struct exchange *x);
enum MHD_Result referrers_answer(struct exchange *x);

#endif
