PYTHON ?= python3
PORT ?= 8888
ARGS ?=
VENV := .venv/bin/python
RENDER_NOTEBOOKS := $(VENV) -m tests.notebooks.render
START := notebooks/00_start_here.ipynb

# Root must say so, and a machine without a screen gets the address alone.
SCREEN := $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname))
LAB_FLAGS := $(if $(filter 0,$(shell id -u)),--allow-root) $(if $(SCREEN),,--no-browser)

.DEFAULT_GOAL := help
.PHONY: lab test setup lint notebooks classroom sync bench fresh clean help

lab: setup  ## open JupyterLab on the first notebook (PORT=8888)
	@PATH="$(CURDIR)/.venv/bin:$$PATH" exec $(VENV) -m jupyterlab --ip=127.0.0.1 --port=$(PORT) \
	    --LabApp.default_url=/lab/tree/$(START) $(LAB_FLAGS) $(ARGS)

test: SETUP_FLAGS := --tests
test: setup  ## run every test (ARGS="tests/setup -k lock" for some)
	@$(VENV) -m pytest -n 2 --dist loadfile $(ARGS)

setup:  ## install what is missing; a second time there is nothing to do
	@command -v $(PYTHON) >/dev/null || { \
	    echo "$(PYTHON) is not here. Next: sudo apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) bootstrap.py $(SETUP_FLAGS)

lint: setup  ## check format, style and types
	@$(VENV) -m ruff format --check .
	@$(VENV) -m ruff check .
	@$(VENV) -m mypy

notebooks: setup  ## run all notebooks and keep their outputs
	@$(RENDER_NOTEBOOKS) $(ARGS)

classroom: setup  ## start all servers and JupyterLab in containers (docker compose down ends them)
	@$(VENV) -m kit.compose secrets
	@docker compose up --detach --build
	@. ./.env && echo "The notebooks: http://127.0.0.1:8888/lab?token=$$JUPYTER_TOKEN"

sync: setup  ## render what follows from other files (ARGS=--check compares)
	@$(VENV) -m binder.render $(ARGS)

bench: setup  ## measure start times as ratios
	@$(VENV) -m tests.bench $(ARGS)

fresh:  ## prove lab and test on a bare machine (root; ARGS=--help)
	@$(PYTHON) -m tests.fresh $(ARGS)

clean:  ## remove the environment and all caches; your progress stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/  make \1\t\2/p' Makefile | expand -t 18
