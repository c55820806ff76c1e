"""Points: present values that never lie about their quality, and history."""

from tests.support.api_rig import CHILLER, ApiRig

from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.quality import Quality

SUPPLY = f"{CHILLER}.CHWS_T"
RUNS = f"{CHILLER}.RunSts"
MINUTE = 60_000_000


async def test_a_point_that_was_never_read_has_no_value_and_says_so(rig: ApiRig) -> None:
    point = (await rig.client.get(f"/api/v1/points/{SUPPLY}")).json()

    assert point["present"] == {"value": None, "quality": "bad", "reason": "no_data", "observed_at": None}
    assert (point["unit"], point["system"], point["equipment_class"]) == ("°C", "hvac", "Centrifugal_Chiller")


async def test_a_good_value_is_shown_and_a_bad_one_is_no_number(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    await rig.measure(now, {SUPPLY: (7.25, Quality.GOOD), RUNS: (1.0, Quality.BAD_REFUSED)})

    supply = (await rig.client.get(f"/api/v1/points/{SUPPLY}")).json()["present"]
    runs = (await rig.client.get(f"/api/v1/points/{RUNS}")).json()["present"]

    assert supply == {"value": 7.25, "quality": "good", "reason": None, "observed_at": to_rfc3339(now)}
    assert (runs["value"], runs["quality"], runs["reason"]) == (None, "bad", "refused")


async def test_an_old_value_loses_its_quality_with_its_age(rig: ApiRig) -> None:
    await rig.measure(rig.services.clock.now() - 5 * MINUTE, {SUPPLY: (7.0, Quality.GOOD)})
    await rig.measure(rig.services.clock.now() - 60 * MINUTE, {RUNS: (1.0, Quality.GOOD)})

    supply = (await rig.client.get(f"/api/v1/points/{SUPPLY}")).json()["present"]
    runs = (await rig.client.get(f"/api/v1/points/{RUNS}")).json()["present"]

    assert (supply["value"], supply["quality"], supply["reason"]) == (7.0, "uncertain", "stale")
    assert (runs["value"], runs["quality"], runs["reason"]) == (None, "bad", "stale")


async def test_pages_together_hold_every_point_once(rig: ApiRig) -> None:
    names: list[str] = []
    cursor = None
    while True:
        page = (
            await rig.client.get("/api/v1/points", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        names += [item["name"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert names == sorted(rig.services.site.points)


async def test_filters_and_words_narrow_the_list(rig: ApiRig) -> None:
    async def names(**params: str) -> set[str]:
        answer = await rig.client.get("/api/v1/points", params=params)
        return {item["name"].rpartition(".")[2] for item in answer.json()["items"]}

    assert await names(device="ahu-1") == {"SAT"}
    assert await names(equipment=CHILLER, role="RunSts") == {"RunSts"}
    assert await names(q="冰水 出水") == {"CHWS_T"}
    assert await names(q="supply air") == {"SAT"}
    assert await names(system="fire") == set()


async def test_samples_come_back_as_they_were_measured(rig: ApiRig) -> None:
    start = rig.services.clock.now() // MINUTE * MINUTE - 10 * MINUTE
    for minute in range(5):
        quality = Quality.BAD_RANGE if minute == 2 else Quality.GOOD
        await rig.measure(start + minute * MINUTE, {SUPPLY: (7.0 + minute, quality)})

    raw = await rig.client.get(
        f"/api/v1/points/{SUPPLY}/samples",
        params={"from": to_rfc3339(start), "to": to_rfc3339(start + 5 * MINUTE)},
    )

    answer = raw.json()
    assert answer["v"] == [7.0, 8.0, None, 10.0, 11.0]
    assert answer["q"] == ["good", "good", "bad", "good", "good"]
    assert answer["t"] == [to_rfc3339(start + minute * MINUTE) for minute in range(5)]
    assert answer["interval"] is None
    assert not answer["truncated"]


async def test_intervals_carry_their_coverage(rig: ApiRig) -> None:
    start = rig.services.clock.now() // MINUTE * MINUTE - 60 * MINUTE
    for step in range(12):
        await rig.measure(start + step * 5_000_000, {SUPPLY: (6.0 if step < 6 else 8.0, Quality.GOOD)})

    answer = (
        await rig.client.get(
            f"/api/v1/points/{SUPPLY}/samples",
            params={"from": to_rfc3339(start), "to": to_rfc3339(start + 30 * MINUTE), "interval": "1m", "agg": "mean"},
        )
    ).json()

    assert (answer["v"][0], answer["coverage"][0]) == (7.0, 1.0)
    # Nothing was measured any more, and no value is believed for ever: unknown, never zero.
    assert (answer["v"][29], answer["coverage"][29]) == (None, 0.0)


async def test_a_limit_cuts_and_says_so(rig: ApiRig) -> None:
    start = rig.services.clock.now() - 10 * MINUTE
    for step in range(3):
        await rig.measure(start + step * 1_000_000, {SUPPLY: (7.0, Quality.GOOD)})

    answer = (
        await rig.client.get(
            f"/api/v1/points/{SUPPLY}/samples",
            params={"from": to_rfc3339(start), "to": to_rfc3339(start + MINUTE), "limit": "2"},
        )
    ).json()

    assert (len(answer["v"]), answer["truncated"]) == (2, True)


async def test_devices_say_whether_they_answer(rig: ApiRig) -> None:
    devices = (await rig.client.get("/api/v1/devices")).json()["items"]

    assert [(item["name"], item["state"], item["points"]) for item in devices] == [
        ("ahu-1", "unknown", 1),
        ("chiller-1", "unknown", 3),
    ]


async def test_the_site_lists_its_systems(rig: ApiRig) -> None:
    site = (await rig.client.get("/api/v1/site")).json()

    assert site["time_zone"] == "Asia/Taipei"
    assert [item["code"] for item in site["systems"]] == ["hvac"]
