# SPDX-License-Identifier: MIT
# ucp: build, test, install.
#
#   make                     build build/release/ucp, and ./ucp that points to it
#   make debug asan tsan     other profiles, each in build/PROFILE (PROFILE=NAME works with any target)
#   make check               install what the tests need and run every case, and a part of them also under sanitizers and
#                            in other modes: PART=0, 1 or 2, by default one after the other from commit to commit
#   make check-quick         the same in the release profile and its default mode only
#   make check-all           every case in every profile and mode
#   make bench               race ucp against other copiers (BENCH="--quick"; make bench-tools: only build what that needs)
#   make check-long          tests that take minutes each, hours in all
#   make check-vm            other kernels in qemu (KERNELS="5.10 6.1 6.12 newest"), and file systems that they know
#   make fuzz                random input for all parsers (tests/fuzz), FUZZ_TIME=600 seconds each
#   make cov                 lines and branches of src/ that the tests reach
#   make fuzz-cp             random command lines, compared with cp, until there is a difference
#   make fuzz-mirror         random pairs of trees, ucp --mirror and rsync --delete, without end
#   make demo                install missing packages, build, race cp, verify, resume, mirror: under a minute
#   make lint                style and static checks, with the tools that are installed
#   make compile_commands.json   compilation database for editors and clangd
#   make help                these lines
#   make install uninstall   PREFIX, DESTDIR (BASH_COMPLETIONS, ZSH_COMPLETIONS, FISH_COMPLETIONS, DOCS, LICENSES: where those go)
#   make dist                build/dist/ucp-VERSION.tar.gz of the last commit (without git: of this directory), always the same bytes
#   make deb rpm             packages of that, in build/dist
#   make static              build/static/ucp, which needs no library on the machine where it runs
#
# You may set CC, CFLAGS, CPPFLAGS and LDFLAGS. HARDENING= turns off the hardening of release builds. SHARED=1 links the
# libraries as shared ones. V=1 shows the commands.

VERSION := 0.2.0
PROFILE ?= release
PREFIX  ?= /usr/local

ifeq ($(origin CC),default)
CC := gcc
endif

comma          := ,
cflags_release := -O2 -g
cflags_static  := -O2 -g
cflags_debug   := -Og -g3
cflags_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
cflags_tsan    := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
cflags_fuzz    := $(subst address,fuzzer-no-link$(comma)address,$(cflags_asan))
cflags_cov     := -O0 -g --coverage -fprofile-update=atomic
sanitized      := asan tsan fuzz cov
ifndef cflags_$(PROFILE)
$(error PROFILE is one of: release static debug asan tsan fuzz cov)
endif
# libFuzzer is clang's
ifeq ($(PROFILE),fuzz)
CC := clang
endif

CFLAGS   ?= $(if $(filter $(sanitized),$(PROFILE)),,$(cflags_$(PROFILE)))

# What distributions build with. Each option that the compiler takes without a word comes ahead of CFLAGS and LDFLAGS, so
# that those have the last say.
static    := $(if $(filter static,$(PROFILE)),static-)
HARDENING ?= $(if $(filter release static,$(PROFILE)),yes)
ifneq ($(HARDENING),)
quiet     := 2>/dev/null
not_pie   := $(filter -fno-pie -fno-PIE -no-pie -static -static-pie -shared,$(CC) $(CFLAGS) $(LDFLAGS))
hard_cc   := $(shell for option in -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-mbranch-protection=standard $(if $(not_pie),,-fPIE); do \
	$(CC) -Werror $$option -x c -c -o /dev/null /dev/null $(quiet) && echo $$option; done) -Wformat -Werror=format-security
hard_ld   := $(if $(not_pie),,-$(static)pie) -Wl,-z,relro -Wl,-z,now
# Not twice, as some compilers and users define it themselves, and not where the C library or a sanitizer would object.
fortify   := $(if $(findstring -fsanitize,$(CC) $(CFLAGS)),,$(shell \
	$(CC) $(CPPFLAGS) $(CFLAGS) -x c -dM -E /dev/null $(quiet) | grep -q _FORTIFY_SOURCE || for level in 3 2; do \
	$(CC) $(CPPFLAGS) $(CFLAGS) -Werror -D_FORTIFY_SOURCE=$$level -include stdio.h -x c -fsyntax-only /dev/null $(quiet) && \
	echo -D_FORTIFY_SOURCE=$$level && break; done))
