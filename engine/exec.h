/* A process in a running container for who carries its input and output himself. */
#ifndef TARE_ENGINE_EXEC_H
#define TARE_ENGINE_EXEC_H

struct container;
struct err;
struct launched;
struct store;
struct tare_exec;

/* As exec has it (args, env, user, workdir of x), with these descriptors and a reaper as its parent: all that
 * descends from the command is the reaper's, whatever it does to get away. *out is the reaper, our child; it
 * ends with the command, and with its exit code. */
int exec_enter(const struct store *store, struct container *c, const struct tare_exec *x, const int stdio[3],
        struct launched *out, struct err *e);

#endif
