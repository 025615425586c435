# Tare's one Makefile. `make help` lists what it can do.
#
# Every object is compiled once into $(B)/obj, mirroring the tree; each room's sources are found by
# wildcard, so a new file needs no edit here. B=DIR builds elsewhere, CC=clang with another compiler.

B        ?= build
# where the objects are: those of another B that is compiled in the same way
O        ?= $(B)
CC       ?= cc
AR       ?= ar
PREFIX   ?= /usr/local
DESTDIR  ?=
bindir      = $(PREFIX)/bin
libexecdir  = $(PREFIX)/libexec
datadir     = $(PREFIX)/share
unitdir     = $(PREFIX)/lib/systemd
initdir     = $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)/init.d
mandir      = $(datadir)/man
PKG_CONFIG ?= pkg-config
INSTALL  ?= install
CFLAGS   ?= -O2 -g
SANITIZE ?=

ifeq ($(origin CC),default)
CC := gcc
endif
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

# V=1 shows the commands.
ifeq ($(V),)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
else
Q :=
say = @:
endif

# ---------------------------------------------------------------- flags

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Wformat=2 -Werror
CPPFLAGS_ALL = -D_GNU_SOURCE -I. $(CPPFLAGS)
HARDEN := -fstack-protector-strong -fstack-clash-protection
LDHARDEN := -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
# of the compiler: it may be another machine's
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
ifeq ($(MACHINE),x86_64)
HARDEN += -fcf-protection
endif
LINK_FLAGS = -pie $(LDHARDEN) -Wl,-O1 -Wl,--hash-style=gnu -Wl,--as-needed
ifeq ($(SANITIZE),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
STATIC_LINK = -static-pie $(LDHARDEN) -Wl,-O1 -Wl,--gc-sections
else
# The sanitizers' runtime cannot be linked into a static program, so the monitor is a dynamic one here.
SAN := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
STATIC_LINK = $(LINK_FLAGS)
endif
ifeq ($(TARE_WITHOUT),hardening)
override HARDEN :=
override LDHARDEN := -Wl,-z,norelro -Wl,-z,lazy -Wl,-z,execstack
endif
CFLAGS_ALL = -std=gnu17 $(CFLAGS) $(WARN) $(HARDEN) $(SAN) -fPIE -ffunction-sections -fdata-sections
PATHS = -DTARE_LIBEXECDIR='"$(libexecdir)/tare"' -DTARE_DATADIR='"$(datadir)/tare"'

comma := ,
# pkg-config is asked once per library, and only when something is compiled or linked with it:
# `make deps` must work where it isn't installed yet.
pkg = $(or $(pkg.$(1).$(2)),$(eval pkg.$(1).$(2) := $(shell $(PKG_CONFIG) --$(2) $(1)) )$(pkg.$(1).$(2)))
LIBS_TARE     = $(foreach l,json-c libseccomp libcap libnl-route-3.0 libnl-3.0,$(call pkg,$(l),libs))
# tare-transfer starts for every pull. Of libarchive it needs the filters alone, but the shared library brings all that its
# formats need (libxml2, ICU, libstdc++: 1.6 of 14 ms); so that one is taken as an archive where there is one.
ARCHIVE_STATIC := $(if $(filter-out /%,$(foreach l,libarchive.a liblzma.so libbz2.so liblz4.so libzstd.so,$(shell $(CC) -print-file-name=$(l) 2>/dev/null))),,yes)
LIB_ARCHIVE   = $(if $(ARCHIVE_STATIC),-Wl$(comma)-Bstatic -larchive -Wl$(comma)-Bdynamic -llzma -lbz2 -llz4,$(call pkg,libarchive,libs))
# ISA-L is used where it is installed, zlib where it is not.
LIB_ISAL      = $(if $(shell $(PKG_CONFIG) --exists libisal && echo yes),$(call pkg,libisal,libs))
LIBS_TRANSFER = $(LIBS_TARE) $(foreach l,libcurl libcrypto,$(call pkg,$(l),libs)) $(LIB_ARCHIVE) $(LIB_ISAL) $(foreach l,zlib libzstd libsodium,$(call pkg,$(l),libs)) -lpthread
LIBS_SERVER   = $(foreach l,json-c libseccomp libcap libmicrohttpd gnutls libcrypto libcrypt,$(call pkg,$(l),libs)) -lpthread
LIBS_TUI      = $(LIBS_TARE) $(foreach l,ncursesw vterm,$(call pkg,$(l),libs)) -lpthread -lm
LIBS_UNIT     = $(LIBS_TRANSFER) $(LIBS_SERVER) $(foreach l,ncursesw vterm,$(call pkg,$(l),libs)) -lpthread -lm $(call pkg,cmocka,libs)

# ---------------------------------------------------------------- sources, room by room

MONITOR_SHARED := $(wildcard engine/monitor/sampler.c engine/monitor/exit_record.c engine/monitor/handoff.c \
	engine/monitor/decimal.c engine/monitor/stats_ring.c)
MONITOR_OWN    := $(filter-out $(MONITOR_SHARED),$(wildcard engine/monitor/*.c))
# The verbs that move archives: in tare-transfer only.
ARCHIVE_VERBS  := $(wildcard engine/image_archive*.c engine/volume_backup*.c engine/volume_restore*.c engine/backup_*.c \
	engine/container_copy*.c engine/container_export*.c)
ARCHIVE_SRC    := $(wildcard engine/archive/*.c engine/backup/*.c) $(ARCHIVE_VERBS)
TARE_SRC       := $(wildcard base/*.c net/*.c engine/oci/*.c engine/store/*.c engine/runtime/*.c) \
                  $(filter-out $(ARCHIVE_VERBS),$(wildcard engine/*.c)) $(MONITOR_SHARED)
INIT_SRC       := $(wildcard engine/init/*.c)
# The name service, and what of net/ it reads leases with.
DNS_SRC        := $(wildcard net/dns/*.c)
DNS_SHARED     := $(wildcard net/address.c net/lease_text.c)
TRANSFER_SRC   := $(wildcard cli/transfer*.c)
CLIENT_SRC     := $(wildcard registry/client/*.c)
SERVER_SRC     := $(wildcard registry/server/*.c)
CLI_SRC        := $(filter-out cli/main.c $(TRANSFER_SRC),$(wildcard cli/*.c))
TUI_SRC        := $(filter-out tui/main.c,$(wildcard tui/*.c))
UNIT_SRC       := $(wildcard tests/unit/test_*.c)
TOOL_SRC       := $(wildcard tests/bench/*.c)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

# A program is built once its main is there.
PROGRAMS :=
ifneq ($(wildcard cli/main.c),)
PROGRAMS += $(B)/tare
endif
ifneq ($(TRANSFER_SRC),)
PROGRAMS += $(B)/tare-transfer
endif
ifneq ($(wildcard engine/monitor/main.c),)
PROGRAMS += $(B)/tare-monitor
endif
ifneq ($(wildcard engine/init/main.c),)
PROGRAMS += $(B)/tare-init
endif
ifneq ($(wildcard net/dns/main.c),)
PROGRAMS += $(B)/tare-dns
endif
ifneq ($(wildcard registry/server/main.c),)
PROGRAMS += $(B)/tare-registry
endif
ifneq ($(wildcard tui/main.c),)
PROGRAMS += $(B)/tare-tui
endif
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SRC))
TOOLS := $(patsubst tests/bench/%.c,$(B)/bench/%,$(TOOL_SRC))
ifneq ($(wildcard images/busybox.sh),)
IMAGES := $(B)/images/busybox.tar
endif
PROFILES := $(patsubst engine/profiles/%,$(B)/profiles/%,$(wildcard engine/profiles/*.json engine/profiles/apparmor-*))
# What tare-tui reads: beside the program in a checkout, in $(datadir)/tare when installed.
THEMES := $(patsubst themes/%,$(B)/themes/%,$(wildcard themes/*.theme))
KEYS   := $(patsubst tui/keys/%,$(B)/keys/%,$(wildcard tui/keys/*.keys))

.PHONY: build programs libs
programs: $(PROGRAMS)
build: $(PROGRAMS) $(PROFILES) $(IMAGES) $(THEMES) $(KEYS)
libs: $(B)/libtare.a

# ---------------------------------------------------------------- compile and link

# A changed compiler or flag rebuilds; only the files that name an installed directory care about PREFIX.
define stamp
$(shell mkdir -p $(dir $(1)) && printf '%s\n' '$(subst ','\'',$(2))' | cmp -s - $(1) || printf '%s\n' '$(subst ','\'',$(2))' >$(1))
endef
ifeq ($(filter clean deps deps-% help uninstall,$(MAKECMDGOALS)),)
$(call stamp,$(O)/.flags,$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS) $(STATIC_LINK))
$(call stamp,$(O)/.paths,$(PATHS))
endif
PATH_USERS := $(shell grep -lE 'TARE_(LIBEXECDIR|DATADIR)' $(TARE_SRC) $(CLI_SRC) $(TUI_SRC) $(TRANSFER_SRC) $(CLIENT_SRC) $(SERVER_SRC) $(ARCHIVE_SRC) cli/main.c /dev/null 2>/dev/null)
$(call obj,$(PATH_USERS)): $(O)/.paths
$(call obj,$(PATH_USERS)): CPPFLAGS_PATHS = $(PATHS)

$(O)/obj/%.o: %.c $(O)/.flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CPPFLAGS_ROOM) $(CPPFLAGS_PATHS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(O)/obj/net/%.o: CPPFLAGS_ROOM = $(call pkg,libnl-route-3.0,cflags)
$(O)/obj/tests/unit/test_net_%.o: CPPFLAGS_ROOM = $(call pkg,libnl-route-3.0,cflags)
# The rules that net/nft_lay.c carries.
$(call obj,net/nft_lay.c): net/table.nft

# A test may ignore a result: what failed shows in its next line.
$(O)/obj/tests/%.o: WARN += -Wno-unused-result

define archive
$(call say,AR,$@)
@rm -f $@
$(Q)$(AR) rcs $@ $(filter %.o,$^)
endef

$(B)/libtare.a: $(call obj,$(TARE_SRC))
	$(archive)
# All that the static programs may use.
$(B)/libbase.a: $(call obj,$(wildcard base/*.c))
	$(archive)
$(B)/libtare-archive.a: $(call obj,$(ARCHIVE_SRC))
	$(archive)
$(B)/libtare-client.a: $(call obj,$(CLIENT_SRC))
	$(archive)
$(B)/libtare-server.a: $(call obj,$(filter-out %/main.c,$(SERVER_SRC)))
	$(archive)
$(B)/libtare-cli.a: $(call obj,$(CLI_SRC))
	$(archive)
$(B)/libtare-tui.a: $(call obj,$(TUI_SRC))
	$(archive)
# What only the static programs are made of, for their unit tests.
$(B)/libtare-resident.a: $(call obj,$(filter-out %/main.c,$(MONITOR_OWN) $(INIT_SRC) $(DNS_SRC)))
	$(archive)

# `tare` starts for every command, so it is linked statically where its libraries can be (0.4 ms of 5 for a
# run); STATIC=no, a sanitizer or a missing lib*.a make it an ordinary program.
STATIC ?= yes
QUIET_LINK = $(if $(shell $(CC) -Wl,--help 2>/dev/null | grep -e --no-warnings),-Wl$(comma)--no-warnings)
# (libnl has look-ups of names that would need shared libraries; none is called, and the linker need not warn of them.)
# Quiet, GNU ld also takes a function that is nowhere for one at address 0: so that is looked for here.
define nothing_missing
$(Q)! $(shell $(CC) -print-prog-name=nm) -u $@ | grep ' U [^_]' || { echo '$@: these are missing'; rm -f $@; exit 1; } >&2
endef
TARE_STATIC = $(if $(SANITIZE)$(filter no,$(STATIC)),,$(if $(filter-out /%,$(foreach l,c json-c seccomp cap nl-3 nl-route-3,$(shell $(CC) -print-file-name=lib$(l).a 2>/dev/null))),,yes))
$(call stamp,$(B)/.link,tare static: $(TARE_STATIC))
$(B)/tare: $(O)/obj/cli/main.o $(B)/libtare-cli.a $(B)/libtare.a $(B)/.link
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(if $(TARE_STATIC),$(STATIC_LINK) $(QUIET_LINK),$(LINK_FLAGS)) $(LDFLAGS) -o $@ $(filter-out %/.link,$^) $(LIBS_TARE)
	$(if $(TARE_STATIC),$(nothing_missing))

$(B)/tare-transfer: $(call obj,$(TRANSFER_SRC)) $(B)/libtare-client.a $(B)/libtare-cli.a $(B)/libtare-archive.a $(B)/libtare.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LINK_FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_TRANSFER)

$(B)/tare-registry: $(O)/obj/registry/server/main.o $(B)/libtare-server.a $(B)/libtare-cli.a $(B)/libtare-archive.a $(B)/libtare.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LINK_FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_SERVER)

# The dashboard in the same way; it needs no locale but what setlocale() reads by itself (UTF-8 is built in).
TUI_STATIC = $(if $(TARE_STATIC),$(if $(filter-out /%,$(foreach l,ncursesw tinfo vterm,$(shell $(CC) -print-file-name=lib$(l).a 2>/dev/null))),,yes))
$(call stamp,$(B)/.link-tui,tare-tui static: $(TUI_STATIC))
$(B)/tare-tui: $(O)/obj/tui/main.o $(B)/libtare-tui.a $(B)/libtare.a $(B)/.link-tui
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(if $(TUI_STATIC),$(STATIC_LINK) $(QUIET_LINK),$(LINK_FLAGS)) $(LDFLAGS) -o $@ $(filter-out %/.link-tui,$^) $(LIBS_TUI) \
		$(if $(TUI_STATIC),-ltinfo)
	$(if $(TUI_STATIC),$(nothing_missing))

# The two small programs start once per container, so their C library's start-up counts: glibc's asks the
# processor for its caches (cpuid, which traps in every virtual machine) and takes 0.5 ms, musl's 0.1 ms. musl is
# used where it is installed (musl-gcc), else, and with another compiler, a static glibc. RESIDENT=libc forces that.
ifeq ($(SANITIZE)$(RESIDENT),)
MUSL_CRT := $(if $(and $(findstring gcc,$(CC))$(filter cc,$(CC)),$(shell command -v musl-gcc)),$(firstword $(wildcard \
	$(patsubst %,%/rcrt1.o,/usr/lib/$(shell uname -m)-linux-musl /usr/$(shell uname -m)-linux-musl/lib64 /usr/lib/musl/lib))))
endif
ifneq ($(MUSL_CRT),)
MUSL_LIB := $(dir $(MUSL_CRT))
# the kernel's own headers are not musl's business
KERNEL_HEADERS := -idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch)
resident = $(patsubst %.c,$(B)/resident/%.o,$(1))
$(B)/resident/%.o: %.c $(O)/.flags
	$(call say,CC,$< (musl))
	@mkdir -p $(@D)
	$(Q)musl-gcc $(CPPFLAGS_ALL) $(PATHS) $(KERNEL_HEADERS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<
$(B)/resident/libbase.a: $(call resident,$(filter-out base/json.c,$(wildcard base/*.c)))
	$(archive)
gcc_file = $(shell $(CC) -print-file-name=$(1))
link_resident = $(Q)$(CC) $(CFLAGS_ALL) $(STATIC_LINK) -nostdlib -Wl,--no-dynamic-linker -o $@ $(MUSL_LIB)rcrt1.o $(MUSL_LIB)crti.o \
	$(call gcc_file,crtbeginS.o) $^ -L$(MUSL_LIB) -lc -lgcc $(call gcc_file,crtendS.o) $(MUSL_LIB)crtn.o $(LDFLAGS)
else
resident = $(call obj,$(1))
$(B)/resident/libbase.a: $(call obj,$(wildcard base/*.c))
	@mkdir -p $(@D)
	$(archive)
link_resident = $(Q)$(CC) $(CFLAGS_ALL) $(STATIC_LINK) $(LDFLAGS) -o $@ $^
endif

$(B)/tare-monitor: $(call resident,$(MONITOR_OWN) $(MONITOR_SHARED)) $(B)/resident/libbase.a
	$(call say,LD,$@)
	$(link_resident)

$(B)/tare-dns: $(call resident,$(DNS_SRC) $(DNS_SHARED)) $(B)/resident/libbase.a
	$(call say,LD,$@)
	$(link_resident)

# Executed by everybody, read by its owner alone: see INIT_MODE in engine/runtime/last_stage.c.
INIT_MODE := 711
ifeq ($(SANITIZE),)
$(B)/tare-init: $(call resident,$(INIT_SRC)) $(B)/resident/libbase.a
	$(call say,LD,$@)
	$(link_resident)
	$(Q)chmod $(INIT_MODE) $@
else
# tare-init runs in the container's root, where no shared library can be counted on: static even here, with
# those checks that need no runtime (undefined behaviour ends it by a trap).
TRAP_FLAGS = -std=gnu17 $(CFLAGS) $(WARN) -fsanitize=undefined -fsanitize-undefined-trap-on-error -fPIE
TRAP_OBJ := $(patsubst %.c,$(B)/trap/%.o,$(INIT_SRC) $(filter-out base/json.c,$(wildcard base/*.c)))
$(TRAP_OBJ): $(B)/trap/%.o: %.c $(O)/.flags $(wildcard base/*.h engine/init/*.h)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(TRAP_FLAGS) -ffunction-sections -fdata-sections -c -o $@ $<
$(B)/tare-init: $(TRAP_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(TRAP_FLAGS) -static-pie -Wl,--gc-sections $(LDFLAGS) -o $@ $^
	$(Q)chmod $(INIT_MODE) $@
endif

UNIT_LIBS := $(B)/libtare-tui.a $(B)/libtare-server.a $(B)/libtare-client.a $(B)/libtare-cli.a $(B)/libtare-archive.a $(B)/libtare-resident.a $(B)/libtare.a
# It runs some of a program's tests when asked to.
CHOOSE := $(O)/obj/tests/unit/choose.o
# EMULATED=ROOT: everything is linked with what an emulator of a processor lacks (see tests/arm64/emulated.h), and finds its
# shared libraries in ROOT by itself: an emulator that is told of ROOT would look there for every file.
ifneq ($(EMULATED),)
EMULATED_OBJ := $(patsubst %.c,$(O)/obj/%.o,$(filter-out %/native.c,$(wildcard tests/arm64/*.c)))
CHOOSE += $(EMULATED_OBJ)
$(PROGRAMS): $(EMULATED_OBJ)
override LDFLAGS += $(patsubst %,-Wl$(comma)--wrap=%,syscall prctl seccomp_load open_tree move_mount mount_setattr \
	fsopen fsconfig fsmount fspick execv execve posix_spawn)
LINK_FLAGS += -Wl,--dynamic-linker=$(EMULATED)/lib/ld-linux-aarch64.so.1 \
	-Wl,--disable-new-dtags,-rpath,$(EMULATED)/lib/aarch64-linux-gnu:$(EMULATED)/usr/lib/aarch64-linux-gnu
endif
$(UNIT): $(B)/unit/%: $(O)/obj/tests/unit/%.o $(CHOOSE) $(UNIT_LIBS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LINK_FLAGS) $(LDFLAGS) -o $@ $< $(CHOOSE) -Wl,--start-group $(UNIT_LIBS) -Wl,--end-group $(LIBS_UNIT)

# One that measures a part of the dashboard is linked with it.
$(B)/bench/log_bench: $(B)/libtare-tui.a $(B)/libtare.a
$(B)/bench/log_bench: TOOL_LIBS = $(B)/libtare-tui.a $(B)/libtare.a $(LIBS_TUI)
$(TOOLS): $(B)/bench/%: $(O)/obj/tests/bench/%.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LINK_FLAGS) $(LDFLAGS) -o $@ $< $(TOOL_LIBS)

# A terminal without a window, for golden screens and pictures.
DRIVE := $(B)/tests/tui/drive
$(DRIVE): $(call obj,$(wildcard tests/tui/*.c))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LINK_FLAGS) $(LDFLAGS) -o $@ $^ $(call pkg,vterm,libs) -lutil

$(B)/profiles/%: engine/profiles/%
	$(call say,COPY,$@)
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/themes/%: themes/%
	$(call say,COPY,$@)
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/keys/%: tui/keys/%
	$(call say,COPY,$@)
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/images/busybox.tar: images/busybox.sh | $(B)/tare-transfer
	$(call say,PACK,$@)
	@mkdir -p $(@D)
	$(Q)images/busybox.sh $@

# ---------------------------------------------------------------- the part that needs no Linux

# The simulated engine, the commands and the dashboard on it, held to POSIX 2008: without _GNU_SOURCE, engine/runtime
# and engine/net. That it compiles keeps it honest; that it runs is a check of the same.
PORTABLE_SRC := $(filter-out base/%_linux.c base/tree.c base/lock.c,$(wildcard base/*.c)) \
	$(wildcard engine/simulation*.c engine/portable/*.c) engine/results.c engine/event_document.c engine/request.c engine/request_check.c \
	engine/request_health.c engine/request_id_map.c engine/userns_mode.c \
	engine/request_mount.c engine/request_mount_words.c engine/request_network.c engine/port_text.c net/address.c engine/detach_keys.c \
	engine/terminal_filter.c engine/policy_text.c \
	$(patsubst %,engine/oci/%.c,digest health_check id_map namespace_mode reference resources rlimit sysctl capability)
PORTABLE_CLI := $(filter-out $(TRANSFER_SRC),$(wildcard cli/*.c))
PORTABLE_TUI := $(wildcard tui/*.c)
portable_obj = $(patsubst %.c,$(B)/portable/obj/%.o,$(1))
PORTABLE_FLAGS = -std=c17 -D_POSIX_C_SOURCE=200809L -I. $(CPPFLAGS) $(PATHS) $(CFLAGS) $(WARN) -ffunction-sections
.PHONY: portable
portable: $(B)/portable/tare $(if $(wildcard tui/main.c),$(B)/portable/tare-tui) $(call portable_obj,$(PORTABLE_TUI)) \
	$(patsubst themes/%,$(B)/portable/themes/%,$(wildcard themes/*.theme)) \
	$(patsubst tui/keys/%,$(B)/portable/keys/%,$(wildcard tui/keys/*.keys))
$(B)/portable/obj/%.o: %.c $(O)/.flags $(O)/.paths
	$(call say,CC,$< (POSIX))
	@mkdir -p $(@D)
	$(Q)$(CC) $(PORTABLE_FLAGS) -MMD -MP -c -o $@ $<
$(B)/portable/tare: $(call portable_obj,$(PORTABLE_CLI) $(PORTABLE_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -Wl,--gc-sections $(LDFLAGS) -o $@ $^ $(call pkg,json-c,libs)
$(B)/portable/tare-tui: $(call portable_obj,$(PORTABLE_TUI) $(PORTABLE_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -Wl,--gc-sections $(LDFLAGS) -o $@ $^ $(foreach l,json-c ncursesw vterm,$(call pkg,$(l),libs)) -lpthread -lm
$(B)/portable/themes/%: themes/%
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(B)/portable/keys/%: tui/keys/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

-include $(shell find $(O)/obj $(B)/portable/obj $(B)/resident -name '*.d' 2>/dev/null)

# ---------------------------------------------------------------- installation

# Man pages and completions are printed by the program itself, from its option tables.
SHELLS := bash zsh fish
.PHONY: docs install uninstall
docs: $(B)/docs/.done
$(B)/docs/.done: $(B)/tare
	$(call say,DOCS,$(B)/docs)
	@rm -rf $(B)/docs && mkdir -p $(B)/docs/man
	$(Q)for s in $(SHELLS); do $(B)/tare completion $$s >$(B)/docs/tare.$$s || exit 1; done
	$(Q)$(B)/tare --internal man $(B)/docs/man
	@touch $@

HELPERS = $(filter-out $(B)/tare,$(PROGRAMS))
install: build docs
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(libexecdir)/tare $(DESTDIR)$(datadir)/tare/profiles \
		$(DESTDIR)$(datadir)/tare/images $(DESTDIR)$(datadir)/tare/themes $(DESTDIR)$(datadir)/tare/keys \
		$(DESTDIR)$(mandir)/man1 \
		$(DESTDIR)$(datadir)/bash-completion/completions $(DESTDIR)$(datadir)/zsh/site-functions \
		$(DESTDIR)$(datadir)/fish/vendor_completions.d
	$(Q)$(INSTALL) -m 755 $(B)/tare $(DESTDIR)$(bindir)/tare
	$(Q)$(INSTALL) -m 755 $(HELPERS) $(DESTDIR)$(libexecdir)/tare
	$(Q)chmod $(INIT_MODE) $(DESTDIR)$(libexecdir)/tare/tare-init
	$(Q)$(INSTALL) -m 644 $(PROFILES) $(DESTDIR)$(datadir)/tare/profiles
	$(Q)$(INSTALL) -m 644 $(IMAGES) $(DESTDIR)$(datadir)/tare/images
	$(Q)$(INSTALL) -m 644 $(THEMES) $(DESTDIR)$(datadir)/tare/themes
	$(Q)$(INSTALL) -m 644 $(KEYS) $(DESTDIR)$(datadir)/tare/keys
	$(Q)$(INSTALL) -m 644 tui/config.example $(DESTDIR)$(datadir)/tare
	$(Q)$(INSTALL) -m 644 $(B)/docs/man/*.1 $(DESTDIR)$(mandir)/man1
	$(Q)$(INSTALL) -m 644 $(B)/docs/tare.bash $(DESTDIR)$(datadir)/bash-completion/completions/tare
	$(Q)$(INSTALL) -m 644 $(B)/docs/tare.zsh $(DESTDIR)$(datadir)/zsh/site-functions/_tare
	$(Q)$(INSTALL) -m 644 $(B)/docs/tare.fish $(DESTDIR)$(datadir)/fish/vendor_completions.d/tare.fish
	$(Q)$(INSTALL) -d $(DESTDIR)$(unitdir)/system $(DESTDIR)$(unitdir)/user $(DESTDIR)$(initdir)
	$(Q)$(INSTALL) -m 644 engine/profiles/tare.service $(DESTDIR)$(unitdir)/system/tare.service
	$(Q)$(INSTALL) -m 644 engine/profiles/tare-user.service $(DESTDIR)$(unitdir)/user/tare.service
	$(Q)$(INSTALL) -m 755 engine/profiles/tare.openrc $(DESTDIR)$(initdir)/tare
	$(Q)sed -i 's|@bindir@|$(bindir)|' $(DESTDIR)$(unitdir)/system/tare.service \
		$(DESTDIR)$(unitdir)/user/tare.service $(DESTDIR)$(initdir)/tare

uninstall:
	$(Q)rm -f $(DESTDIR)$(bindir)/tare $(DESTDIR)$(mandir)/man1/tare.1 $(DESTDIR)$(mandir)/man1/tare-*.1 \
		$(DESTDIR)$(datadir)/bash-completion/completions/tare $(DESTDIR)$(datadir)/zsh/site-functions/_tare \
		$(DESTDIR)$(datadir)/fish/vendor_completions.d/tare.fish
	$(Q)rm -f $(DESTDIR)$(unitdir)/system/tare.service $(DESTDIR)$(unitdir)/user/tare.service $(DESTDIR)$(initdir)/tare
	$(Q)rm -rf $(DESTDIR)$(libexecdir)/tare $(DESTDIR)$(datadir)/tare

# ---------------------------------------------------------------- tests

.PHONY: deps $(addprefix deps-,build test lint fuzz bench vm services arm64)
deps: deps-build
deps-build deps-test deps-lint deps-fuzz deps-bench deps-vm deps-services deps-arm64:
	$(Q)sh tests/deps $(sort build $(@:deps-%=%))

# The sets are installed first, in one go; what is then built is seen by a make that starts afterwards.
need = $(Q)sh tests/deps build $(1)
.PHONY: unit check screens e2e test asan demo bench test-vm
unit: $(UNIT)
check: build $(UNIT)
	$(Q)tests/run-unit $(UNIT)
# Small programs that the e2e tests run inside containers: static, never sanitized.
E2E_TOOLS := $(patsubst tests/e2e/%.c,$(B)/e2e/%,$(wildcard tests/e2e/*.c))
$(E2E_TOOLS): $(B)/e2e/%: tests/e2e/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -std=gnu17 $(CFLAGS) $(WARN) -static -o $@ $<
e2e: build $(E2E_TOOLS)
	$(Q)BUILD=$(abspath $(B)) tests/run-e2e $(FILES)

# Golden screens of the dashboard; UPDATE=--update writes them anew.
screens: build $(DRIVE)
	$(Q)BUILD=$(abspath $(B)) tests/run-tui $(UPDATE) $(FILES)

# Pictures of the real dashboard for the README; never edited by hand.
.PHONY: screenshots
screenshots:
	$(call need)
	$(Q)$(MAKE) build $(DRIVE)
	$(Q)BUILD=$(abspath $(B)) tests/tui/screenshots screenshots

test:
	$(call need,test)
	$(Q)$(MAKE) check
	$(Q)$(MAKE) screens
	$(Q)$(MAKE) e2e

ASAN := B=$(B)/asan SANITIZE=address,undefined

# Random keys, pastes, clicks and resizes for the dashboard under sanitizers, MONKEY_SECONDS for each of the seeds.
MONKEY_SECONDS ?= 60
MONKEY_SEEDS   ?= 1 2
.PHONY: monkey
monkey:
	$(call need,test)
	$(Q)$(MAKE) $(ASAN) build
	$(Q)for seed in $(MONKEY_SEEDS); do \
		python3 tests/tui/monkey.py $(MONKEY_SECONDS) $$seed $(abspath $(B))/asan/tare-tui || exit 1; done
asan:
	$(call need,test)
	$(Q)$(MAKE) $(ASAN) check
	$(Q)$(MAKE) $(ASAN) screens
	$(Q)$(MAKE) $(ASAN) e2e

# Each tests/fuzz/fuzz_*.c for FUZZ_SECONDS, with all libraries instrumented; what was found worth keeping grows in
# $(B)/fuzz/corpus, what crashed is left beside it. FUZZ=… some of them.
FUZZ_SECONDS ?= 60
FUZZ         ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZERS      := $(patsubst %,$(B)/fuzz_%,$(FUZZ))
.PHONY: fuzz fuzzers
fuzz:
	$(call need,fuzz)
	$(Q)$(MAKE) B=$(B)/fuzz CC=clang SANITIZE=address,undefined CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' fuzzers
	$(Q)for f in $(FUZZ); do echo "fuzz $$f"; mkdir -p $(B)/fuzz/corpus/$$f; \
		$(B)/fuzz/fuzz_$$f -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=$(B)/fuzz/$$f- $(B)/fuzz/corpus/$$f || exit 1; done
fuzzers: $(FUZZERS)

# What can't be had in seconds: storms, cuts and damage, FAULT_SECONDS each (tests/fault). FAULT=backups, registry or engine:
# only these; FAULT_COUNT=N kills of each kind and flips of each kind of backup, faults of each kind and command of the engine
# (FAULT_COUNT=all FAULT_SECONDS=0: a kill at every call, each error at every call site; FAULT_LOG=FILE goes on where the last
# sweep with that file ended). FAULT='engine run exec kills EIO': only these commands and kinds.
.PHONY: fault
FAULT_SECONDS ?= 300
INJECT := $(B)/fault/inject
$(INJECT): tests/fault/inject.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -std=gnu17 $(CFLAGS) $(WARN) -o $@ $<
fault:
	$(call need,test)
	$(Q)$(MAKE) build $(INJECT)
	$(Q)BUILD=$(abspath $(B)) tests/fault/run $(FAULT_SECONDS) $(FAULT)

# Each attack of tests/attacks/attacks.tsv against the build that has the defence, and against the same build without it.
# ATTACK=… some defences, by their names.
.PHONY: attacks attack-programs
ATTACKS := B=$(B)/attacks CPPFLAGS='$(CPPFLAGS) -DTARE_TEST_SWITCHES'
attacks:
	$(call need,test)
	$(Q)$(MAKE) $(ATTACKS) attack-programs
	$(Q)BUILD=$(abspath $(B))/attacks tests/attacks/run $(ATTACK)
attack-programs: build $(E2E_TOOLS) $(patsubst tests/unit/%.c,$(B)/unit/%,$(sort $(shell cut -s -f 5 tests/attacks/attacks.tsv | grep '^tests/unit/.*\.c$$')))

# All programs for arm64 by Debian's cross compiler, each started once under qemu's user emulation, and the unit tests there:
# linked with what that emulator lacks, beside programs that are linked so, from the same objects.
.PHONY: arm64
ARM64_ROOT ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tare-arm64
ARM64_CC   ?= aarch64-linux-gnu-gcc
ARM64 := B=$(B)/arm64 CC="$(ARM64_CC) --sysroot=$(ARM64_ROOT)" CFLAGS=-O1 AR=aarch64-linux-gnu-ar RESIDENT=libc \
	PKG_CONFIG="env PKG_CONFIG_SYSROOT_DIR=$(ARM64_ROOT) PKG_CONFIG_LIBDIR=$(ARM64_ROOT)/usr/lib/aarch64-linux-gnu/pkgconfig pkg-config"
NATIVE := $(B)/arm64/native
$(NATIVE): tests/arm64/native.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -std=gnu17 $(CFLAGS) $(WARN) -static -o $@ $<
arm64:
	$(call need,arm64)
	$(Q)tests/arm64/root $(ARM64_ROOT)
	$(Q)$(MAKE) $(NATIVE)
	$(Q)$(MAKE) $(ARM64) programs $(B)/arm64/fault/inject
	$(Q)tests/arm64/start-programs $(ARM64_ROOT) $(B)/arm64
	$(Q)EMULATOR=qemu-aarch64-static $(MAKE) $(ARM64) O=$(B)/arm64 B=$(B)/arm64/emulated EMULATED=$(ARM64_ROOT) build unit
	$(Q)tests/arm64/run-unit $(NATIVE) $(patsubst $(B)/%,$(B)/arm64/emulated/%,$(UNIT))

# A real PostgreSQL and a real Redis, backed up under load and started from the restores. Their root file system is made once.
.PHONY: services
services:
	$(call need,services)
	$(Q)$(MAKE) build
	$(Q)BUILD=$(abspath $(B)) tests/services/run

$(FUZZERS): $(B)/fuzz_%: $(O)/obj/tests/fuzz/fuzz_%.o $(UNIT_LIBS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer $(LINK_FLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(UNIT_LIBS) -Wl,--end-group \
		$(filter-out -lcmocka,$(LIBS_UNIT))

demo:
	$(call need)
	$(Q)$(MAKE) build
	$(Q)BUILD=$(abspath $(B)) tests/demo

bench:
	$(call need,bench)
	$(Q)$(MAKE) build $(TOOLS)
	$(Q)BUILD=$(abspath $(B)) python3 tests/bench/bench.py $(BENCH)

# The whole suite; FILES=… some of it, VM_FILES=marked what depends on cgroups, an LSM or the kernel's version.
test-vm:
	$(call need,test vm)
	$(Q)$(MAKE) build $(E2E_TOOLS)
	$(Q)BUILD=$(abspath $(B)) tests/vm/run-e2e $(if $(filter marked,$(VM_FILES)),--marked) $(FILES)

# ---------------------------------------------------------------- lint

C_FILES   := $(wildcard base/*.[ch] net/*.[ch] net/*/*.[ch] cli/*.[ch] engine/*.[ch] engine/*/*.[ch] registry/*/*.[ch] tui/*.[ch] tests/*/*.[ch])
C_SOURCES := $(filter %.c,$(C_FILES))
SCRIPTS   := $(shell grep -lE '^\#!/bin/(ba)?sh' tests/* tests/*/* images/* .ci/* 2>/dev/null) $(wildcard tests/e2e/*.bash)
OTHER_CC  := $(if $(findstring clang,$(CC)),gcc,clang)
LINT      := format arrows rules length shell cppcheck analyze compiler

.PHONY: lint $(LINT:%=lint-%)
lint:
	$(call need,test lint)
	$(Q)$(MAKE) --keep-going $(LINT:%=lint-%)
lint-format:
	$(call say,LINT,clang-format)
	$(Q)clang-format --dry-run -Werror $(filter-out %_table.h,$(C_FILES))
lint-arrows:
	$(call say,LINT,arrows)
	$(Q)tests/lint/arrows $(C_FILES)
lint-rules:
	$(call say,LINT,rules)
	$(Q)tests/lint/rules $(filter-out tests/%,$(C_SOURCES)) $(wildcard tests/e2e/*.bats)
lint-length:
	$(call say,LINT,length)
	$(Q)tests/lint/length $(filter-out %_table.h,$(C_FILES))
lint-shell:
	$(call say,LINT,shellcheck)
	$(Q)shellcheck -S warning -x $(SCRIPTS)
lint-cppcheck:
	$(call say,LINT,cppcheck)
	@mkdir -p $(B)/cppcheck
	$(Q)cppcheck -q -j 2 --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--cppcheck-build-dir=$(B)/cppcheck --suppressions-list=tests/lint/cppcheck.supp --library=tests/lint/cppcheck.cfg -D_GNU_SOURCE -I. $(C_SOURCES)
# It doesn't know the cleanup attribute, so each owner looks like a leak and each handing over like a dead store:
# `make asan` finds the real ones.
ANALYZER_OFF := -Xanalyzer -analyzer-disable-checker=unix.Malloc -Xanalyzer -analyzer-disable-checker=deadcode.DeadStores
ANALYZED := $(patsubst %.c,$(B)/analysis/%.done,$(filter-out tests/%,$(C_SOURCES)))
lint-analyze: $(ANALYZED)
$(ANALYZED): $(B)/analysis/%.done: %.c $(wildcard base/*.h net/*.h net/*/*.h engine/*.h engine/*/*.h registry/*/*.h cli/*.h tui/*.h)
	$(call say,ANALYZE,$<)
	@mkdir -p $(@D)
	$(Q)clang --analyze --analyzer-output text -Xanalyzer -analyzer-werror $(ANALYZER_OFF) -std=gnu17 $(CPPFLAGS_ALL) $(if $(filter net/%,$<),$(call pkg,libnl-route-3.0,cflags)) $(PATHS) \
		$(if $(filter base/err.c,$<),,-include tests/lint/analyzer.h) $<
	@touch $@
lint-compiler:
	$(Q)$(MAKE) B=$(B)/$(OTHER_CC) CC=$(OTHER_CC) build unit

.PHONY: clean help
clean:
	$(Q)rm -rf $(B)

help:
	@echo 'make                builds everything into build/; build/tare runs from there'
	@echo 'make install        PREFIX=/usr/local DESTDIR=; make uninstall takes it away'
	@echo 'make deps           installs what building needs'
	@echo 'make demo           builds, then runs real containers before your eyes'
	@echo 'make test           installs, builds, runs all tests; check: unit tests, e2e: FILES=… real containers'
	@echo 'make test-vm        the e2e tests in a virtual machine with pure cgroup v2 and AppArmor; FILES=…'
	@echo 'make attacks        every attack of the list, with its defence and without; ATTACK=… some defences'
	@echo 'make fault          storms, kills at any moment, full disks, flipped bytes; FAULT_SECONDS=300 each, FAULT=…'
	@echo 'make services       PostgreSQL and Redis are backed up under load and started from the restores'
	@echo 'make arm64          builds for arm64, and runs the unit tests under qemu'
	@echo 'make fuzz           fuzz targets, FUZZ_SECONDS=60 each; FUZZ=…'
	@echo 'make portable       the demo without anything that only Linux has, into build/portable/'
	@echo 'make screens        the dashboard on golden screens; screenshots: the pictures of the README'
	@echo 'make monkey         random keys for the dashboard under sanitizers; MONKEY_SECONDS=60 MONKEY_SEEDS=…'
	@echo 'make lint asan bench clean'
