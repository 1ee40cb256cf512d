# Liên Thông: one command per need. `make` lists them.

# the first that is new enough; `make PYTHON=/path/to/python …` chooses another
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
VENV := .venv
PY := $(VENV)/bin/python
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
# tests in so many processes, handed out one by one: `make test WORKERS=0` runs them in one, and shows what they print
WORKERS ?= 2
PARALLEL = -n $(WORKERS) --dist loadgroup
# `make test NEXT=` leaves out the last line, which says what to do next
NEXT ?= yes
say_next = $(if $(NEXT),@echo "→ $(1)",)
# fewer tries than pip's own when there is no index; PIP_RETRIES in the environment wins
export PIP_RETRIES ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run smoke fmt check test test-more test-unit chaos bench migrate migration contracts clean

help: ## danh sách này · this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## cài các gói đã ghim vào .venv · install the pinned packages into .venv

$(VENV)/.installed: pyproject.toml requirements.lock
	@set -e; \
	if ! $(PY) $(NEW_ENOUGH) 2>/dev/null; then \
		[ -n "$(PYTHON)" ] && "$(PYTHON)" $(NEW_ENOUGH) 2>/dev/null || { \
			echo 'Cần Python 3.11 trở lên (make PYTHON=…) · Python 3.11 or newer is needed (make PYTHON=…)' >&2; exit 1; }; \
		echo 'Tạo .venv bằng $(PYTHON) · Creating .venv with $(PYTHON)'; \
		"$(PYTHON)" -m venv --clear $(VENV) || { \
			echo 'Không tạo được .venv: thiếu quyền ghi hoặc gói python3-venv · Cannot create .venv: no write access, or the package python3-venv is missing' >&2; exit 1; }; \
	fi; \
	install() { \
		$(PY) -m pip install "$$@" 2>$(VENV)/pip-errors.log || { \
			echo "Không cài được các gói; kiểm tra mạng hoặc PIP_INDEX_URL, chi tiết ở $(VENV)/pip-errors.log · Cannot install the packages; check the network or PIP_INDEX_URL, details in $(VENV)/pip-errors.log: $$(grep ERROR $(VENV)/pip-errors.log | tail -n 1)" >&2; exit 1; }; \
	}; \
	echo 'Cài các gói đã ghim… · Installing the pinned packages…'; \
	install --require-hashes -r requirements.lock; \
	install --quiet --no-deps --no-build-isolation --editable .; \
	touch $@
	$(call say_next,make run)

run: setup ## chạy cả hub trên máy này, kèm chuyến mẫu · the whole hub on this machine, with sample traffic
	@exec $(VENV)/bin/lienthong up

smoke: setup ## một hồ sơ và một văn bản qua mọi cấp của hub đang chạy · one dossier and one document through all levels
	@$(VENV)/bin/lienthong smoke
	$(call say_next,$(VENV)/bin/lienthong --help)

fmt: setup ## sửa định dạng · format the code
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .
	$(call say_next,make check)

check: setup ## định dạng, lint, kiểu, import, hợp đồng · format, lint, types, imports, contracts
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m contracts.generate --check
	@$(PY) -m deploy.openapi --check
	$(call say_next,make test)

test: check ## kiểm thử cốt lõi, dưới 10 phút · the core tests, under 10 minutes
	@$(PY) -m deploy.local.jars
	@$(PY) -m pytest $(PARALLEL) -m "not more"
	$(call say_next,make test-more)

# exit code 5 of pytest: nothing is marked so
test-more: setup ## bảng lỗi đầy đủ, dữ liệu dài, client sinh ra (cần node, npm) · full fault table, long corpora, generated client (needs node, npm)
	@$(PY) -m deploy.local.jars
	@$(PY) -m pytest $(PARALLEL) -m more || [ $$? -eq 5 ]
	$(call say_next,make run)

test-unit: setup ## chỉ kiểm thử không vào ra · only tests without input or output
	@$(PY) -m pytest tests/unit
	$(call say_next,make test)

# make chaos MINUTES=60 SEED=…; the same seed does the same faults
MINUTES ?= 5
chaos: setup ## lỗi ngẫu nhiên dưới tải, rồi đếm: MINUTES=5 SEED=… · random faults under load, then counted: MINUTES=5 SEED=…
	@$(PY) -m deploy.local.jars
	@$(PY) -m tests.chaos --minutes $(MINUTES) $(if $(SEED),--seed '$(SEED)')

# on a machine that does nothing else meanwhile
bench: setup ## đo tốc độ bên cạnh mức nền, 15 phút; QUICK=1: 3 phút · speed beside its floor, 15 minutes; QUICK=1: 3
	@$(PY) -m deploy.local.jars
	@$(PY) -m tests.bench $(if $(QUICK),--quick)

migrate: setup ## đưa các cơ sở dữ liệu lên bản mới nhất · bring the databases to the newest version
	@$(VENV)/bin/lienthong migrate
	$(call say_next,make run)

migration: setup ## thêm một bước di trú: make migration name=… · add a migration: make migration name=…
	@[ -n "$(name)" ] || { echo 'Cần tên: make migration name=… · A name is needed: make migration name=…' >&2; exit 1; }
	@$(VENV)/bin/lienthong migration "$(name)"
	$(call say_next,make migrate)

contracts: setup ## sinh lại schema, OpenAPI · generate schemas and OpenAPI documents again
	@$(PY) -m contracts.generate
	@$(PY) -m deploy.openapi
	$(call say_next,make check)

clean: ## xoá .venv và bộ đệm, giữ dữ liệu .lienthong · remove .venv and caches, keep the data in .lienthong
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	$(call say_next,make setup)
