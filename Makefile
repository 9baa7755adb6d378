# Everything here makes its own environment in .venv; Python 3.11, 3.12 or 3.13 and make are enough.

fits = import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c '$(fits)' 2>/dev/null && echo $$p && break; done)
pip = .venv/bin/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt

.PHONY: help demo test test-slow lint types clean

help:
	@echo "make demo       a diorama from a picture that an installed library carries, into out/motorcycle"
	@echo "make test       the quick tests"
	@echo "make test-slow  the other tests; installs torch for those of the training"
	@echo "make lint       ruff"
	@echo "make types      mypy; installs torch, which the training is checked against"
	@echo "make clean      remove .venv and out"

demo: .venv/.core
	.venv/bin/maquette diorama --example motorcycle -o out/motorcycle --overwrite
	@echo
	@echo "Open out/motorcycle/preview.html in a browser, or out/motorcycle/scene.glb in Blender."

test: .venv/.test
	.venv/bin/python -m pytest -n auto --dist worksteal -m "not slow and not train and not network"

test-slow: .venv/.train .venv/.blender
	MAQUETTE_BLENDER_PYTHON=$$(ls $(CURDIR)/.venv/blender/bin/python 2>/dev/null) .venv/bin/python -m pytest -m "(slow or train) and not network"

lint: .venv/.dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check

types: .venv/.train
	.venv/bin/mypy

clean:
	rm -rf .venv out

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "maquette needs Python 3.11, 3.12 or 3.13; none was found (set PYTHON=...)" >&2; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.core: .venv/bin/python pyproject.toml constraints.txt
	$(pip) --editable .
	@touch $@

.venv/.test: .venv/.core
	$(pip) --editable '.[test]'
	@touch $@

.venv/.dev: .venv/.test
	$(pip) --editable '.[dev]'
	@touch $@

.venv/.train: .venv/.dev
	$(pip) --editable '.[cluster,dev,heif,test-train]'
	@touch $@

# Blender as a module has wheels for few Pythons and wants a numpy of its own: where it has none, its tests are skipped.
.venv/.blender: .venv/bin/python
	.venv/bin/python -m venv .venv/blender
	.venv/blender/bin/python -m pip --disable-pip-version-check --quiet install 'bpy==5.0.1' || rm -rf .venv/blender
	@touch $@
