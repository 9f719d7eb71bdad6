# `make` lists the targets. Each first installs what it lacks (scripts/setup; nothing when nothing is missing) and then
# works in the environment that set-up found and wrote down.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run watch check test e2e bench soak audit conformance release rust site browser

setup := @scripts/setup
env := . target/toolchain.env &&
target := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
# A release lives in its own folder, so that neither it nor the development site is ever half of the other.
release-site := $(target)/release/site
echo := $(target)/debug/examples/echo
fake := $(target)/debug/examples/fake_model

help:
	@echo "Tidemark. Each target installs what is missing first."
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

run: ## Build, and serve http://127.0.0.1:3000
	$(setup) run
	@$(env) node scripts/build.mjs
	@$(env) exec $(target)/debug/tidemark

watch: ## The same, rebuilt and reloaded in the browser at every change (cargo-leptos)
	$(setup) watch
	@$(env) exec cargo leptos watch

check: ## Formatting, clippy on both sides, Rust tests
	$(setup) check
	@$(MAKE) rust

test: ## Everything: check, then both builds compared, then Playwright in Chromium
	$(setup) test
	@$(MAKE) rust site
	@$(env) scripts/compare-builds
	@$(MAKE) browser

e2e: ## Playwright in Chromium on the real binary (ARGS="room.spec.ts --headed")
	$(setup) e2e
	@$(MAKE) site browser

bench: ## Measure the topics, and what a first visit to the home page downloads
	$(setup) bench
	$(env) cargo bench --features ssr --bench topics --bench durable
	@$(env) LEPTOS_SITE_ROOT=$(release-site) node scripts/build.mjs --release
	@$(env) LEPTOS_SITE_ROOT=$(release-site) node scripts/size.mjs

soak: ## What takes long: many seeds, load
	$(setup) soak
	$(env) PROPTEST_CASES=20000 cargo test --features ssr --test topics --test durable --test crash --test socket_machine
	@$(env) scripts/soak

audit: ## Lighthouse on every page, phone and desktop; advisories; fuzzing of what reads foreign bytes
	$(setup) audit
	$(env) PROPTEST_CASES=50000 cargo test --features ssr --lib fuzz -- --skip markdown
	$(env) PROPTEST_CASES=4000 cargo test --features ssr --lib markdown::fuzz -- --skip long_texts
	$(env) PROPTEST_CASES=400 cargo test --features ssr --lib long_texts
	@$(env) LEPTOS_SITE_ROOT=$(release-site) node scripts/build.mjs --release
	@$(env) LEPTOS_SITE_ROOT=$(release-site) scripts/audit

conformance: ## The Autobahn test suite itself on our WebSockets (make test has its cases, run by Node)
	$(setup) conformance
	@$(env) scripts/conformance

release: ## Build what is deployed: optimised, small, hashed, compressed
	$(setup) release
	@$(env) LEPTOS_SITE_ROOT=$(release-site) node scripts/build.mjs --release
	@echo "Run it: LEPTOS_ENV=PROD LEPTOS_HASH_FILES=true LEPTOS_SITE_ROOT=$(release-site) $(target)/release/tidemark"
	@echo "Deploy $(target)/release/tidemark with hash.txt beside it, $(release-site) and Leptos.toml"

# The parts of check and test, without set-up. The WASM's clippy works where the WASM is built: shared build scripts and macros.
rust:
	$(env) cargo fmt --check
	$(env) cargo clippy --features ssr --all-targets -- -D warnings
	$(env) cargo clippy --features hydrate --lib --target wasm32-unknown-unknown --target-dir $(target)/front -- -D warnings
	$(env) cargo test --features ssr

site:
	@$(env) node scripts/build.mjs

browser: $(echo) $(fake)
	@$(env) cd end2end && npx playwright test $(ARGS)

# What conformance.spec.ts talks to, and the fake of language models' providers; `cargo test` builds them too. Whichever is
# older, one command builds both.
examples := cargo build --features ssr --example echo --example fake_model
$(echo): tests/conformance/echo.rs $(wildcard src/server/transports/ws/*.rs) Cargo.lock
	$(env) $(examples)
	@touch $@
$(fake): $(wildcard tests/provider/*.rs) Cargo.lock
	$(env) $(examples)
	@touch $@
