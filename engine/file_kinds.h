/* File systems that must not be read like others. */
#ifndef TARE_ENGINE_FILE_KINDS_H
#define TARE_ENGINE_FILE_KINDS_H

#include <stdbool.h>
#include <sys/types.h>

/* A file system that is served by a program (FUSE, autofs) answers when that program likes to, and a
 * container that may mount one would stop everybody who looks into it. Whether `pid` sees one; unknown is
 * yes. */
bool files_are_served(pid_t pid);
/* Files that the kernel makes when they are read: some wait, some take away what they show (/proc/kmsg,
 * tracing's pipes), some count the open. fd may be O_PATH. */
bool files_are_kernels(int fd);

#endif
