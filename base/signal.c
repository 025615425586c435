/* Signals by name: one table for both directions. The parsers are in proc.h. */
#include "base/signal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/proc.h"
#include "base/units.h"

/* The kernel's numbers: what a container's processes see, whatever libc keeps for itself. */
#define RT_FIRST 34
#define RT_LAST  64

#define NAME(n) [SIG##n] = "SIG" #n
#define RT(n)   [n] = "SIG" #n

static const char *const names[RT_LAST + 1] = {
        NAME(HUP),
        NAME(INT),
        NAME(QUIT),
        NAME(ILL),
        NAME(TRAP),
        NAME(ABRT),
        NAME(BUS),
        NAME(FPE),
        NAME(KILL),
        NAME(USR1),
        NAME(SEGV),
        NAME(USR2),
        NAME(PIPE),
        NAME(ALRM),
        NAME(TERM),
        NAME(STKFLT),
        NAME(CHLD),
        NAME(CONT),
        NAME(STOP),
        NAME(TSTP),
        NAME(TTIN),
        NAME(TTOU),
        NAME(URG),
        NAME(XCPU),
        NAME(XFSZ),
        NAME(VTALRM),
        NAME(PROF),
        NAME(WINCH),
        NAME(IO),
        NAME(PWR),
        NAME(SYS),
        RT(32),
        RT(33),
        RT(34),
        RT(35),
        RT(36),
        RT(37),
        RT(38),
        RT(39),
        RT(40),
        RT(41),
        RT(42),
        RT(43),
        RT(44),
        RT(45),
        RT(46),
        RT(47),
        RT(48),
        RT(49),
        RT(50),
        RT(51),
        RT(52),
        RT(53),
        RT(54),
        RT(55),
        RT(56),
        RT(57),
        RT(58),
        RT(59),
        RT(60),
        RT(61),
        RT(62),
        RT(63),
        RT(64),
};

static const struct {
	const char *name;
	int sig;
} aliases[] = {
        {"CLD", SIGCHLD},
        {"IOT", SIGABRT},
        {"POLL", SIGIO},
};

/* "RTMIN", "RTMIN+3", "RTMAX-1"; -1 otherwise. */
static int parse_realtime(const char *text)
{
	int from_max = !strncasecmp(text, "RTMAX", 5);
	int64_t distance = 0;

	if (!from_max && strncasecmp(text, "RTMIN", 5))
		return -1;
	text += 5;
	if (*text && *text++ != (from_max ? '-' : '+'))
		return -1;
	if (text[-1] == '+' || text[-1] == '-')
		if (*text == '-' || int_parse(text, 0, RT_LAST - RT_FIRST, "signal", &distance, NULL) < 0)
			return -1;
	return from_max ? RT_LAST - (int)distance : RT_FIRST + (int)distance;
}

int signal_parse(const char *text)
{
	int64_t number;

	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	if (!int_parse(text, 1, RT_LAST, "signal", &number, NULL))
		return (int)number;
	for (int i = 1; i < RT_FIRST; i++)
		if (names[i] && !strcasecmp(text, names[i] + 3))
			return i;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (!strcasecmp(text, aliases[i].name))
			return aliases[i].sig;
	return parse_realtime(text);
}

const char *signal_name(int sig)
{
	return sig > 0 && sig <= RT_LAST && names[sig] ? names[sig] : "SIG?";
}

void signal_default_all(void)
{
	sigset_t none;

	for (int sig = 1; sig < SIGRTMIN; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
