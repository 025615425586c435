/* The hand-over from engine/runtime to tare-init: one flat block in a memory file, read once.
 *
 * Descriptors at birth: INIT_BLOCK_FD the block, INIT_REPORT_FD the writing end of a pipe to the launcher (no
 * socket: who gets hold of one asks it for a pidfd of the process at its other end), INIT_PROC_FD (only with
 * INIT_HAS_PROC) the root of a procfs. All are closed before the command runs.
 *
 * The block: struct init_block, then in this order, without padding between them: n_rlimits struct
 * init_rlimit, n_filter struct sock_filter (8 bytes each), n_groups uint32_t, then `strings` bytes of
 * NUL-terminated strings: cwd, AppArmor profile ("" = none), n_args arguments, n_env variables. */
#ifndef TARE_INIT_HANDOFF_H
#define TARE_INIT_HANDOFF_H

#include <stdint.h>

#define INIT_BLOCK_FD  3
#define INIT_REPORT_FD 4
#define INIT_PROC_FD   5

#define INIT_MAGIC 0x31494e4945524154ULL /* "TAREINI1" in memory on a little-endian machine */

/* Bounds of what init believes (R6): execve's own limits are of this order. */
#define INIT_BLOCK_MAX   (8u << 20)
#define INIT_RLIMITS_MAX 16u
#define INIT_FILTER_MAX  4096u /* BPF_MAXINSNS */
#define INIT_GROUPS_MAX  65536u
#define INIT_STRINGS_MAX 131072u /* arguments, and variables */

enum init_flag {
	INIT_STAY = 1,         /* stay as process 1, run the command as a child, reap */
	INIT_NO_NEW_PRIVS = 2, /* and load the filter after it, not before the user changes */
	INIT_HAS_PROC = 4,
	INIT_SECCOMP_LOG = 8, /* the kernel logs what the filter refuses */
	INIT_JOIN = 16,     /* others live in the pid namespace of our children: be born there, last of all */
	INIT_TERMINAL = 32, /* with INIT_JOIN: 0 is to be the controlling terminal */
};

struct init_rlimit {
	uint64_t resource, soft, hard;
};

struct init_block {
	uint64_t magic;
	uint32_t size; /* of the whole block */
	uint32_t flags;
	uint32_t uid, gid, umask;
	uint32_t n_rlimits, n_filter, n_groups, n_args, n_env, strings;
	uint32_t reserved;
	uint64_t bounding, effective, permitted, inheritable, ambient;
	uint64_t secret[2]; /* with INIT_JOIN: the filter lets calls pass that have these in arguments they
	                       ignore (seccomp_prologue_birth) */
};

/* What is said over the pipe, one struct init_report each. The launcher's own child has a socket, and speaks
 * the same words, before it becomes tare-init. The pipe's end after INIT_SAYS_READY means: the command was
 * executed. */
enum init_word {
	INIT_SAYS_READY = 1, /* everything is applied; execve comes next */
	INIT_SAYS_FAILED,    /* stage and errno are set */
	INIT_SAYS_TERMINAL,  /* launcher's child only: a descriptor comes along */
	INIT_SAYS_ERROR,     /* launcher's child only: a struct err follows */
	INIT_SAYS_BORN,      /* value: the pid, as the launcher has it, of who goes on inside */
};

enum init_stage {
	INIT_STAGE_BLOCK,
	INIT_STAGE_RLIMIT,
	INIT_STAGE_APPARMOR,
	INIT_STAGE_CWD,
	INIT_STAGE_CWD_OUTSIDE, /* the working directory is not inside the container */
	INIT_STAGE_SECCOMP,
	INIT_STAGE_BOUNDING,
	INIT_STAGE_GROUPS,
	INIT_STAGE_GID,
	INIT_STAGE_UID,
	INIT_STAGE_CAPS,
	INIT_STAGE_NO_NEW_PRIVS,
	INIT_STAGE_FORK,
	INIT_STAGE_JOIN,     /* being born in the container's pid namespace */
	INIT_STAGE_TERMINAL, /* the controlling one */
	INIT_STAGE_EXEC,     /* the command was found, or has a slash, and execve failed */
	INIT_STAGE_FIND,     /* the command is nowhere in PATH */
	INIT_STAGE_COUNT,
};

struct init_report {
	uint32_t word;
	uint32_t stage;
	int32_t value; /* errno, or a pid */
};

#endif
