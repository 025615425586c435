# Tare's one Makefile. `make help` lists what it can do.
#
# Every object is compiled once into $(B)/obj, mirroring the tree; each room's sources are found by
# wildcard, so a new file needs no edit here. B=DIR builds elsewhere, CC=clang with another compiler.

B        ?= build
CC       ?= cc
AR       ?= ar
PREFIX   ?= /usr/local
DESTDIR  ?=
bindir      = $(PREFIX)/bin
libexecdir  = $(PREFIX)/libexec
datadir     = $(PREFIX)/share
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
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection
endif
LINK_FLAGS = -pie $(LDHARDEN) -Wl,-O1 -Wl,--hash-style=gnu -Wl,--as-needed
ifeq ($(SANITIZE),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
STATIC_LINK = -static-pie $(LDHARDEN) -Wl,-O1 -Wl,--gc-sections
else
# The sanitizers' runtime cannot be linked into a static program.
SAN := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
STATIC_LINK = $(LINK_FLAGS)
endif
CFLAGS_ALL = -std=gnu17 $(CFLAGS) $(WARN) $(HARDEN) $(SAN) -fPIE -ffunction-sections -fdata-sections
PATHS = -DTARE_LIBEXECDIR='"$(libexecdir)/tare"' -DTARE_DATADIR='"$(datadir)/tare"'

# pkg-config is asked once per library, and only when something is compiled or linked with it:
# `make deps` must work where it isn't installed yet.
pkg = $(or $(pkg.$(1).$(2)),$(eval pkg.$(1).$(2) := $(shell $(PKG_CONFIG) --$(2) $(1)) )$(pkg.$(1).$(2)))
LIBS_TARE     = $(foreach l,json-c libseccomp libcap,$(call pkg,$(l),libs))
LIBS_TRANSFER = $(LIBS_TARE) $(foreach l,libarchive libcrypto,$(call pkg,$(l),libs))
LIBS_UNIT     = $(LIBS_TRANSFER) $(call pkg,cmocka,libs)

# ---------------------------------------------------------------- sources, room by room

MONITOR_SHARED := $(wildcard engine/monitor/sampler.c engine/monitor/exit_record.c engine/monitor/handoff.c)
MONITOR_OWN    := $(filter-out $(MONITOR_SHARED),$(wildcard engine/monitor/*.c))
ARCHIVE_SRC    := $(wildcard engine/archive/*.c engine/image_archive.c)
TARE_SRC       := $(wildcard base/*.c engine/oci/*.c engine/store/*.c engine/runtime/*.c) \
                  $(filter-out engine/image_archive.c,$(wildcard engine/*.c)) $(MONITOR_SHARED)
INIT_SRC       := $(wildcard engine/init/*.c)
TRANSFER_SRC   := $(wildcard cli/transfer*.c)
CLI_SRC        := $(filter-out cli/main.c $(TRANSFER_SRC),$(wildcard cli/*.c))
UNIT_SRC       := $(wildcard tests/unit/test_*.c)
TOOL_SRC       := $(wildcard tests/bench/*.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

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
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SRC))
TOOLS := $(patsubst tests/bench/%.c,$(B)/bench/%,$(TOOL_SRC))
ifneq ($(wildcard images/busybox.sh),)
IMAGES := $(B)/images/busybox.tar
endif
PROFILES := $(patsubst engine/profiles/%,$(B)/profiles/%,$(wildcard engine/profiles/*.json))

.PHONY: build libs
build: $(PROGRAMS) $(PROFILES) $(IMAGES)
libs: $(B)/libtare.a

# ---------------------------------------------------------------- compile and link

# A changed compiler or flag rebuilds; only the files that name an installed directory care about PREFIX.
define stamp
$(shell mkdir -p $(B) && printf '%s\n' '$(subst ','\'',$(2))' | cmp -s - $(B)/$(1) || printf '%s\n' '$(subst ','\'',$(2))' >$(B)/$(1))
endef
ifeq ($(filter clean deps deps-% help uninstall,$(MAKECMDGOALS)),)
$(call stamp,.flags,$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS) $(STATIC_LINK))
$(call stamp,.paths,$(PATHS))
endif
PATH_USERS := $(shell grep -lE 'TARE_(LIBEXECDIR|DATADIR)' $(TARE_SRC) $(CLI_SRC) $(TRANSFER_SRC) $(ARCHIVE_SRC) cli/main.c /dev/null 2>/dev/null)
$(call obj,$(PATH_USERS)): $(B)/.paths
$(call obj,$(PATH_USERS)): CPPFLAGS_PATHS = $(PATHS)

$(B)/obj/%.o: %.c $(B)/.flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CPPFLAGS_PATHS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

define archive
$(call say,AR,$@)
@rm -f $@
$(Q)$(AR) rcs $@ $(filter %.o,$^)
endef

$(B)/libtare.a: $(call obj,$(TARE_SRC))
	$(archive)
$(B)/libtare-archive.a: $(call obj,$(ARCHIVE_SRC))
	$(archive)
$(B)/libtare-cli.a: $(call obj,$(CLI_SRC))
	$(archive)
# What only the static programs are made of, for their unit tests.
$(B)/libtare-resident.a: $(call obj,$(filter-out %/main.c,$(MONITOR_OWN) $(INIT_SRC)))
	$(archive)

$(B)/tare: $(B)/obj/cli/main.o $(B)/libtare-cli.a $(B)/libtare.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LINK_FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_TARE)

$(B)/tare-transfer: $(call obj,$(TRANSFER_SRC)) $(B)/libtare-cli.a $(B)/libtare-archive.a $(B)/libtare.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LINK_FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_TRANSFER)

$(B)/tare-monitor: $(call obj,$(MONITOR_OWN)) $(B)/libtare.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(STATIC_LINK) $(LDFLAGS) -o $@ $^

$(B)/tare-init: $(call obj,$(INIT_SRC)) $(B)/libtare.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(STATIC_LINK) $(LDFLAGS) -o $@ $^

UNIT_LIBS := $(B)/libtare-cli.a $(B)/libtare-archive.a $(B)/libtare-resident.a $(B)/libtare.a
$(UNIT): $(B)/unit/%: $(B)/obj/tests/unit/%.o $(UNIT_LIBS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LINK_FLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(UNIT_LIBS) -Wl,--end-group $(LIBS_UNIT)

$(TOOLS): $(B)/bench/%: $(B)/obj/tests/bench/%.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LINK_FLAGS) $(LDFLAGS) -o $@ $<

$(B)/profiles/%: engine/profiles/%
	$(call say,COPY,$@)
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/images/busybox.tar: images/busybox.sh
	$(call say,PACK,$@)
	@mkdir -p $(@D)
	$(Q)images/busybox.sh $@

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---------------------------------------------------------------- tests

.PHONY: check unit
unit: $(UNIT)
check: build $(UNIT)
	$(Q)B=$(B) tests/run-unit $(UNIT)

.PHONY: clean
clean:
	$(Q)rm -rf $(B)
