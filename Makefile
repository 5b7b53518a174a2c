# hazpark. `make help` lists what there is. Needs Python 3.11 to 3.13 and make, nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
ARGS ?=
# Of the river alone, e.g. RIVER="--runs nation --seconds 20 --vehicles 60000 --sockets 3000".
RIVER ?=

# The first Python that fits; PYTHON=/path/to/python chooses another.
FITS := import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(FITS)' 2>/dev/null && { command -v $$p; break; }; done)

.PHONY: help run test check bench chaos fuzz demo clean clean-data lock

help: ## 显示本帮助 / show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run ## 安装并启动全部服务（Ctrl-C 停止） / install and start everything (Ctrl-C stops)
	@exec $(if $(DEMO),env HAZPARK_DEMO=$(DEMO)) $(PY) -m workers up $(ARGS)

test: $(VENV)/.dev ## 运行全部测试 / run every test
	$(PY) -m pytest -n 2 --dist loadfile $(ARGS)

check: $(VENV)/.dev ## 检查代码：ruff、mypy、import-linter / check the code
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.bench ## 测量性能与判定准确度，写入 build/*.json / measure speed and truth, write build/*.json
	$(PY) tests/bench/run.py $(ARGS)
	$(PY) tests/bench/judging.py
	$(PY) tests/bench/peers.py
	$(PY) tests/bench/truth.py
	$(PY) tests/bench/storage.py search --fixes 20000000
	$(PY) tests/bench/river.py $(RIVER)

chaos: $(VENV)/.dev ## 负载下随机 kill -9（≥50 次）及数据库停 60 秒 / kill -9 at random under load, the database away for 60 s
	$(PY) tests/bench/river.py --runs chaos --vehicles 20000 --sockets 2000 --rate 2000 --seconds 330 --kill 5 \
		--out build/chaos.json $(RIVER)
	HAZPARK_TEST_AWAY_S=60 $(PY) -m pytest -n 0 tests/workers/test_gateway_outages.py

fuzz: $(VENV)/.dev ## 用一千万个损坏的帧考验解码器（ARGS=--cases=N） / ten million damaged frames through the decoder
	nice -n 19 $(PY) tests/fuzz/run.py $(ARGS)

demo: $(VENV)/.run ## 在运行中的系统上重放演示日 / play the demo day again on the running system
	$(PY) -m workers demo $(ARGS)

clean: ## 删除虚拟环境与生成物，保留 var/ 数据 / remove what was built; the data in var/ stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: ## 删除 var/ 中的全部数据（须先停止） / delete all data in var/ (stop first)
	@test ! -e "$(DATA)/lock" || "$(PYTHON)" -c '$(IDLE)' "$(DATA)/lock" 2>/dev/null || { \
		echo "hazpark 正在使用 $(DATA)，请先停止。 / hazpark runs on $(DATA): stop it first."; exit 1; }
	rm -rf -- "$(DATA)"

lock: $(VENV)/.dev ## 重新锁定依赖及其哈希 / lock the dependencies again, with hashes
	$(PIP) install uv
	$(PY) -m uv pip compile $(LOCK) pyproject.toml requirements-build.in -o requirements.txt
	$(PY) -m uv pip compile $(LOCK) --extra dev -c requirements.txt pyproject.toml requirements-build.in \
		-o requirements-dev.txt
	$(PY) -m uv pip compile $(LOCK) --extra dev --extra bench -c requirements-dev.txt pyproject.toml \
		requirements-build.in -o requirements-bench.txt

DATA := $(or $(HAZPARK_DATA),var)
IDLE := import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)
LOCK := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet

# Each step leaves its mark only when it is whole, so an interrupted one is done again.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { \
		echo "hazpark 需要 Python 3.11 至 3.13（含 venv），未找到；请安装后重试，或用 make PYTHON=路径 指定。"; \
		echo "hazpark needs Python 3.11 to 3.13 with venv and found none: install one, or name it with make PYTHON=path."; \
		exit 1; }
	@echo "→ $(VENV) ($(PYTHON))"
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "无法创建虚拟环境；Debian/Ubuntu 请先安装 python3-venv。"; \
		echo "The virtual environment cannot be made; on Debian or Ubuntu install python3-venv first."; exit 1; }
	@touch $@

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/.made
	@echo "→ requirements.txt"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "→ requirements-dev.txt"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# Peers to be measured beside us; of no use to anything else.
$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	@echo "→ requirements-bench.txt"
	@$(PIP) install --require-hashes -r requirements-bench.txt
	@touch $@
