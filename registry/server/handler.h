/* The handler: libmicrohttpd's callbacks. From the first line of a request to its answer: who asks, may he,
 * which route, where the body goes. One thread per connection, so all of it may wait. */
#ifndef TARE_REGISTRY_HANDLER_H
#define TARE_REGISTRY_HANDLER_H

#include <microhttpd.h>
#include <stddef.h>

/* What the daemon should be started with. */
#define HANDLER_FLAGS                                                                                        \
	(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC |      \
	        MHD_USE_TURBO)
#define HANDLER_CONNECTION_MEMORY (size_t)(64 << 10)  /* the head of a request is at most a part of it */
#define HANDLER_THREAD_STACK      (size_t)(192 << 10) /* of a connection */

/* The first argument is the struct server each time. handler_uri() makes the exchange, handler_completed()
 * frees it. */
void *handler_uri(void *server, const char *uri, struct MHD_Connection *connection);
enum MHD_Result handler_request(void *server, struct MHD_Connection *connection, const char *url,
        const char *method, const char *version, const char *data, size_t *size, void **state);
void handler_completed(
        void *server, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why);

#endif
