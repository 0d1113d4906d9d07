# make demo      the quickstart in an environment of its own
# make examples  the quickstart and the four classic tasks, five minutes
# make bench     the tables of docs/speed.md, about an hour
# make docs      the documentation as a site in build/docs; runs the examples
# make test      style, types and the whole test suite
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin
INSTALL = $(RUN)/python -m pip install --quiet --constraint constraints.txt

EXAMPLES = quickstart find_pattern forecast_sine trigger_action loaded_die

.PHONY: demo examples bench docs test lint clean

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

clean:
	rm -rf $(VENV) build docs/api docs/gallery dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
