# Tenantry. `make site` builds the sample sites, `make check` runs the tests; both install what they need.
CC ?= gcc
MARKDOWN ?= cmark-gfm
BUILD ?= build
OPT ?= -O2 -flto=auto -ffat-lto-objects
SAN ?=
VERSION := 0.1.0
PREFIX ?= /usr/local

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2 -Werror
PG_INCLUDE := $(or $(shell pg_config --includedir 2>/dev/null),/usr/include/postgresql)
CPPFLAGS += -I. -isystem $(PG_INCLUDE) -isystem /usr/include/libxml2 -D_GNU_SOURCE -DTENANTRY_VERSION='"$(VERSION)"' -DTENANTRY_SHARE='"$(PREFIX)/share/tenantry"'
CFLAGS += -std=c17 -g $(OPT) $(WARN) $(SAN)
LDFLAGS += $(SAN)
LDLIBS = -Wl,--as-needed -lxml2 -ljansson -lyaml -lcrypto -lsodium -lcurl -levent_core -levent_extra -lm
ifneq ($(findstring address,$(SAN)),)
CPPFLAGS += -D__SANITIZE_ADDRESS__=1 # clang has no such macro
endif
ifeq ($(MARKDOWN),cmark)
CPPFLAGS += -DMARKDOWN_PLAIN
LDLIBS += -lcmark
else
LDLIBS += -lcmark-gfm-extensions -lcmark-gfm
endif

