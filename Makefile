# Everything starts with `make`: it needs python3 (3.11 or newer) and nothing else.
.DEFAULT_GOAL := help
.PHONY: help setup demo test torture faults check format bench audit sbom fuzz mv lock openapi rule-pages web clean
SHELL := /bin/sh
# Without byte code on disk, every process pays ten seconds for compiling its libraries.
unexport PYTHONDONTWRITEBYTECODE
PYTHON := .venv/bin/python
SOURCES := src drivers simulators tests benchmarks scripts hatch_build.py

help: ## 顯示這份說明  show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## 安裝到 .venv  install everything into .venv
	@sh scripts/bootstrap.sh

demo: setup ## 啟動模擬市政大樓  start the simulated city hall (ARGS="--for 60" passes options on)
	@# It ends with make, even when make is killed.
	@exec $$(command -v setpriv >/dev/null && echo setpriv --pdeathsig INT) .venv/bin/cityhall-bms demo $(ARGS)

test: setup ## 執行全部測試  run the tests, three at a time (ARGS="-k alarms" selects)
	@sh scripts/test-machine.sh
	@[ -d web/node_modules ] || $(PYTHON) hatch_build.py ci
	@$(PYTHON) hatch_build.py run test
	@$(PYTHON) -m pytest -n 3 --dist loadgroup $(ARGS)

torture: setup ## 千次斷線測試  kill and restore each kind of device (CYCLES=1000, or side by side for MINUTES=60)
	@$(PYTHON) -m pytest tests/faults/test_torture.py -rP \
		$(if $(MINUTES),-n 12 --minutes $(MINUTES),--cycles $(or $(CYCLES),1000))

faults: setup ## 故障測試：逐項計數  every fault under load, counted (ROUNDS=20)
	@$(PYTHON) -m pytest tests/faults/test_acknowledged_is_stored.py --rounds $(or $(ROUNDS),20) --timeout 0 -rP

check: setup ## 檢查程式風格、型別、分層、鎖定檔、套件弱點  style, types, layers, lock file, libraries
	@$(PYTHON) -m ruff check $(wildcard $(SOURCES))
	@$(PYTHON) -m ruff format --check $(wildcard $(SOURCES))
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports
	@$(PYTHON) scripts/lock.py --check
	@[ -d web/node_modules ] || $(PYTHON) hatch_build.py ci
	@$(PYTHON) hatch_build.py run check
	@$(PYTHON) scripts/audit.py

audit: setup ## 查詢套件已知弱點  ask the registries for known vulnerabilities of the locked libraries
	@$(PYTHON) scripts/audit.py

sbom: setup ## 元件清單（CycloneDX）  list of components, as sbom.json
	@$(PYTHON) scripts/sbom.py >sbom.json

fuzz: setup ## 對整個 API 送出一萬個以上的請求  try the whole interface with 10,000 requests and more (CASES=20 per operation)
	@$(PYTHON) -m pytest tests/api/test_fuzz.py --fuzz $(or $(CASES),20) --timeout 0 -rP

format: setup ## 整理程式格式  format the code and fix what can be fixed
	@$(PYTHON) -m ruff check --fix $(wildcard $(SOURCES))
	@$(PYTHON) -m ruff format $(wildcard $(SOURCES))

bench: setup ## 效能量測  run the benchmarks
	@set -e; for figure in benchmarks/*.py; do echo "== $$figure"; $(PYTHON) "$$figure" $(ARGS); done

mv: setup ## 基準線與 opendsm 對照  hold baselines against opendsm, in an environment of its own (850 MB)
	@uv=$$(sh scripts/bootstrap.sh --uv) && [ -x .cache/mv/bin/python ] || $$uv venv --quiet --python python3 .cache/mv
	@uv=$$(sh scripts/bootstrap.sh --uv) && $$uv pip install --quiet --python .cache/mv/bin/python --require-hashes -r requirements-mv.lock
	@$(PYTHON) -m pytest tests/contract/test_opendsm_reference.py

lock: ## 重算鎖定檔  write requirements.lock anew from pyproject.toml
	@python3 scripts/lock.py "$$(sh scripts/bootstrap.sh --uv)"

rule-pages: setup ## 由定義重寫規則頁  write docs/reference/rule-library anew from the shipped rules
	@.venv/bin/python scripts/rule_pages.py

openapi: setup ## 更新 API 描述與前端型別  write web/openapi.json and the dashboard's types anew
	@.venv/bin/cityhall-bms openapi >web/openapi.json
	@[ -d web/node_modules ] || $(PYTHON) hatch_build.py ci
	@$(PYTHON) hatch_build.py run types

web: setup ## 重建儀表板  build the dashboard anew
	@rm -f src/cityhall_bms/web_dist/.built-from
	@$(PYTHON) hatch_build.py

clean: ## 刪除安裝與產物（保留資料）  remove everything that was made, but no data
	rm -rf .venv .uv .cache dist src/cityhall_bms/web_dist src/cityhall_bms/fonts web/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-artifacts
	find src drivers simulators tests -name __pycache__ -prune -exec rm -rf {} +
