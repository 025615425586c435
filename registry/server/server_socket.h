/* The sockets of a server: the one that clients come to, and the one for `status` and `gc`. */
#ifndef TARE_REGISTRY_SERVER_SOCKET_H
#define TARE_REGISTRY_SERVER_SOCKET_H

struct err;

/* port 0: any; *port gets it. The listening descriptor, or -1 with e, which names who has the port. */
int server_listen(const char *address, int *port, struct err *e);
/* STATE/registry/PORT.sock beneath dirfd, for us alone. */
int server_control_listen(int dirfd, int port, struct err *e);

#endif
