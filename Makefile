# libbge: the front door. `make help` lists what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

CARGO   ?= cargo
# what is tried out and tested is compiled quickly; what is installed or measured, well
QUICK   := demo header test test-long test-builds suites lint %-test
PROFILE ?= $(if $(filter-out $(QUICK),$(or $(MAKECMDGOALS),build)),release,quick)
PREFIX  ?= /usr/local
export CC ?= cc
export CXX ?= c++

TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
LIB_DIR    := $(TARGET_DIR)/$(PROFILE)
SANDBOX    := $(LIB_DIR)/bge-sandbox
# always the whole workspace: for one package alone cargo would choose other features and compile its dependencies anew
WORKSPACE   := --profile $(PROFILE) --locked --workspace
WITHOUT_ARROW := --no-default-features --exclude bge-cli
# ARROW=0 leaves tables out: a smaller library, a shorter build
CARGO_FLAGS := $(WORKSPACE) $(if $(filter 0,$(ARROW)),$(WITHOUT_ARROW))
C_MAKE     := $(MAKE) --no-print-directory -C tests/programs LIB_DIR=$(LIB_DIR) SANDBOX=$(SANDBOX)
# other people's Python packages, which the tests let loose on the sandbox and on the library's tables
VENV       := build/venv
REQUIREMENTS := $(wildcard sandbox/tests/requirements.txt tests/requirements.txt tests/*/requirements.txt)
export BGE_PYTHON := $(abspath $(VENV))/bin/python

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Start with \`make demo\`; then \`make test\`."

# ---- build ----

.PHONY: build demo header install uninstall r
build: ## the library and bge-sandbox, optimised (ARROW=0: without tables)
	$(CARGO) build $(CARGO_FLAGS)
	@ln -sf libbge.so $(LIB_DIR)/libbge.so.0   # programs look for the library by its SONAME
	@$(MAKE) --no-print-directory PROFILE=$(PROFILE) $(PLUGIN)

# samtools, bcftools and everything else on htslib, on the platform's objects; htslib itself is not needed to build it
PLUGIN := $(LIB_DIR)/hfile_bge.so
$(PLUGIN): plugins/htslib/hfile_bge.c plugins/htslib/plugin.h include/bge.h
	$(CC) -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror -pedantic -Iinclude $< -o $@ \
	  -L$(LIB_DIR) -lbge -Wl,-rpath,'$$ORIGIN:$$ORIGIN/..' -pthread -ldl

demo: build ## a C program signs in, reads, uploads and downloads on the sandbox
	@$(C_MAKE) ../../build/c/quickstart OUT=../../build/c
	@echo
	$(SANDBOX) run -- build/c/quickstart

header: ## write include/bge.h and tests/symbols.txt anew, after src/ffi has gained a function
	BGE_UPDATE_HEADER=1 $(CARGO) build $(CARGO_FLAGS)
	scripts/check-symbols.sh --update $(LIB_DIR)/libbge.so
	cp include/bge.h bindings/r/inst/include/bge.h

WHERE = PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' BINDIR='$(BINDIR)' DATADIR='$(DATADIR)' HTSLIB_PLUGINDIR='$(HTSLIB_PLUGINDIR)' DESTDIR='$(DESTDIR)' RELOCATABLE='$(RELOCATABLE)'
install: build ## header, libraries, bge.pc, CMake package, programs (PREFIX=, DESTDIR=, LIBDIR=, INCLUDEDIR=, BINDIR=, DATADIR=, HTSLIB_PLUGINDIR=)
	@$(WHERE) BUILD='$(LIB_DIR)' scripts/install.sh install

# from a copy: R writes into the sources that it installs, and a checkout need not be writable
r: build ## install the R package into R's library (R_LIBRARY= another one)
	copy=$$(mktemp -d) && trap "rm -rf $$copy" EXIT && cp -R bindings/r "$$copy/bge" && chmod -R u+w "$$copy/bge" && \
	  BGE_LIB_DIR=$(LIB_DIR) R CMD INSTALL --preclean --clean $(if $(R_LIBRARY),-l '$(R_LIBRARY)') "$$copy/bge"

uninstall: ## take away what install put there (with the same PREFIX and the others)
	@$(WHERE) scripts/install.sh uninstall

# ---- release: packaging/README.md ----

.PHONY: dist dist-check dist-test release-check
dist: ## what a release hands out, into dist/: archive, Debian packages, R, Go, SBOM; for glibc 2.17
	@scripts/deps.sh --dist
	@scripts/dist/all.sh

dist-check: ## the same commit, built once more in another folder, gives the same bytes
	@scripts/dist/check.sh

dist-test: ## dist/ on other systems without a network (root, debootstrap)
	@scripts/dist/test.sh

release-check: ## everything that must hold before a release
	@scripts/check-versions --release
	@scripts/check-abi
	@git diff --quiet HEAD || { echo "release-check: there are changes that are not committed" >&2; exit 1; }
	@$(MAKE) --no-print-directory dist
	@$(MAKE) --no-print-directory dist-check
	@$(MAKE) --no-print-directory dist-test

# ---- test ----

.PHONY: deps test test-long test-builds suites lint rust-test memory-test c-test go-test r-test install-test tool-test interop-test readme sandbox-test bench loc
deps: $(VENV)/.installed ## install what the build and the tests need (Debian, Ubuntu), or say what is missing
	@scripts/deps.sh

$(VENV)/.installed: $(REQUIREMENTS) scripts/deps.sh
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(REQUIREMENTS:%=-r %)
	@touch $@

# what only `make test-long` needs, since it is large
NEXTFLOW := build/nextflow
$(VENV)/.installed-long: $(VENV)/.installed $(wildcard tests/*/requirements-long.txt) tests/interop/nextflow.xml
	$(VENV)/bin/pip install --quiet --disable-pip-version-check $(patsubst %,-r %,$(wildcard tests/*/requirements-long.txt))
	mvn -q -B -f tests/interop/nextflow.xml dependency:copy-dependencies -DoutputDirectory=$(abspath $(NEXTFLOW))
	@touch $@

# everything is compiled first, with all cores on it; then the suites run side by side
test: ## every test that this machine can run, with bounded counts
	@scripts/deps.sh --try
	@$(MAKE) --no-print-directory $(VENV)/.installed$(if $(BGE_TEST_LONG),-long) || echo "The suites in Python will not be run."
	@$(MAKE) --no-print-directory test-builds
	@$(MAKE) --no-print-directory suites

test-long: export BGE_TEST_LONG = 1
test-long: test ## every test, with the large counts

test-builds: build
	$(CARGO) test $(CARGO_FLAGS) --no-run
	$(CARGO) clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	@$(C_MAKE) -j$(shell nproc) all

# the long ones first
SUITES := r-test rust-test interop-test go-test memory-test c-test sandbox-test tool-test install-test lint
suites:
	@scripts/parallel.sh $(foreach suite,$(SUITES),$(suite)='scripts/needs.sh $(suite) && $(MAKE) --no-print-directory $(suite)')

lint: ## formatting, clippy, symbols, headers, the ABI of the last release, and the README's generated parts
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	$(CARGO) clippy $(WORKSPACE) $(WITHOUT_ARROW) --all-targets -- -D warnings
	scripts/check-symbols.sh $(LIB_DIR)/libbge.so
	scripts/check-headers.sh
	scripts/check-abi
	scripts/check-abi --prove
	scripts/check-endpoints $(LIB_DIR)/libbge.so
	scripts/readme-calls --check $(LIB_DIR)/libbge.so
	scripts/check-dependencies

rust-test: build ## the library's tests
	scripts/cargo-tests bge --profile $(PROFILE)
	$(CARGO) test $(CARGO_FLAGS) --doc

# under valgrind, but for what counts threads and memory itself or repeats thousands of times, and for the TLS server of
# the tests: the ring crate's assembly reads whole registers of what was written by bytes
memory-test: build ## the library's tests under valgrind
	scripts/cargo-tests bge --profile $(PROFILE) --only abi \
	  --under 'valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite' \
	  -- --skip fuzz:: --skip threads:: --skip leak_nothing --skip leave_nothing --skip tls::

sandbox-test: build $(VENV)/.installed ## the sandbox's tests, with the official Python clients
	scripts/cargo-tests bge-sandbox --profile $(PROFILE)
	BGE_SANDBOX_BIN=$(SANDBOX) $(VENV)/bin/python -B -m pytest -q -p no:cacheprovider $(wildcard sandbox/tests/*.py)

c-test: build ## the C and C++ programs, plainly and under valgrind
	@$(C_MAKE) test

tool-test: build ## the extraction tool
	scripts/cargo-tests bge-cli --profile $(PROFILE)

interop-test: build $(VENV)/.installed ## other people's clients: pyarrow, pandas, bcftools, biom, oss2, Snakemake
	BGE_LIB_DIR=$(LIB_DIR) BGE_SANDBOX_BIN=$(SANDBOX) $(VENV)/bin/python -B -m pytest -q -p no:cacheprovider -n 2 --dist worksteal tests/interop

go-test: build ## the Go package
	LIB_DIR=$(LIB_DIR) bindings/go/test.sh

r-test: build ## the R package
	BGE_LIB_DIR=$(LIB_DIR) BGE_SANDBOX_BIN=$(SANDBOX) bindings/r/check.sh

install-test: build ## programs built against an installed tree, and the pieces of `make dist`
	@BUILD=$(LIB_DIR) tests/programs/install/run.sh $(SANDBOX)
	@scripts/dist/pieces.sh

readme: build ## write the README's table of calls anew
	scripts/readme-calls $(LIB_DIR)/libbge.so

loc: ## lines by room
	@scripts/loc.sh

bench: build ## the measurements of docs/benchmarks.md
	@set -e; for script in tests/bench/*.sh; do echo; echo "== $$script"; bash $$script $(LIB_DIR); done
	$(CARGO) bench --locked --workspace --bench '*'
