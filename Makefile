# The one way to install, start and check Labeler. `make` alone lists what there is.
#
# Needed: make and Python 3.11 or newer. Everything else is installed into .venv from the locks,
# again only when a lock has changed.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# One job at a time: the two installs share one .venv.
.NOTPARALLEL:

VENV := .venv
PY := $(VENV)/bin/python
INSTALL := sh tools/install.sh $(PY)
DENO := DENO_NO_UPDATE_CHECK=1 $(VENV)/bin/deno

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) \
		| while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done
	@echo
	@echo '  ARGS="..." is handed on: make test ARGS="-k merge"'
	@echo '  PYTHON=... chooses the Python that makes .venv'

# --- install ------------------------------------------------------------------------------

$(PY):
	@python="$$(sh tools/python.sh)" && echo "Making $(VENV) with $$python" \
		&& "$$python" -m venv --clear $(VENV)

# The stamps say which lock is installed. They lie in .venv and go with it.
$(VENV)/.installed: requirements.txt | $(PY)
	@echo "Installing what Labeler needs (requirements.txt): a minute or two"
	@$(INSTALL) requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what its developers need (requirements-dev.txt): a minute"
	@$(INSTALL) requirements-dev.txt
	@touch $@

# --- run ----------------------------------------------------------------------------------

.PHONY: run
run: $(VENV)/.installed ## start Labeler on PORT (8501); settings come from the environment
	@exec $(PY) app.py

# --- check --------------------------------------------------------------------------------

# More than most machines of a pipeline have cores: many tests wait for a server or a browser. Who
# has nothing left takes over half of what another still has, so that none ends long before the rest.
WORKERS := 3

.PHONY: test
test: $(VENV)/.installed-dev ## run all tests
	@CHROMIUM="$$(sh tools/chromium.sh)" && export CHROMIUM \
		&& exec $(PY) -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

BEAM := .venv-beam

$(BEAM)/bin/python:
	@python="$$(sh tools/python.sh)" && "$$python" -m venv --clear $(BEAM)

$(BEAM)/.installed: requirements-beam.txt | $(BEAM)/bin/python
	@echo "Installing Labeler with Apache Beam (requirements-beam.txt): some minutes"
	@sh tools/install.sh $(BEAM)/bin/python requirements-beam.txt
	@touch $@

.PHONY: beam-test
beam-test: $(VENV)/.installed-dev $(BEAM)/.installed ## run the tests of work on Apache Beam, in an environment of its own
	@BEAM_PYTHON="$(CURDIR)/$(BEAM)/bin/python" $(PY) -m pytest tests/datasets/exports/test_beam.py $(ARGS)

.PHONY: cover
cover: $(VENV)/.installed-dev ## run all tests and show the lines that none of them reaches
	@CHROMIUM="$$(sh tools/chromium.sh)" && export CHROMIUM \
		&& exec $(PY) -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

SCRIPTS = $$(git ls-files --cached --others --exclude-standard '*.js')

.PHONY: lint
lint: $(VENV)/.installed-dev ## check style, format, types, scripts and the Dockerfile
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(DENO) check --quiet $(SCRIPTS)
	@$(DENO) lint --quiet $(SCRIPTS)
	@$(DENO) fmt --check --quiet $(SCRIPTS)
	@$(VENV)/bin/shellcheck --external-sources $$(git ls-files '*.sh') .ci/run
	@$(VENV)/bin/hadolint Dockerfile deploy/test.Dockerfile deploy/beam.Dockerfile

.PHONY: format
format: $(VENV)/.installed-dev ## format the code, repair what can be repaired
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .
	@$(DENO) fmt --quiet $(SCRIPTS)

.PHONY: image-test
image-test: $(VENV)/.installed-dev ## build the image and run it as Cloud Run would (root, Debian, 2 minutes)
	@PYTHON=$(PY) tools/image_test.sh

.PHONY: image-suite
image-suite: $(VENV)/.installed-dev ## run tests in the image that Cloud Build tests in: ARGS="tests/model/test_merge.py" (as above)
	@PYTHON=$(PY) tools/image_test.sh suite $(ARGS)

N := 10
SEED := $(shell date +%s)

.PHONY: soak
soak: $(VENV)/.installed-dev ## label N times (10) while instances end, each with a new seed; then the long forms of the other tests of loss, and the races. SEED=... begins with that seed. `tools/fuzz.py --losses --write` puts what was lost into SECURITY.md
	@mkdir -p .fuzz && rm -f .fuzz/losses.jsonl
	@export LOSS_REPORT="$(CURDIR)/.fuzz/losses.jsonl"; CHROMIUM="$$(sh tools/chromium.sh)" && export CHROMIUM && for seed in $$(seq $(SEED) $$(( $(SEED) + $(N) - 1 ))); do \
		echo "Seed $$seed"; \
		SOAK_SEED=$$seed SOAK_IMAGES=30 $(PY) -m pytest -s tests/e2e/test_instances.py $(ARGS) \
			|| { echo "Again: make soak N=1 SEED=$$seed"; exit 1; }; done \
		&& SOAK_SEED=$(SEED) SOAK_ROUNDS=200 SOAK_SECONDS=60 $(PY) -m pytest $(ARGS) \
			tests/e2e/test_workbench_safety.py tests/e2e/test_workbench_people.py \
		&& SOAK_IMAGES=200 $(PY) -m pytest $(ARGS) tests/e2e/test_review.py
	@LOSS_REPORT="$(CURDIR)/.fuzz/losses.jsonl" SOAK_SEED=$(SEED) $(PY) -m pytest -m "slow and not e2e" --hypothesis-profile explore $(ARGS)

FUZZ := 100000

.PHONY: fuzz
fuzz: $(VENV)/.installed-dev ## try FUZZ (100000) hostile inputs on each parser; a second run goes on. ARGS=--write writes the table in SECURITY.md
	@$(PY) tools/fuzz.py --inputs $(FUZZ) $(ARGS)

# bench/image.py needs root, and bench/markdown.py measures nothing.
BENCH := $(filter-out bench/image.py bench/markdown.py,$(wildcard bench/*.py))

.PHONY: bench
bench: $(VENV)/.installed-dev ## measure: make bench BENCH=bench/storage.py ARGS="--only read"
	@for script in $(BENCH); do $(PY) "$$script" $(ARGS) || exit; done

# --- keep ---------------------------------------------------------------------------------

COMPILE := $(PY) -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: lock
lock: $(VENV)/.installed-dev ## write the locks anew from pyproject.toml; ARGS=--upgrade takes newer versions
	@$(COMPILE) --output-file requirements.txt $(ARGS)
	@$(COMPILE) --extra beam --output-file requirements-beam.txt $(ARGS)
	@$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt $(ARGS)

.PHONY: pictures
pictures: $(VENV)/.installed-dev ## take the screenshots in docs/pictures anew
	@CHROMIUM="$$(sh tools/chromium.sh)" && export CHROMIUM && exec $(PY) tools/pictures.py

.PHONY: release
release: $(VENV)/.installed-dev ## print the notes of the version in pyproject.toml, if all is tidy
	@exec $(PY) tools/release.py

.PHONY: clean
clean: ## remove .venv and everything else that was made here; never the data
	@rm -rf $(VENV) $(BEAM) .coverage .coverage.* htmlcov test-results .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
