"""Rules over HTTP: what is in force and says what, drafts with their mistakes, backtests, promotion."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from tests.support.api_rig import CHILLER, DEADLINE_S, ApiRig

from cityhall_bms.adapters.postgres.backtest_store import PostgresBacktestStore
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.rebuilding import Rebuilder
from cityhall_bms.adapters.postgres.rule_history import PostgresRuleHistory
from cityhall_bms.adapters.postgres.rules_view import PostgresRuleView
from cityhall_bms.backtest_jobs import RuleOffice, carry_out
from cityhall_bms.domain.rule_events import ShadowRaised, ShadowReturned
from cityhall_bms.ports.event_log import Append
from cityhall_bms.rules.book import keep_book, read_records, taking_effect
from cityhall_bms.rules.checkpoint import CheckpointCodec
from cityhall_bms.rules.engine import Columns, Engine
from cityhall_bms.rules.model import RULE_ADAPTER
from cityhall_bms.rules.played import Surroundings

RULES = "/api/v1/rules"
AHU = "TCH.01.E.AHU01"
SILENT = {
    "kind": "stale", "equipment_class": "Air_Handling_Unit", "role": "SAT", "priority": 3, "on_delay_s": 60,
    "text_zh": "無資料", "text_en": "Silent", "source": "test",
}  # fmt: skip
MINUTE = 60_000_000


async def put_draft(rig: ApiRig, rule: str = "QUIET", **changed: Any) -> dict[str, Any]:
    answer = await rig.client.put(f"{RULES}/{rule}/draft", json={"definition": {**SILENT, **changed}})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def seen(rig: ApiRig, rule: str, shows: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The rule once the read model shows something of it."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            answer = await rig.client.get(f"{RULES}/{rule}")
            if answer.status_code == 200 and shows(answer.json()):
                body: dict[str, Any] = answer.json()
                return body
            await asyncio.sleep(0.02)


async def test_the_rules_in_force_are_listed_with_what_they_are_bound_to(rig: ApiRig) -> None:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await rig.client.get(f"{RULES}?limit=20{cursor}")).json()
        items += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    described = rig.services.rules.catalogue.described
    assert [item["id"] for item in items] == sorted(name for name, rule in described.items() if rule.enabled)
    assert {item["origin"] for item in items} == {"file"}
    assert all(item["bound"] == sum(item["answers"].values()) for item in items)


async def test_a_rule_tells_what_it_says_of_each_subject_and_what_it_does_not_apply_to(rig: ApiRig) -> None:
    names = [item["id"] for item in (await rig.client.get(f"{RULES}?limit=1000")).json()["items"] if item["bound"]]
    rule = (await rig.client.get(f"{RULES}/{names[0]}")).json()
    assert {item["answer"] for item in rule["subjects"]} == {"unknown"}, "no engine has said anything yet"
    assert (await rig.client.get(f"{RULES}/NO-SUCH")).status_code == 404
    assert (await rig.client.get(f"{RULES}/no such")).status_code == 422


async def test_the_answers_are_those_of_the_engine_s_checkpoint(rig: ApiRig) -> None:
    catalogue = rig.services.rules.catalogue
    entries = catalogue.entries({}, None)
    name = next(name for name, entry in entries.items() if entry.standing)
    engine = Engine(catalogue._engine.binding)
    state = engine.start()
    state.answer[:] = 0
    assert {item.answer for item in entries[name].standing} == {2}
    columns = _no_samples(engine)
    data = CheckpointCodec(engine).encode(state, columns)
    assert {item.answer for item in catalogue.entries({}, data)[name].standing} == {0}
    assert catalogue.entries({}, b"of another version")[name].standing == entries[name].standing


def _no_samples(engine: Engine) -> Any:
    count = len(engine.binding.point_ids)
    return Columns(np.zeros(count), np.zeros(count, np.uint8), np.zeros(count, np.int64))


async def test_a_draft_is_checked_completely_before_it_is_kept(rig: ApiRig) -> None:
    answer = await rig.client.put(
        f"{RULES}/QUIET/draft", json={"definition": {**SILENT, "priority": 9, "colour": "red"}}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {item["pointer"] for item in answer.json()["errors"]} == {"rule QUIET, priority", "rule QUIET, colour"}
    both = {"toml": "", "definition": {}}
    assert (await rig.client.put(f"{RULES}/QUIET/draft", json=both)).status_code == 400
    bad = await rig.client.put(f"{RULES}/QUIET/draft", json={"toml": "priority =\n"})
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["pointer"] == "toml"


async def test_a_wording_is_checked_without_being_kept(rig: ApiRig) -> None:
    right = await rig.client.post(f"{RULES}/QUIET/check", json={"definition": SILENT})
    assert (right.json()["mistakes"], right.json()["version"]) == ([], 1)
    assert right.json()["definition"]["off_delay_s"] == 0.0
    wrong = (await rig.client.post(f"{RULES}/QUIET/check", json={"definition": {**SILENT, "priority": 9}})).json()
    assert ([item["field"] for item in wrong["mistakes"]], wrong["definition"]) == (["rule QUIET, priority"], None)
    text = (await rig.client.post(f"{RULES}/QUIET/check", json={"toml": "priority =\n"})).json()
    assert "line 1, column 11" in text["mistakes"][0]["message"]
    assert (await rig.client.get(f"{RULES}/QUIET")).status_code == 404


async def test_a_draft_may_be_the_text_of_a_rule_file(rig: ApiRig) -> None:
    text = "[[rule]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in SILENT.items())
    answer = await rig.client.put(f"{RULES}/QUIET/draft", json={"toml": text})
    assert answer.status_code == 200, answer.text
    rule = await seen(rig, "QUIET", lambda rule: rule["draft"])
    assert rule["line"]["origin"] == "draft"
    assert rule["definition"] is None
    assert rule["draft"]["definition"]["text_zh"] == "無資料"
    dropped = await rig.client.delete(f"{RULES}/QUIET/draft")
    assert dropped.json()["draft"] is None
    assert (await rig.client.delete(f"{RULES}/QUIET/draft")).status_code == 409


async def test_pain_35_a_draft_is_tested_on_history_and_promoted_with_its_evidence(rig: ApiRig) -> None:
    await put_draft(rig)
    refused = await rig.client.post(f"{RULES}/QUIET/promote", json={"reason": "silence is news"})
    assert refused.status_code == 409
    assert "not tested" in refused.json()["detail"]
    tested = await backtested(rig)
    assert tested["state"] == "done"
    assert tested["summary"]["episodes"] == 1
    result = await rig.client.get(tested["result"])
    assert hashlib.sha256(result.content).hexdigest() == tested["digest"]
    assert result.headers["etag"] == f'"{tested["digest"]}"'
    (episode,) = result.json()["episodes"]
    assert episode["subject"] == AHU
    promoted = await rig.client.post(f"{RULES}/QUIET/promote", json={"reason": "silence is news"})
    assert promoted.status_code == 200, promoted.text
    evidence = promoted.json()["promotion"]["evidence"]
    assert (evidence["digest"], evidence["backtest"]) == (tested["digest"], tested["id"])

    rules = rig.services.rules
    await keep_book(
        taking_effect(rules.catalogue.described, await read_records(rig.events)), rig.events, rig.services.clock
    )
    rule = await seen(rig, "QUIET", lambda rule: rule["versions"])
    assert (rule["line"]["origin"], rule["definition"]["priority"]) == ("promoted", 3)
    assert [item["version"] for item in rule["versions"]] == [1]
    assert [item["subject"] for item in rule["subjects"]] == [AHU]


async def make(rig: ApiRig, identity: str) -> None:
    """Make a test as the process does that is started for it."""
    services, pool = rig.services, await open_pool(rig.dsn)
    try:
        store, history = PostgresBacktestStore(pool), PostgresRuleHistory(pool)
        office = RuleOffice(
            site=services.site, ids=services.ids, desk=services.rules.desk, store=store, history=history,
            view=PostgresRuleView(pool), described=services.rules.catalogue.described, around=Surroundings(),
            clock=services.clock,
        )  # fmt: skip
        await carry_out(office, await store.get(identity), None, lambda _: None)
    finally:
        pool.terminate()


async def backtested(rig: ApiRig) -> dict[str, Any]:
    """An hour in which a point was silent for the second half, tested."""
    now = rig.services.clock.now() // MINUTE * MINUTE
    for minute in range(90, 30, -1):
        await rig.measure(now - minute * MINUTE, {f"{AHU}.SAT": (15.0, 0)})
    first, until = (_iso(now - minutes * MINUTE) for minutes in (60, 0))
    answer = await rig.client.post(f"{RULES}/QUIET/backtest", json={"from": first, "to": until})
    assert answer.status_code == 202, answer.text
    address = answer.headers["Location"]
    assert (await rig.client.get(f"{address}/result")).status_code == 409
    await make(rig, answer.json()["id"])
    listed = (await rig.client.get(f"{RULES}/QUIET/backtests")).json()["items"]
    assert [item["id"] for item in listed] == [answer.json()["id"]]
    body: dict[str, Any] = (await rig.client.get(address)).json()
    return body


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat()


async def test_a_backtest_that_makes_no_sense_is_refused(rig: ApiRig) -> None:
    span = {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    assert (await rig.client.post(f"{RULES}/NO-SUCH/backtest", json=span)).status_code == 404
    await put_draft(rig)
    assert (await rig.client.post(f"{RULES}/QUIET/backtest", json=span)).status_code == 409
    assert (await rig.client.get(f"{RULES}/QUIET/backtests/none")).status_code == 404


async def test_what_a_shadow_would_have_rung_is_counted_by_the_building_s_days(rig: ApiRig) -> None:
    draft = (await put_draft(rig))["draft"]
    assert (await rig.client.post(f"{RULES}/QUIET/shadow", json={})).json()["shadow"] is True
    assert (await rig.client.post(f"{RULES}/QUIET/shadow", json={})).status_code == 409
    evening = 1_782_864_000_000_000 - 60 * MINUTE  # 2026-07-01 07:00 in Taipei, 23:00 of the day before in UTC
    begin = ShadowRaised("QUIET", draft["fingerprint"], AHU, 3, evening)
    worse = ShadowRaised("QUIET", draft["fingerprint"], AHU, 2, evening + MINUTE)
    end = ShadowReturned("QUIET", draft["fingerprint"], AHU, evening + 10 * MINUTE)
    (*_, last) = await rig.events.append([Append(f"shadow/QUIET~{AHU}", [begin, worse, end], "rules")])
    async with asyncio.timeout(DEADLINE_S):
        while (await rig.client.get("/api/v1/alarms?state=all")).json()["position"] < last.position:
            pass
    days = (await rig.client.get(f"{RULES}/QUIET")).json()["shadow"]["days"]
    assert days == [{"day": "2026-07-01", "raised": 1, "subjects": 1, "standing_s": 600.0}]
    assert (await rig.client.get("/api/v1/alarms?state=all")).json()["items"] == []
    assert (await rig.client.delete(f"{RULES}/QUIET/shadow")).json()["shadow"] is False
    pool = await open_pool(rig.dsn)
    rebuilt = await Rebuilder(rig.events, pool, PROJECTIONS).rebuild("rules")
    pool.terminate()
    assert rebuilt.rows == {"rule_record": 1, "shadow_occurrence": 1}
    assert not rebuilt.differed


async def limits(rig: ApiRig, names: str) -> list[dict[str, Any]]:
    answer = await rig.client.get(f"/api/v1/points/limits?names={names}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_point_has_the_limits_of_the_rules_in_force_and_whether_they_hold_now(rig: ApiRig) -> None:
    catalogue, described = rig.services.rules.catalogue, {}
    for name, more in (("WARM", {}), ("RUNS", {"when": "RunSts == 1"})):
        table = {
            "id": name, "equipment_class": "Centrifugal_Chiller", "each": "CHWS_T", "condition": "POINT > 12 °C",
            "priority": 3, "text_zh": "溫", "text_en": "Warm", "source": "test",
        }  # fmt: skip
        described[name] = RULE_ADAPTER.validate_python(table | more)
    catalogue.described, catalogue._position = described, -1
    found = await limits(rig, f"{CHILLER}.CHWS_T,{CHILLER}.RunSts")
    assert {(item["rule"], item["point"], item["side"], item["value"]) for item in found} == {
        ("WARM", f"{CHILLER}.CHWS_T", "high", 12.0),
        ("RUNS", f"{CHILLER}.CHWS_T", "high", 12.0),
    }
    # No engine has said yet whether it runs.
    assert {item["rule"]: (item["conditional"], item["applies"]) for item in found} == {
        "WARM": (False, True), "RUNS": (True, False),
    }  # fmt: skip
    assert (await rig.client.get("/api/v1/points/limits?names=NO.SUCH")).status_code == 404
    assert (await rig.client.get("/api/v1/points/limits")).status_code == 422