LIB_SRC := $(wildcard base/*.c model/*.c)
API_SRC := $(filter-out api/main.c,$(wildcard api/*.c))
API_OBJ := $(API_SRC:%.c=$(BUILD)/%.o) $(BUILD)/api/schemas.json.o
# What only the API needs of base/: tenantry does not load their libraries.
API_BASE := $(BUILD)/base/password.o $(BUILD)/base/fetch.o
GEN_SRC := $(filter-out generator/main.c,$(wildcard generator/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
PREVIEW_OBJ := $(patsubst %,$(BUILD)/%.o,$(wildcard generator/preview/*))
GEN_OBJ := $(GEN_SRC:%.c=$(BUILD)/%.o) $(PREVIEW_OBJ)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all
all: $(BUILD)/tenantry $(BUILD)/tenantry-api $(BUILD)/tenantry-config.5
	@:

# Quiet unless something is wrong; `make V=1` shows the commands.
Q = $(if $(V),,@)
# All processors, unless the caller said -j.
SUBMAKE = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

$(BUILD)/tenantry: $(BUILD)/generator/main.o $(GEN_OBJ) $(filter-out $(API_BASE),$(LIB_OBJ))
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tenantry-api: $(BUILD)/api/main.o $(API_OBJ) $(LIB_OBJ)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(dir $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The preview's own pages and the schemas of the API's document, as they are.
$(BUILD)/generator/preview/%.o: generator/preview/%
	@mkdir -p $(dir $@)
	$(Q)ld -r -b binary -z noexecstack -o $@ $<
$(BUILD)/api/schemas.json.o: api/schemas.json
	@mkdir -p $(dir $@)
	$(Q)ld -r -b binary -z noexecstack -o $@ $<

# Tests of the API's parts are named test_api_*.
$(BUILD)/unit/test_api_%: tests/unit/test_api_%.c $(API_OBJ) $(LIB_OBJ)
	@mkdir -p $(dir $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fno-lto -MMD -MP -o $@ $< $(filter %.o,$^) $(LDFLAGS) -lcmocka $(LDLIBS)

# Without -flto: linking forty programs is what takes long here, not running them.
$(BUILD)/unit/%: tests/unit/%.c $(GEN_OBJ) $(LIB_OBJ)
	@mkdir -p $(dir $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fno-lto -MMD -MP -o $@ $< $(filter %.o,$^) $(LDFLAGS) -lcmocka $(LDLIBS)

$(BUILD)/spec/%: tests/spec/%.c $(GEN_OBJ) $(LIB_OBJ)
	@mkdir -p $(dir $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fno-lto -MMD -MP -o $@ $< $(GEN_OBJ) $(LIB_OBJ) $(LDFLAGS) $(LDLIBS)

# With libpq itself: it looks at connections behind the pool's back.
$(BUILD)/pool/%: tests/pool/%.c $(LIB_OBJ)
	@mkdir -p $(dir $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(LIB_OBJ) $(LDFLAGS) -lpq $(LDLIBS)

$(BUILD)/bench/%: tests/bench/%.c $(GEN_OBJ) $(LIB_OBJ)
	@mkdir -p $(dir $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fno-lto -MMD -MP -o $@ $< $(GEN_OBJ) $(LIB_OBJ) $(LDFLAGS) $(LDLIBS)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(GEN_OBJ) $(LIB_OBJ)
	@mkdir -p $(dir $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(GEN_OBJ) $(LIB_OBJ) $(LDFLAGS) -fsanitize=fuzzer $(FUZZ_LINK) $(LDLIBS)
$(BUILD)/fuzz/fuzz_jwt: tests/fuzz/fuzz_jwt.c $(API_OBJ) $(LIB_OBJ)
	@mkdir -p $(dir $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(API_OBJ) $(LIB_OBJ) $(LDFLAGS) -fsanitize=fuzzer $(LDLIBS)
$(BUILD)/fuzz/fuzz_markdown: FUZZ_LINK = -Wl,--wrap=markdown_scan

# The reference page comes from the validator's own table.
$(BUILD)/tenantry-config.5: $(BUILD)/tenantry
	$(Q)$(BUILD)/tenantry schema --man > $@.new && mv $@.new $@

# ---- for a stranger: two commands ----

.PHONY: site check deps-build deps-db deps-test deps-fuzz
deps-build deps-db deps-test deps-fuzz:
	@scripts/install-deps $(@:deps-%=%)

# DB=1: from a throw-away database that holds the samples' posts and plans.
site: deps-build $(if $(DB),deps-db)
	@+$(SUBMAKE) all
ifneq ($(DB),)
	@$(BUILD)/tenantry db start --plans --migrations db/migrations
	@url=$$($(BUILD)/tenantry db url) && $(BUILD)/tenantry build --database "$$url"
else
	@$(BUILD)/tenantry build
endif
	@scripts/how-to-look $(BUILD)/tenantry out

check: deps-test
	@+$(SUBMAKE) all tests
	@tests/check --build $(BUILD)

# ---- tests by name ----

.PHONY: tests fuzzers lint unit check-full torture check-asan check-browser check-cmark fuzz bench golden-accept
tests: all $(UNIT_BIN) $(BUILD)/spec/mustache_spec $(BUILD)/pool/hygiene
fuzzers: $(FUZZ_BIN)
lint:
	@tests/lint
unit: tests
	@tests/check --build $(BUILD) unit
check-full torture: deps-test
	@+$(SUBMAKE) all tests
	@tests/check --full --build $(BUILD)
check-asan: deps-test
	@+$(SUBMAKE) all tests BUILD=$(BUILD)-asan OPT=-O1 \
	    SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
	@ASAN_OPTIONS=detect_leaks=1 tests/check --build $(BUILD)-asan
# On the Markdown library without tables and footnotes: their cases are skipped.
check-cmark: deps-test
	@+$(SUBMAKE) all tests BUILD=$(BUILD)-cmark MARKDOWN=cmark
	@tests/check --build $(BUILD)-cmark
# The preview in Debian's chromium; what it looked like is kept in browser/screenshots.
check-browser: deps-build
	@+$(SUBMAKE) all
	@tests/browser/run $(BUILD)/tenantry $(BUILD)/browser
golden-accept: all
	@tests/golden/run $(BUILD)/tenantry --accept
# PULL="--tenants 100" makes the one of the database quicker.
bench: deps-build
	@+$(SUBMAKE) all $(BUILD)/bench/pull_rows
	@tests/bench/run $(BUILD)/tenantry
	@tests/bench/rebuild $(BUILD)/tenantry
	@tests/bench/serve-latency $(BUILD)/tenantry
	@tests/bench/api $(BUILD)/tenantry $(BUILD)/tenantry-api
	@tests/bench/watch-latency $(BUILD)/tenantry
	@tests/bench/pull $(BUILD) $(PULL)
# SECONDS_EACH=60 is how long each goes on; what it finds is in $(BUILD)-fuzz/fuzz.
fuzz: deps-fuzz
	@+$(SUBMAKE) fuzzers BUILD=$(BUILD)-fuzz CC=clang OPT=-O1 \
	    SAN="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
	@tests/fuzz/run $(BUILD)-fuzz/fuzz

# The API on the samples, beside a throw-away database; PORT=8080.
.PHONY: api
api: deps-build deps-db
	@+$(SUBMAKE) all
	@scripts/try-api $(BUILD)/tenantry $(BUILD)/tenantry-api

# ---- installing ----

.PHONY: install clean
install: all
	install -D -m 755 $(BUILD)/tenantry $(DESTDIR)$(PREFIX)/bin/tenantry
	install -D -m 755 $(BUILD)/tenantry-api $(DESTDIR)$(PREFIX)/bin/tenantry-api
	install -D -m 644 docs/tenantry-api.8 $(DESTDIR)$(PREFIX)/share/man/man8/tenantry-api.8
	install -D -m 644 completions/tenantry-api.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tenantry-api
	install -D -m 644 completions/_tenantry-api $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_tenantry-api
	mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/tenantry/nginx
	sed 's|/usr/local/bin|$(PREFIX)/bin|' systemd/tenantry-api.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/tenantry-api.service
	cp nginx/*.conf $(DESTDIR)$(PREFIX)/share/tenantry/nginx/
	install -D -m 644 docs/tenantry.1 $(DESTDIR)$(PREFIX)/share/man/man1/tenantry.1
	install -D -m 644 $(BUILD)/tenantry-config.5 $(DESTDIR)$(PREFIX)/share/man/man5/tenantry-config.5
	install -D -m 644 completions/tenantry.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tenantry
	install -D -m 644 completions/_tenantry $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_tenantry
	mkdir -p $(DESTDIR)$(PREFIX)/share/tenantry/db
	cp -R templates $(DESTDIR)$(PREFIX)/share/tenantry/
	cp -R db/migrations $(DESTDIR)$(PREFIX)/share/tenantry/db/
clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-cmark $(BUILD)-fuzz

-include $(wildcard $(BUILD)/*/*.d)