endif
warnings := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 -Wvla
# Its header does not tell in all versions: from pkg-config, or from what the library is called where it is (liburing.so.2.3)
liburing := $(or $(shell pkg-config --modversion liburing 2>/dev/null),$(patsubst liburing.so.%,%,$(notdir \
	$(shell readlink -f "$$($(CC) -print-file-name=liburing.so)" 2>/dev/null))))
cppflags := -Isrc -include src/base/prelude.h -DUCP_VERSION='"$(VERSION)"' -DUCP_LIBURING='"$(liburing)"' \
	$(if $(static),-DUCP_STATIC) $(fortify) $(CPPFLAGS)
# The sanitizers come last: without them their profiles would be pointless, whatever CFLAGS says.
cflags   := -std=gnu17 -pthread $(warnings) $(hard_cc) $(if $(SOURCE_DATE_EPOCH),-ffile-prefix-map=$(CURDIR)=.) \
	$(CFLAGS) $(if $(filter $(sanitized),$(PROFILE)),$(cflags_$(PROFILE)))
ldflags  := $(hard_ld) $(if $(static),$(if $(findstring -static-pie,$(hard_ld)),,-static)) $(LDFLAGS)
# Each shared library costs every start time, also of runs that do not use it. So libraries are linked into the program if
# they are installed as archives, unless SHARED is set.
archive   = $(if $(SHARED),,$(wildcard $(shell $(CC) -print-file-name=lib$(1).a)))
libs     := $(foreach lib,uring xxhash jansson,$(or $(call archive,$(lib)),-l$(lib)))

