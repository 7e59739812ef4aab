# Tenantry. `make site` builds the sample sites, `make check` runs the tests; both install what they need.
CC ?= gcc
MARKDOWN ?= cmark-gfm
BUILD ?= build
OPT ?= -O2
SAN ?=
VERSION := 0.1.0
PREFIX ?= /usr/local

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2 -Werror
CPPFLAGS += -I. -D_GNU_SOURCE -DTENANTRY_VERSION='"$(VERSION)"'
CFLAGS += -std=c17 -g $(OPT) $(WARN) $(SAN)
LDFLAGS += $(SAN)
LDLIBS = -ljansson -lyaml -lcrypto -lm
ifeq ($(MARKDOWN),cmark)
CPPFLAGS += -DMARKDOWN_PLAIN
LDLIBS += -lcmark
else
LDLIBS += -lcmark-gfm-extensions -lcmark-gfm
endif

LIB_SRC := $(wildcard base/*.c model/*.c)
GEN_SRC := $(filter-out generator/main.c,$(wildcard generator/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
GEN_OBJ := $(GEN_SRC:%.c=$(BUILD)/%.o)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)

.PHONY: all
all: $(BUILD)/tenantry

$(BUILD)/tenantry: $(BUILD)/generator/main.o $(GEN_OBJ) $(LIB_OBJ)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(dir $@)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/unit/%: tests/unit/%.c $(GEN_OBJ) $(LIB_OBJ)
	@mkdir -p $(dir $@)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(GEN_OBJ) $(LIB_OBJ) $(LDFLAGS) -lcmocka $(LDLIBS)

.PHONY: unit
unit: $(UNIT_BIN)
	@set -e; for t in $(UNIT_BIN); do echo "$$t"; $$t; done

-include $(wildcard $(BUILD)/*/*.d)
