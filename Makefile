# One-liners. `make` alone lists them.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
RUN := .venv/bin/python -m
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 18

lab: .venv/installed ## open the course in JupyterLab
	$(RUN) jupyterlab notebooks --allow-root

demo: .venv/installed ## a sample photo through the codec, without a browser: writes demo.png
	$(RUN) jahp_lib.cli demo --force

test: .venv/installed ## every test: types, examples in docstrings, library, notebooks, command line
	$(RUN) mypy
	$(RUN) pytest jahp_lib --doctest-modules -q
	$(RUN) pytest tests notebooks --nbval --nbval-current-env --nbval-cell-timeout=600 -q

bench: .venv/installed ## benchmarks, as ratios (after "make peers", against CompressAI)
	@for file in tests/benchmarks/bench_*.py; do .venv/bin/python $$file || exit 1; done

notebooks: .venv/installed ## run the lessons and store their outputs
	$(RUN) jahp_lib.course.notebooks $(NOTEBOOKS)

badges: .venv/installed ## write Colab badges into the lessons, the address into problem sets (REPO=owner/name, else the git remote)
	$(RUN) jahp_lib.course.notebooks --badges="$(REPO)" $(NOTEBOOKS) $(sort $(wildcard notebooks/assignments/source/*/*.ipynb))

lint: .venv/installed ## format and check the code
	$(RUN) ruff format . && $(RUN) ruff check .

assignments: .venv/installed ## generate the students' versions of the problem sets: notebooks/assignments/release
	cd notebooks/assignments && for set in $(notdir $(wildcard notebooks/assignments/source/*)); do $(CURDIR)/$(RUN) nbgrader generate_assignment $$set --create --force || exit 1; done

grade: .venv/installed ## grade what lies in notebooks/assignments/submitted: make grade SET=ps1
	cd notebooks/assignments && $(CURDIR)/$(RUN) grading.grade $(SET) $(if $(JOBS),--jobs $(JOBS)) $(OPTIONS)

students: .venv/installed ## write build/students, a copy without solutions to publish: make students REPO=owner/name
	cd notebooks/assignments && $(CURDIR)/$(RUN) grading.students --repository "$(REPO)"

peers: .venv/installed ## install CompressAI beside the course, for the tests and benchmarks that compare with it
	$(RUN) pip install -c constraints.txt -e '.[peers]' && $(RUN) pip install --no-deps compressai==1.2.8

lowest: ## the unit tests with the oldest versions allowed, Python 3.11, in .venv-lowest (several GB)
	python3.11 -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install -c tests/environments/lowest.txt -e . 'pytest>=8' 'hypothesis>=6.100'
	.venv-lowest/bin/python -m pytest tests/unit -q

colab: ## the unit tests and lessons with Google Colab's versions, Python 3.13, in .venv-colab (several GB)
	python3.13 -m venv .venv-colab
	.venv-colab/bin/python -m pip install -c tests/environments/colab.txt -e . 'pytest>=8' 'hypothesis>=6.100' 'nbval>=0.11' 'ipykernel<7' ipython
	.venv-colab/bin/python -m pytest tests/unit notebooks --nbval --nbval-current-env --nbval-cell-timeout=600 -q

clean: ## remove the environment and caches
	rm -rf .venv .venv-lowest .venv-colab build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis

.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and was not found. Install one, or: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv || { echo "Python's venv module is missing (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }
	$(RUN) pip install --progress-bar on -c constraints.txt -e '.[dev]'
	@touch $@

.PHONY: help lab demo test bench notebooks badges lint assignments grade students peers lowest colab clean