B         := build/$(PROFILE)
# What dies of a signal that it raises is to have counted, too.
cov_objs  := $(if $(filter cov,$(PROFILE)),$(B)/obj/tools/cov-raise.o)
lib_objs  := $(patsubst src/%.c,$(B)/obj/%.o,$(wildcard src/*/*.c))
main_obj  := $(B)/obj/main.o
units     := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c))
unit_objs := $(patsubst $(B)/tests/%,$(B)/obj/unit/%.o,$(units))

fuzzers   := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
fuzz_objs := $(patsubst $(B)/fuzz/%,$(B)/obj/fuzz/%.o,$(fuzzers))
FUZZ_TIME ?= 600
COV_MODES ?= default,sync,tiny,short,old

# What some tests need beside the program, built without sanitizers; without libfuse both are left out.
cflags_tool  := -std=gnu17 -pthread $(warnings) -O2 -g
faultfs_objs := $(patsubst tests/tools/%.c,$(B)/obj/tools/%.o,$(wildcard tests/tools/fault*.c))
fuse_flags    = $(shell pkg-config $(1) fuse3)
bench_tools  := $(patsubst bench/%.c,$(B)/bench/%,$(filter-out bench/preload-% bench/slowdisk.c,$(wildcard bench/*.c)))
bench_loads  := $(patsubst bench/%.c,$(B)/bench/%.so,$(wildcard bench/preload-*.c))
bench_objs   := $(patsubst $(B)/bench/%,$(B)/obj/bench/%.o,$(bench_tools))
tools        := $(patsubst tests/tools/%.c,$(B)/tools/%,$(wildcard tests/tools/run-*.c tests/tools/swapper.c)) \
	$(patsubst tests/tools/%.c,$(B)/tools/%.so,$(wildcard tests/tools/preload-*.c))
faultfs      := $(if $(shell pkg-config --exists 'fuse3 >= 3.12' 2>/dev/null && echo yes),$(B)/tools/faultfs)
slowdisk     := $(if $(faultfs),$(B)/bench/slowdisk)

q    := $(if $(V),,@)
say   = $(if $(V),@:,@echo "  $(1)")
nproc = $(shell nproc)
# (Its recipes start with + so that make hands the -j down.) A make below this one shares its -j when there is one, and uses all processors when there is none.
submake = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(nproc))

.PHONY: all units bench bench-tools release debug asan tsan check check-quick check-all check-long check-vm fuzzers fuzz cov fuzz-cp fuzz-mirror demo \
	lint help install uninstall dist deb rpm static clean show-flags FORCE
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY: $(unit_objs) $(faultfs_objs) $(bench_objs) $(fuzz_objs)

all: $(B)/ucp $(if $(filter release,$(PROFILE)),ucp)

ucp: build/release/ucp
	$(q)ln -sfn $< $@

release static debug asan tsan:
	+@$(submake) PROFILE=$@ all

# --- compile and link

$(B)/ucp: $(main_obj) $(cov_objs) $(B)/libucp.a
	$(call say,LD $@)
	$(q)$(CC) $(cflags) $(ldflags) -o $@ $^ $(libs)

# From scratch each time: ar would keep the object of a source that is gone. Objects of two folders may share a name.
$(B)/libucp.a: $(lib_objs) $(B)/objects
	$(call say,AR $@)
	$(q)rm -f $@
	$(q)ar qcs $@ $(lib_objs)

$(main_obj) $(lib_objs): $(B)/obj/%.o: src/%.c $(B)/flags $(B)/headers
	$(call say,CC $<)
	$(q)$(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

$(unit_objs): $(B)/obj/unit/%.o: tests/unit/%.c $(B)/flags $(B)/headers
	$(call say,CC $<)
	$(q)$(CC) $(cppflags) -Itests/unit $(cflags) -MMD -MP -c -o $@ $<

# Each allocation goes through a function of the test's.
$(B)/tests/memory: private unit_flags := $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc reallocarray aligned_alloc \
	strdup strndup asprintf vasprintf)
# So does waiting.
$(B)/tests/journal-mark: private unit_flags := $(patsubst %,-Wl$(comma)--wrap=%,pthread_cond_timedwait syncfs flush_reports)

$(units): $(B)/tests/%: $(B)/obj/unit/%.o $(B)/libucp.a
	$(call say,LD $@)
	$(q)$(CC) $(cflags) $(unit_flags) $(ldflags) -o $@ $^ $(libs)

$(faultfs_objs): $(B)/obj/tools/%.o: tests/tools/%.c $(B)/flags
	$(call say,CC $<)
	$(q)$(CC) $(cppflags) $(call fuse_flags,--cflags) $(cflags_tool) -MMD -MP -c -o $@ $<

$(B)/tools/faultfs: $(faultfs_objs)
	$(call say,LD $@)
	$(q)$(CC) $(cflags_tool) $(LDFLAGS) -o $@ $^ $(call fuse_flags,--libs)

$(cov_objs): $(B)/obj/tools/%.o: tests/tools/%.c $(B)/flags
	$(call say,CC $<)
	$(q)$(CC) $(cppflags) $(cflags_tool) -MMD -MP -c -o $@ $<

$(bench_objs): $(B)/obj/bench/%.o: bench/%.c $(B)/flags $(B)/headers
	$(call say,CC $<)
	$(q)$(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

$(bench_tools): $(B)/bench/%: $(B)/obj/bench/%.o $(B)/libucp.a
	$(call say,LD $@)
	$(q)$(CC) $(cflags) $(ldflags) -o $@ $^ $(libs)

bench-tools: $(bench_tools) $(bench_loads) $(faultfs) $(slowdisk)

$(bench_loads): $(B)/bench/%.so: bench/%.c $(B)/flags
	$(call say,CC $<)
	$(q)$(CC) $(cppflags) $(cflags_tool) -shared -fPIC $(LDFLAGS) -o $@ $< -ldl

$(B)/bench/slowdisk: bench/slowdisk.c $(B)/flags
	$(call say,LD $@)
	$(q)$(CC) $(cppflags) $(call fuse_flags,--cflags) $(cflags_tool) $(LDFLAGS) -o $@ $< $(call fuse_flags,--libs) -lm

$(B)/tools/%.so: tests/tools/%.c $(B)/flags
	$(call say,CC $<)
	$(q)$(CC) $(cppflags) $(cflags_tool) -shared -fPIC $(LDFLAGS) -o $@ $< -ldl

$(B)/tools/%: tests/tools/%.c $(B)/flags
	$(call say,CC $<)
	$(q)$(CC) $(cppflags) $(cflags_tool) $(LDFLAGS) -o $@ $<

$(fuzz_objs): $(B)/obj/fuzz/%.o: tests/fuzz/%.c $(B)/flags $(B)/headers
	$(call say,CC $<)
	$(q)$(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

$(B)/obj/fuzz/main/main.o: tests/tools/fuzz-main.c $(B)/flags
	$(call say,CC $<)
	$(q)mkdir -p $(@D)
	$(q)$(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

# Under libFuzzer in its own profile, elsewhere over files.
$(fuzzers): $(B)/fuzz/%: $(B)/obj/fuzz/%.o $(B)/libucp.a $(if $(filter fuzz,$(PROFILE)),,$(B)/obj/fuzz/main/main.o)
	$(call say,LD $@)
	$(q)$(CC) $(cflags) $(if $(filter fuzz,$(PROFILE)),-fsanitize=fuzzer) $(ldflags) -o $@ $(filter %.o,$^) \
		$(filter %.a,$^) $(libs)

fuzzers: $(fuzzers)

# Programs of units that are gone must not run any more.
units: $(units) $(faultfs) $(tools) $(fuzzers)
	$(q)mkdir -p $(B)/tests
	$(q)rm -f $(filter-out $(units),$(wildcard $(B)/tests/*))

-include $(wildcard $(B)/obj/*.d $(B)/obj/*/*.d)

# --- what makes everything stale: other flags, another list of objects

define remember
	@mkdir -p $(sort $(dir $(lib_objs))) $(B)/obj/unit $(B)/obj/fuzz $(B)/obj/tools $(B)/obj/bench $(B)/tests $(B)/fuzz $(B)/tools $(B)/bench
	@printf '%s\n' $(1) | cmp -s - $@ || printf '%s\n' $(1) >$@
endef
quoted = '$(subst ','\'',$(1))'

