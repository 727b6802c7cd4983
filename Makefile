# make demo   a throw-away portal to look at          make check  format, lint, types, shape of the code
# make test   every test, the browser's too           make quick  those that take no minute
# make messages  bring the translations up to date   make pictures  draw those of docs/office.md anew
# make lowest the tests on the oldest allowed parts   make bench  how fast it is, against bare floors
# make scan   wapiti and sqlmap against it             make audit  known faults of what is pinned
# make clean  take away what these commands made
#
# Each does its own set-up, and does it once. Needed beforehand: Python 3.11 or newer, and make.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PORT ?= 8080
ARGS ?=

.PHONY: help demo test lowest check bench scan audit messages pictures services clean
help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -7

demo: .venv/runtime.stamp
	$(BIN)/python -m tenant_portal demo --port $(PORT)

# The browser's tests share one of the two workers (loadgroup), so that they do not fight for the machine. The second run
# is a large landlord's: PostgreSQL and Redis, for tests that ask for a database, but those about programs, mails, passwords
# and pages, which a database does not change. ARGS may leave it nothing, which is code 5.
OTHERS = cli demo docs embedding packaging test_settings.py accounts/test_passwords.py accounts/test_password_hashing.py \
  documents/test_names.py roster/test_real_files.py mail/test_notifications.py mail/test_real_servers.py \
  $(addprefix web/test_,$(addsuffix .py,csp_reports forms help languages markup menu odd_addresses pasted security_headers sent_pages sizes two_tenants deployed_path visits))
test: .venv/dev.stamp services
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)
	$(BIN)/python -m pytest -n 2 --postgresql --alone -m "not browser and not slow and not program" $(OTHERS:%=--ignore=tests/%) $(ARGS) || [ $$? = 5 ]

# What pyproject.toml asks for, at its lower bounds, in an environment of its own.
lowest:
	$(PYTHON) -m venv --clear build/lowest
	$(PYTHON) tests/tools/lowest.py > build/lowest/requirements.txt
	build/lowest/bin/python -m pip install -qq --disable-pip-version-check -r build/lowest/requirements.txt
	build/lowest/bin/python -m pytest -n 2 -m "not browser and not slow" $(ARGS)

# Each journey in one home; without the browser, and without what starts, builds or installs whole programs.
quick: .venv/dev.stamp
	$(BIN)/python -m pytest -n 2 --alone -m "not browser and not slow and not program" $(ARGS)

check: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py
	@$(BIN)/python -m tests.tools.lines

# The table of docs/performance.md, measured anew.
bench: .venv/dev.stamp
	@mkdir -p build
	@$(BIN)/python -m benchmarks $(ARGS) 2> build/bench.log || { tail -20 build/bench.log; exit 1; }

# New texts enter the catalogues empty, texts that are gone leave them; fill in the .po files, then run it again.
messages: .venv/dev.stamp
	$(BIN)/pybabel -q extract -F translations/babel.cfg -k _l -k ngettext:1,2 --no-location --sort-output -o .venv/portal.pot .
	$(BIN)/pybabel -q update -D portal -d translations -i .venv/portal.pot --no-fuzzy-matching --ignore-obsolete
	$(BIN)/pybabel -q compile -D portal -d translations

# docs/office.md's pictures, from the demo and Chromium; look at them before they are kept.
pictures: .venv/dev.stamp
	$(BIN)/python -m tests.tools.office_pictures

# wapiti and sqlmap against a portal of its own: a quarter of an hour at the most; a finding makes it fail.
scan: .venv/dev.stamp build/scan.stamp
	$(BIN)/python -m tests.tools.scan

# Are all pins exact, what do they bring along (build/dependencies.txt, with hashes), and has any of it a known fault?
audit: .venv/dev.stamp build/audit.stamp
	$(BIN)/python -m tests.tools.audit

build/%.stamp: requirements-%.txt
	$(PYTHON) -m venv --clear build/$*
	build/$*/bin/python -m pip install -qq --disable-pip-version-check -r $<
	@touch $@

# Chromium, PostgreSQL, Redis, nginx, Dovecot and a C compiler for the tests: installed where this is allowed, else named; their tests then skip.
services:
	@sh tests/tools/install_services.sh

.venv/runtime.stamp: .venv/bin/python requirements.txt
	$(PIP) -r requirements.txt
	@touch $@

.venv/dev.stamp: .venv/bin/python requirements.txt requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@ .venv/runtime.stamp

.venv/bin/python:
	@sh tests/tools/make_venv.sh $(PYTHON)

clean:
	rm -rf .venv .demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
