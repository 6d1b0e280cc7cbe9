# The only door: `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help build control-plane demo test check fmt bless image image-check release release-check e2e smoke bench deny clean tools

CARGO := cargo
SHELL := /bin/bash

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

tools:
	@tests/tools.sh

build: tools ## Build everything that is Rust
	$(CARGO) build --workspace --all-targets

control-plane: tools ## Build etcd, API server, controller manager and kubectl once (some minutes), and the rules of Flux and Argo CD
	@tests/control-plane/build.sh
	@tests/control-plane/build.sh rules

demo: control-plane ## Show it at work in real processes; KEEP=1 leaves them running
	$(CARGO) build --workspace
	@$(CARGO) run --quiet --package testbed --bin demo -- $(if $(KEEP),--keep)

test: tools ## Run every test there is; the last line counts them
	@tests/all.sh

check: tools ## Formatting, lints and documentation, without warnings
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet

fmt: ## Format
	$(CARGO) fmt --all

bless: ## Write crds/ and docs/reference/ from the Rust types, and deploy/install.yaml and rbac.yaml from the chart
	LAKEVAULT_BLESS=1 $(CARGO) test --quiet --workspace --test crds
	@tests/control-plane/build.sh chart
	deploy/render.sh

image: tools ## Make the images of operator and simulator into dist/, without Docker
	@image/build.sh
	@image/sbom.sh

image-check: tools ## The same, and see that they come out the same twice
	@image/build.sh --check

release: tools ## Make a release into dist/: image, chart, manifests, programs, sums; IMAGE=registry/lakevault is its name
	@release/release.sh $(if $(IMAGE),--image $(IMAGE))

release-check: ## Say what is missing for a release of the version in Cargo.toml
	@release/check.sh

e2e: image ## Use the built images on a real node: kubelet, containerd, helm (needs root); KEEP=1 leaves it running
	@tests/e2e/run.sh target/e2e $(or $(STEPS),all)

smoke: image ## The first steps of that: the images run, and the chart is installed
	@tests/e2e/run.sh target/e2e smoke

bench: control-plane ## Measure; SCENARIO=name for one of them, SCALE=0.1 for a quick look
	$(CARGO) build --release --workspace --bin lakevault --bin azure-simulator --example bench
	@target/release/examples/bench $(if $(SCENARIO),--scenario $(SCENARIO))

deny: ## Licences, sources and advisories of dependencies (needs cargo-deny)
	$(CARGO) deny check

clean: ## Remove what was built
	$(CARGO) clean
	rm -rf tests/control-plane/bin dist