$(B)/flags: FORCE
	$(call remember,$(call quoted,$(CC) $(cppflags) $(cflags) $(ldflags) $(libs)))

$(B)/objects: FORCE
	$(call remember,$(call quoted,$(lib_objs)))

# header:package, looked for once and again when the flags changed
headers := stdio.h:libc6-dev linux/io_uring.h:linux-libc-dev liburing.h:liburing-dev xxhash.h:libxxhash-dev \
	jansson.h:libjansson-dev
$(B)/headers: $(B)/flags
	@command -v $(firstword $(CC)) >/dev/null || { echo "$(CC) is missing: install $(firstword $(CC))" >&2; exit 1; }
	@for pair in $(headers); do \
		echo "#include <$${pair%:*}>" | $(CC) $(CPPFLAGS) $(CFLAGS) -E -x c - >/dev/null 2>&1 && continue; \
		echo "$${pair%:*} is missing: install $${pair#*:}" >&2; exit 1; \
	done
	@touch $@

# --- test

PART ?= $(shell git rev-list --count HEAD 2>/dev/null || echo 0)
check_part := --part=$(PART)/3
check-all: check_part :=
check check-all:
	@.ci/install.sh check
	+@$(submake) PROFILE=release all units
	+@$(submake) PROFILE=asan all units
	+@$(submake) PROFILE=tsan all units
	@tests/run $(check_part) --profile=release:default,sync,tiny,short,old --profile=asan:default,syncshort \
		--profile=tsan:once,tiny

check-quick:
	@.ci/install.sh check
	+@$(submake) PROFILE=release all units
	@tests/run $(check_part) --profile=release:default

check-long:
	@.ci/install.sh check
	+@$(submake) PROFILE=release all units
	+@$(submake) PROFILE=asan all units
	@tests/run --long --profile=release:default --profile=asan:default :long_

check-vm:
	@.ci/install.sh check vm
	+@$(submake) PROFILE=release all units
	@tests/tools/check-vm $(KERNELS)

# What is new is kept in tests/fuzz/corpus, one input for each thing that is reached.
fuzz:
	@.ci/install.sh fuzz
	+@$(submake) PROFILE=fuzz fuzzers
	@for target in $(notdir $(fuzzers)); do \
		mkdir -p build/fuzz/corpus/$$target tests/fuzz/corpus/$$target; \
		build/fuzz/fuzz/$$target -max_total_time=$(FUZZ_TIME) -print_final_stats=1 -artifact_prefix=build/fuzz/$$target- \
			build/fuzz/corpus/$$target tests/fuzz/corpus/$$target || exit 1; \
		build/fuzz/fuzz/$$target -merge=1 tests/fuzz/corpus/$$target build/fuzz/corpus/$$target || exit 1; \
	done

