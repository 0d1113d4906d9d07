# make demo      the quickstart in an environment of its own
# make examples  the quickstart, the four classic tasks, which steps decide; six minutes
# make bench     the tables of docs/speed.md, about an hour
# make docs      the documentation as a site in build/docs; runs the examples
# make test      style, types and the whole test suite
# make lowest    the whole test suite with the oldest versions that are supported
# make fuzz      mutated files of skseq.save, loaded and used: COUNT=100000
# make dist      wheel and sdist in dist/, and what must be true of them
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin
INSTALL = $(RUN)/python -m pip install --quiet --constraint constraints.txt

EXAMPLES = quickstart find_pattern forecast_sine trigger_action loaded_die step_importance

.PHONY: demo examples bench docs test lint fuzz lowest lowest-install dist clean

demo: $(VENV)/.demo
	$(RUN)/python examples/quickstart.py

examples: $(VENV)/.demo
	for name in $(EXAMPLES); do $(RUN)/python examples/$$name.py || exit 1; done

bench: $(VENV)/.demo
	$(RUN)/python benchmarks/speed.py
	$(RUN)/python benchmarks/memory.py

docs: $(VENV)/.docs
	$(RUN)/sphinx-build -W --keep-going docs build/docs

test: lint
	SCIPY_ARRAY_API=1 $(RUN)/python -m pytest --numprocesses=2 $(ARGS)

lint: $(VENV)/.test
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

COUNT = 100000
SEED = 0

fuzz: $(VENV)/.test
	$(RUN)/python tests/fuzz/files.py --count $(COUNT) --seed $(SEED) --jobs 2 --keep build/fuzz

$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable ".[plot]"
	touch $@

$(VENV)/.docs: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable ".[docs]"
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable ".[test]"
	touch $@

# Where torch's oldest version comes with gigabytes for GPUs: make lowest LOWEST_TORCH=2.13.0
LOWEST = $(VENV)-lowest
LOWEST_TORCH = $(shell sed -n 's/^torch==//p' lowest.txt)

lowest: lowest-install
	SCIPY_ARRAY_API=1 $(LOWEST)/bin/python -m pytest --numprocesses=2 $(ARGS)

lowest-install: $(LOWEST)/.torch-$(LOWEST_TORCH)

$(LOWEST)/.torch-$(LOWEST_TORCH): pyproject.toml lowest.txt
	$(PYTHON) -m venv --clear $(LOWEST)
	sed 's/^torch==.*/torch==$(LOWEST_TORCH)/' lowest.txt > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --constraint $(LOWEST)/constraints.txt --editable ".[test]"
	touch $@

DIST = $(VENV)-dist

dist:
	rm -rf dist
	$(PYTHON) -m venv --clear $(DIST)
	$(DIST)/bin/python -m pip install --quiet build twine
	$(DIST)/bin/python -m build --outdir dist .
	$(DIST)/bin/python -m build --wheel --outdir dist/tree .
	cmp dist/*.whl dist/tree/*.whl  # from the sdist and from the tree: the same
	rm -r dist/tree
	$(DIST)/bin/python -m twine check --strict dist/*
	$(DIST)/bin/python tests/release/contents.py dist
	$(PYTHON) -m venv --clear $(DIST)
	$(DIST)/bin/python -m pip install --quiet --constraint constraints.txt dist/*.whl
	$(DIST)/bin/python -I tests/release/installed.py

clean:
	rm -rf $(VENV) $(LOWEST) $(DIST) build docs/api docs/gallery dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache
