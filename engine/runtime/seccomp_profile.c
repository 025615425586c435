#include "engine/runtime/seccomp_profile.h"

#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/oci/capability.h"
#include "engine/runtime/launch.h"
#include "engine/runtime/seccomp_prologue.h"

#define MESSAGE_NAME_MAX 80

struct compile {
	scmp_filter_ctx ctx;
	const char *path;
	uint64_t caps;
	uint32_t default_action;
	struct seccomp_prologue prologue;
};

static const struct {
	const char *name;
	uint32_t action;
	bool has_errno;
} actions[] = {
        {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW, false},
        {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0), true},
        {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD, false},
        {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD, false},
        {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS, false},
        {"SCMP_ACT_TRAP", SCMP_ACT_TRAP, false},
        {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0), true},
        {"SCMP_ACT_LOG", SCMP_ACT_LOG, false},
};

static const struct {
	const char *name;
	enum scmp_compare op;
} operators[] = {
        {"SCMP_CMP_NE", SCMP_CMP_NE},
        {"SCMP_CMP_LT", SCMP_CMP_LT},
        {"SCMP_CMP_LE", SCMP_CMP_LE},
        {"SCMP_CMP_EQ", SCMP_CMP_EQ},
        {"SCMP_CMP_GE", SCMP_CMP_GE},
        {"SCMP_CMP_GT", SCMP_CMP_GT},
        {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

/* Docker's names of this machine ("arches") and libseccomp's ("archMap"). */
static const struct {
	uint32_t token;
	const char *docker, *seccomp;
} arches[] = {
        {SCMP_ARCH_X86_64, "amd64", "SCMP_ARCH_X86_64"},
        {SCMP_ARCH_X86, "x86", "SCMP_ARCH_X86"},
        {SCMP_ARCH_X32, "x32", "SCMP_ARCH_X32"},
        {SCMP_ARCH_AARCH64, "arm64", "SCMP_ARCH_AARCH64"},
        {SCMP_ARCH_ARM, "arm", "SCMP_ARCH_ARM"},
        {SCMP_ARCH_PPC64LE, "ppc64le", "SCMP_ARCH_PPC64LE"},
        {SCMP_ARCH_RISCV64, "riscv64", "SCMP_ARCH_RISCV64"},
        {SCMP_ARCH_S390X, "s390x", "SCMP_ARCH_S390X"},
        {SCMP_ARCH_S390, "s390", "SCMP_ARCH_S390"},
        {SCMP_ARCH_MIPSEL64, "mips64le", "SCMP_ARCH_MIPSEL64"},
        {SCMP_ARCH_MIPSEL64N32, "mips64n32le", "SCMP_ARCH_MIPSEL64N32"},
        {SCMP_ARCH_MIPSEL, "mipsle", "SCMP_ARCH_MIPSEL"},
};
#define N_ARCHES (sizeof arches / sizeof arches[0])

static int bad(const struct compile *c, struct err *e, const char *what, const char *text)
{
	return err_set(e, ERR_USAGE, "seccomp profile %s: %s \"%.*s\" is not known", c->path, what,
	        MESSAGE_NAME_MAX, text);
}

static size_t list_length(json *list)
{
	return list && json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static const char *list_text(json *list, size_t i)
{
	const char *s = json_object_get_string(json_object_array_get_idx(list, i));

	return s ? s : "";
}

static int parse_action(const struct compile *c, json *j, const char *key, const char *errno_key,
        uint32_t *out, struct err *e)
{
	const char *name = json_str(j, key, "");

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		if (strcmp(actions[i].name, name))
			continue;
		*out = actions[i].action;
		if (actions[i].has_errno)
			*out |= (uint32_t)json_int(j, errno_key, EPERM) & 0xffff;
		return 0;
	}
	return bad(c, e, key, name);
}

/* ------------------------------------------------------------------ architectures */

static int arch_index(uint32_t token)
{
	for (size_t i = 0; i < N_ARCHES; i++)
		if (arches[i].token == token)
			return (int)i;
	return -1;
}

static int add_arch(struct compile *c, const char *name, struct err *e)
{
	for (size_t i = 0; i < N_ARCHES; i++) {
		if (strcmp(arches[i].seccomp, name))
			continue;
		int rc = seccomp_arch_add(c->ctx, arches[i].token);
		if (rc && rc != -EEXIST)
			return err_set(e, ERR_UNSUPPORTED, "seccomp profile %s: cannot add architecture %s",
			        c->path, name);
		return 0;
	}
	return 0; /* of other machines */
}

static int add_arches(struct compile *c, json *profile, struct err *e)
{
	json *map = json_get(profile, "archMap"), *flat = json_get(profile, "architectures");
	int native = arch_index(seccomp_arch_native());

	for (size_t i = 0; native >= 0 && i < list_length(map); i++) {
		json *entry = json_object_array_get_idx(map, i), *subs = json_get(entry, "subArchitectures");
		if (strcmp(json_str(entry, "architecture", ""), arches[native].seccomp))
			continue;
		for (size_t k = 0; k < list_length(subs); k++)
			if (add_arch(c, list_text(subs, k), e))
				return -1;
	}
	for (size_t i = 0; i < list_length(flat); i++)
		if (add_arch(c, list_text(flat, i), e))
			return -1;
	return 0;
}

/* ------------------------------------------------------------------ conditions */

static bool has_arch(json *list)
{
	int native = arch_index(seccomp_arch_native());

	for (size_t i = 0; native >= 0 && i < list_length(list); i++)
		if (!strcmp(list_text(list, i), arches[native].docker))
			return true;
	return false;
}

static bool has_cap(const struct compile *c, json *list, size_t i)
{
	uint64_t bit = capability_parse(list_text(list, i));

	return bit && (c->caps & bit) == bit;
}

static bool kernel_is_at_least(const char *min)
{
	struct utsname u;
	char *end;

	if (uname(&u))
		return false;
	unsigned long want_major = strtoul(min, &end, 10);
	unsigned long want_minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	unsigned long major = strtoul(u.release, &end, 10),
	              minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return major > want_major || (major == want_major && minor >= want_minor);
}

/* includes: all must hold. excludes: none may. */
static bool rule_applies(const struct compile *c, json *rule)
{
	json *in = json_get(rule, "includes"), *out = json_get(rule, "excludes"), *list;
	const char *min = json_str(in, "minKernel", NULL);

	list = json_get(in, "caps");
	for (size_t i = 0; i < list_length(list); i++)
		if (!has_cap(c, list, i))
			return false;
	list = json_get(out, "caps");
	for (size_t i = 0; i < list_length(list); i++)
		if (has_cap(c, list, i))
			return false;
	list = json_get(in, "arches");
	if (list_length(list) && !has_arch(list))
		return false;
	if (has_arch(json_get(out, "arches")))
		return false;
	if (min && !kernel_is_at_least(min))
		return false;
	min = json_str(out, "minKernel", NULL);
	return !min || !kernel_is_at_least(min);
}

/* ------------------------------------------------------------------ members */

static const char *const profile_members[] = {"defaultAction", "defaultErrnoRet", "defaultErrno",
        "architectures", "archMap", "syscalls", "comment", "flags", NULL};
static const char *const rule_members[] = {
        "names", "action", "errnoRet", "errno", "args", "includes", "excludes", "comment", NULL};
static const char *const condition_members[] = {"arches", "caps", "minKernel", NULL};

/* A rule whose "exludes" is ignored allows what it was to forbid: what isn't understood is refused. Test:
 * test_runtime_seccomp.c, "bad_profiles_are_quoted". */
/* What is no list counted for an empty one otherwise: a list of refusals that refuses nothing. */
static int check_list(const struct compile *c, const char *key, json *val, const char *where, struct err *e)
{
	static const char *const lists[] = {"architectures", "archMap", "syscalls", "flags", "names", "args",
	        "caps", "arches", "subArchitectures", NULL};

	if (!val || json_object_is_type(val, json_type_array) || !strv_has((char *const *)lists, key))
		return 0;
	return err_set(e, ERR_USAGE, "seccomp profile %s: \"%s\" of %s is not a list; write \"%s\": [ … ]",
	        c->path, key, where, key);
}

static int check_members(
        const struct compile *c, json *j, const char *const *known, const char *where, struct err *e)
{
	size_t n = 0;

	while (known[n])
		n++;
	if (!j)
		return 0;
	if (!json_object_is_type(j, json_type_object))
		return err_set(e, ERR_USAGE, "seccomp profile %s: %s is not an object", c->path, where);
	json_object_object_foreach (j, key, val) {
		size_t i = 0;
		if (check_list(c, key, val, where, e))
			return -1;
		while (known[i] && strcmp(known[i], key))
			i++;
		if (known[i])
			continue;
		const char *nearest = text_nearest(key, known, n);
		return err_set(e, ERR_USAGE, "seccomp profile %s: \"%.*s\" is not a member of %s%s%s%s",
		        c->path, MESSAGE_NAME_MAX, key, where, nearest ? "; did you mean " : "",
		        nearest ? nearest : "", nearest ? "?" : "");
	}
	return 0;
}

/* ------------------------------------------------------------------ rules */

#define ARGS_MAX 6

struct rule {
	uint32_t action;
	struct scmp_arg_cmp args[ARGS_MAX];
	unsigned n_args;
	bool any; /* one index twice: each comparison is a rule of its own */
};

static int parse_arg(const struct compile *c, json *j, struct scmp_arg_cmp *a, struct err *e)
{
	const char *op = json_str(j, "op", "");
	int64_t index = json_int(j, "index", -1);
	json *value = json_get(j, "value"), *two = json_get(j, "valueTwo");

	if (index < 0 || index >= ARGS_MAX)
		return err_set(
		        e, ERR_USAGE, "seccomp profile %s: an argument's index is not 0 to 5", c->path);
	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		if (strcmp(operators[i].name, op))
			continue;
		uint64_t v = value ? json_object_get_uint64(value) : 0,
		         v2 = two ? json_object_get_uint64(two) : 0;
		*a = (struct scmp_arg_cmp){(unsigned)index, operators[i].op, v, v2};
		return 0;
	}
	return bad(c, e, "op", op);
}

static int parse_args(const struct compile *c, json *list, struct rule *r, struct err *e)
{
	unsigned seen = 0;

	if (list_length(list) > ARGS_MAX)
		return err_set(
		        e, ERR_USAGE, "seccomp profile %s: a rule has more than %d args", c->path, ARGS_MAX);
	for (size_t i = 0; i < list_length(list); i++) {
		struct scmp_arg_cmp *a = &r->args[r->n_args++];
		if (parse_arg(c, json_object_array_get_idx(list, i), a, e))
			return -1;
		r->any |= seen >> a->arg & 1;
		seen |= 1u << a->arg;
	}
	return 0;
}

/* "All but this value" of 32 bits of an argument: libseccomp would drop it beside the rule that allows the
 * call, or match upper bits that the kernel ignores. */
static bool is_refusal(const struct compile *c, const struct rule *r)
{
	return r->n_args == 1 && r->args[0].op == SCMP_CMP_MASKED_EQ && r->args[0].datum_a == UINT32_MAX &&
	       (r->action == c->default_action || (r->action & 0xffff0000) == SCMP_ACT_ERRNO(0));
}

static int add_refusal(struct compile *c, const struct rule *r, const char *name, struct err *e)
{
	for (size_t i = 0; DEFENCE("tiocsti") && i < N_ARCHES; i++) {
		int nr = seccomp_syscall_resolve_name_arch(arches[i].token, name);
		struct seccomp_refusal no = {.arch = arches[i].token,
		        .nr = (uint32_t)nr,
		        .value = (uint32_t)r->args[0].datum_b,
		        .action = r->action,
		        .arg = r->args[0].arg};
		/* x32 has no calls of its own here, see the prologue's end. */
		if (nr < 0 || arches[i].token == SCMP_ARCH_X32 || seccomp_arch_exist(c->ctx, arches[i].token))
			continue;
		if (seccomp_prologue_refuse(&c->prologue, &no))
			return err_set(e, ERR_USAGE,
			        "seccomp profile %s: more than %d refusals of one argument's value", c->path,
			        SECCOMP_REFUSALS);
	}
	return 0;
}

static int add_call(struct compile *c, const struct rule *r, int nr)
{
	int rc = 0;

	if (!r->any)
		return seccomp_rule_add_array(c->ctx, r->action, nr, r->n_args, r->args);
	for (unsigned i = 0; !rc && i < r->n_args; i++)
		rc = seccomp_rule_add_array(c->ctx, r->action, nr, 1, &r->args[i]);
	return rc;
}

static int add_rule(struct compile *c, json *j, struct err *e)
{
	json *names = json_get(j, "names");
	struct rule r = {0};

	if (check_members(c, j, rule_members, "a rule", e) ||
	        check_members(c, json_get(j, "includes"), condition_members, "includes", e) ||
	        check_members(c, json_get(j, "excludes"), condition_members, "excludes", e))
		return -1;
	if (!rule_applies(c, j))
		return 0;
	if (parse_action(c, j, "action", "errnoRet", &r.action, e) ||
	        parse_args(c, json_get(j, "args"), &r, e))
		return -1;
	for (size_t i = 0; i < list_length(names); i++) {
		const char *name = list_text(names, i);
		int nr = seccomp_syscall_resolve_name(name);
		if (nr == __NR_SCMP_ERROR) { /* newer than the library, or of no kernel at all */
			if (!r.n_args)
				seccomp_prologue_add(&c->prologue, name, r.action);
			continue;
		}
		if (is_refusal(c, &r)) {
			if (add_refusal(c, &r, name, e))
				return -1;
			continue;
		}
		if (r.action == c->default_action)
			continue;
		int rc = add_call(c, &r, nr);
		if (rc && rc != -EEXIST)
			return err_set(e, ERR_USAGE, "seccomp profile %s: cannot add a rule for %.*s: %s",
			        c->path, MESSAGE_NAME_MAX, name, strerror(-rc));
	}
	return 0;
}

/* ------------------------------------------------------------------ output */

static int export_program(struct compile *c, struct seccomp_filter *out, struct err *e)
{
	struct sock_filter head[SECCOMP_PROLOGUE_MAX];
	size_t n_head = seccomp_prologue_write(&c->prologue, c->default_action, head);
	cleanup_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);
	int rc = fd < 0 ? -errno : seccomp_export_bpf(c->ctx, fd);
	off_t size = rc ? 0 : lseek(fd, 0, SEEK_END);
	size_t n = (size_t)size / sizeof head[0] + n_head;

	if (rc || size <= 0 || n > BPF_MAXINSNS)
		return err_set(e, ERR_OTHER, "seccomp profile %s: cannot be compiled%s%s", c->path,
		        rc ? ": " : "", rc ? strerror(-rc) : "");
	struct sock_filter *v = malloc(n * sizeof *v);
	if (!v)
		return err_no_memory(e);
	memcpy(v, head, n_head * sizeof *v);
	if (pread(fd, v + n_head, (size_t)size, 0) != size) {
		free(v);
		return err_sys(e, "cannot read the compiled seccomp filter");
	}
	*out = (struct seccomp_filter){v, n};
	return 0;
}