cov:
	@.ci/install.sh check
	+@$(submake) PROFILE=cov all units
	@tests/tools/coverage.py build/cov tests/run --profile=cov:$(COV_MODES)

fuzz-cp:
	+@$(submake) PROFILE=release all
	@while tests/tools/difftest.py generate --ucp=build/release/ucp --count=10000 --minimize; do :; done; exit 1

fuzz-mirror:
	+@$(submake) PROFILE=release all
	@tests/tools/mirrortest.py --ucp=build/release/ucp --seed=$$(date +%s) --count=0; exit 1

bench:
	@.ci/install.sh bench
	+@$(submake) PROFILE=release all bench-tools
	@bench/bench.sh $(BENCH)

demo:
	@.ci/install.sh demo
	+@$(submake) PROFILE=release all
	@.ci/demo.sh build/release/ucp

lint:
	@.ci/lint.sh

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

# What compiles is what lint compiles, flags included.
compile_commands.json: FORCE
	@{ sep='['; for file in $(wildcard src/*.c src/*/*.c tests/unit/*.c tests/tools/*.c tests/fuzz/*.c bench/*.c); do \
		printf '%s\n{"directory": "%s", "file": "%s", "command": "%s"}' "$$sep" '$(CURDIR)' "$$file" \
			$(call quoted,$(subst ",\\\",$(CC) $(cppflags) $(cflags) -Itests/unit) -c )"$$file"; sep=,; \
	done; echo; echo ']'; } >$@

# What lint compiles with.
show-flags:
	@printf '%s\n' $(call quoted,$(cppflags) $(cflags))

# --- install

# Below PREFIX, where the shells look for what is not their own.
BASH_COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS  ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS ?= $(PREFIX)/share/fish/vendor_completions.d
DOCS             ?= $(PREFIX)/share/doc/ucp
LICENSES         ?= $(DOCS)

# FROM:MODE:TO
installed := $(B)/ucp:755:$(PREFIX)/bin/ucp man/ucp.1:644:$(PREFIX)/share/man/man1/ucp.1 \
	completions/ucp.bash:644:$(BASH_COMPLETIONS)/ucp completions/_ucp:644:$(ZSH_COMPLETIONS)/_ucp \
	completions/ucp.fish:644:$(FISH_COMPLETIONS)/ucp.fish docs/json-schema.json:644:$(DOCS)/json-schema.json \
	README.md:644:$(DOCS)/README.md docs/CHANGELOG.md:644:$(DOCS)/CHANGELOG.md LICENSE:644:$(LICENSES)/LICENSE \
	$(foreach i,service timer,packaging/systemd/ucp-mirror.$i:644:$(DOCS)/examples/ucp-mirror.$i)
links     := ucp:$(PREFIX)/bin/umv ucp.1:$(PREFIX)/share/man/man1/umv.1 ucp:$(BASH_COMPLETIONS)/umv \
	ucp.fish:$(FISH_COMPLETIONS)/umv.fish
part       = $(word $(1),$(subst :, ,$(2)))

install: all
	$(foreach i,$(installed),install -D -m $(call part,2,$i) $(call part,1,$i) "$(DESTDIR)$(call part,3,$i)" &&) true
	$(foreach i,$(links),ln -sfn $(call part,1,$i) "$(DESTDIR)$(call part,2,$i)" &&) true

uninstall:
	rm -f $(foreach i,$(installed),"$(DESTDIR)$(call part,3,$i)") $(foreach i,$(links),"$(DESTDIR)$(call part,2,$i)")

# --- packages

distname := ucp-$(VERSION)

dist:
	@packaging/dist.sh $(distname)

deb: dist
	@.ci/install.sh deb
	+@packaging/deb.sh build/dist/$(distname).tar.gz build/deb >build/deb.name && cp build/deb/*.deb build/dist/
	@echo build/dist/$$(basename $$(cat build/deb.name))

rpm: dist
	@.ci/install.sh rpm
	+@packaging/rpm.sh build/dist/$(distname).tar.gz build/rpm >build/rpm.name && cp $$(cat build/rpm.name) build/dist/
	@echo build/dist/$$(basename $$(cat build/rpm.name))

clean:
	rm -rf build ucp compile_commands.json