/* How a filter is loaded. One thread loads it, so it need not be brought to others (TSYNC), and protection
 * against speculation stays (without SPEC_ALLOW); what else is asked for is not left out without a word. */
static int check_flags(const struct compile *c, json *profile, struct err *e)
{
	json *flags = json_get(profile, "flags");

	for (size_t i = 0; i < list_length(flags); i++) {
		const char *flag = json_object_get_string(json_object_array_get_idx(flags, i));
		if (flag && !strcmp(flag, "SECCOMP_FILTER_FLAG_LOG"))
			return err_set(e, ERR_UNSUPPORTED,
			        "seccomp profile %s: flags: instead of %s give --security-opt seccomp-log, "
			        "or "
			        "\"seccompLog\": true in the security profile",
			        c->path, flag);
		if (!flag || (strcmp(flag, "SECCOMP_FILTER_FLAG_TSYNC") != 0 &&
		                     strcmp(flag, "SECCOMP_FILTER_FLAG_SPEC_ALLOW") != 0))
			return bad(c, e, "flag", flag ? flag : "null");
	}
	return 0;
}

static int compile(struct compile *c, json *profile, struct err *e)
{
	json *rules = json_get(profile, "syscalls");

	if (check_members(c, profile, profile_members, "the profile", e) || check_flags(c, profile, e))
		return -1;
	if (parse_action(c, profile, "defaultAction", "defaultErrnoRet", &c->default_action, e))
		return -1;
	c->ctx = seccomp_init(c->default_action);
	if (!c->ctx)
		return err_set(e, ERR_OTHER, "cannot start libseccomp");
	/* A foreign architecture's calls answer as a kernel without it would, instead of killing the process.
	 */
	if (seccomp_attr_set(c->ctx, SCMP_FLTATR_ACT_BADARCH,
	            DEFENCE("other-abis") ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW))
		return err_set(e, ERR_OTHER, "cannot set up libseccomp");
	/* A tree instead of a list: the kernel walks it once per system call number when it is loaded.
	 * Refused by 2.4. */
	seccomp_attr_set(c->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (add_arches(c, profile, e))
		return -1;
	for (size_t i = 0; i < list_length(rules); i++)
		if (add_rule(c, json_object_array_get_idx(rules, i), e))
			return -1;
	return 0;
}

int seccomp_profile_compile(
        json *profile, const char *path, uint64_t caps, struct seccomp_filter *out, struct err *e)
{
	struct compile c = {.path = path, .caps = caps};
	int rc = compile(&c, profile, e);

	if (!rc)
		rc = export_program(&c, out, e);
	if (c.ctx)
		seccomp_release(c.ctx);
	return rc;
}

int seccomp_profile_unknown_calls(json *profile, char ***out)
{
	json *rules = json_get(profile, "syscalls");

	for (size_t i = 0; i < list_length(rules); i++) {
		json *names = json_get(json_object_array_get_idx(rules, i), "names");
		for (size_t k = 0; k < list_length(names); k++) {
			const char *name = list_text(names, k);
			if (seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR &&
			        !seccomp_prologue_knows(name) && !strv_has(*out, name) && strv_add(out, name))
				return -1;
		}
	}
	return 0;
}
