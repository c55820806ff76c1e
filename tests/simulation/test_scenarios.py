"""Scenarios: faults by plan and by chance, and what their truth file says."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from typer.testing import CliRunner

from cityhall_simulators.cli import app
from cityhall_simulators.description import load_building
from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.faults import FAULTS
from cityhall_simulators.options import Options, shift_to
from cityhall_simulators.runtime import City
from cityhall_simulators.scenarios import Run, ScenarioError, ScenarioPlayer, Strike, load_scenario, scenario_names

TAIPEI = ZoneInfo("Asia/Taipei")
START = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)
HEAD = 'text_zh = "測試"\ntext_en = "Test"\n'
SMALL = Run(load_building("small"), START, 86_400.0, 1)
YEAR = Run(load_building("full"), START, 365 * 86_400.0, 1)


def scenario(tmp_path: Path, text: str) -> str:
    file = tmp_path / "scenario.toml"
    file.write_text(HEAD + text, encoding="utf-8")
    return str(file)


def test_a_fault_begins_at_a_local_time_or_after_seconds_and_ends_likewise(tmp_path: Path) -> None:
    text = """
        [[fault]]
        name = "sos_pressed"
        target = "SOS02"
        after_s = 30
        lasts_s = 60

        [[fault]]
        name = "chiller_trip"
        from = 2026-07-01T10:30:00
        to = 2026-07-01T11:00:00

        [[fault]]
        name = "co_high"
        after_s = 3600
        to = 2026-07-01T11:30:00

        [[fault]]
        name = "door_forced"
        after_s = 7200
    """
    assert load_scenario(scenario(tmp_path, text), SMALL) == (
        Strike("sos_pressed", "TCH.B1.N.SOS02", 30.0, 90.0),
        Strike("chiller_trip", "TCH.B2.CN.CHC01", 1800.0, 3600.0),
        Strike("co_high", "TCH.B1.N.PKG01", 3600.0, 5400.0),
        Strike("door_forced", "TCH.01.W.ACS01", 7200.0, float("inf")),
    )


@pytest.mark.parametrize(("text", "said"), [
    ('[[fault]]\nname = "earthquake"\nafter_s = 1', "fault 1: no fault is called 'earthquake'"),
    ('[[fault]]\nname = "chiller_trip"\ntarget = "AHU01"\nafter_s = 1', "strikes one of CHC01"),
    ('[[fault]]\nname = "chiller_trip"', "either from .* or after_s"),
    ('[[fault]]\nname = "chiller_trip"\nafter_s = 1\nfrom = 2026-07-01T10:30:00', "either from .* or after_s"),
    ('[[fault]]\nname = "chiller_trip"\nafter_s = 7200\nto = 2026-07-01T11:00:00', "ends before it begins"),
    (
        '[[fault]]\nname = "chiller_trip"\nafter_s = 1\nlasts_s = 60\nto = 2026-07-01T11:00:00',
        r"scenario\.toml, fault 1 \(chiller_trip\): write either to .* or lasts_s",
    ),
    ('[[fault]]\nname = "chiller_trip"\nafter = 1', "after"),
    ("[[random]]\nper_day = 0\nlasts_s = [1, 2]", "per_day"),
    ('[[random]]\nper_day = 1\nlasts_s = [1, 2]\nnames = ["earthquake"]', "random 1: no fault is called"),
    ("[[random]]\nper_day = 1\nlasts_s = [2, 1]", "random 1: lasts_s: write the shorter time first"),
    ("[[random]]\nper_day = 1\nlasts_s = [1, inf]", "lasts_s"),
    ("this is no TOML", r"scenario\.toml"),
])  # fmt: skip
def test_a_scenario_that_makes_no_sense_is_refused_by_file_entry_and_reason(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ScenarioError, match=said) as caught:
        load_scenario(scenario(tmp_path, text), SMALL)
    assert "scenario.toml" in str(caught.value)


def captured_options(monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, list[Options]]:
    """Status and output of ``cityhall-sim run``, and what it would have served."""
    served: list[Options] = []

    async def serve(options: Options) -> None:
        served.append(options)

    monkeypatch.setattr("cityhall_simulators.serve.serve", serve)
    result = CliRunner().invoke(app, ["run", "--site", "small", "--site-dir", "nowhere", *words])
    return result.exit_code, result.output, served


def test_local_times_of_a_scenario_are_those_of_the_running_plants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plants start at the asked hour and the real minute: a time of the file is met all the same."""
    file = scenario(tmp_path, '[[fault]]\nname = "chiller_trip"\nfrom = 2026-07-01T13:00:00')
    real = datetime.now(TAIPEI)
    _, _, (options,) = captured_options(monkeypatch, "--scenario", file, "--plant-start", "2026-07-01T10:00")
    strikes_at = real + options.shift + timedelta(seconds=options.strikes[0].begin_s)
    assert abs(strikes_at - datetime(2026, 7, 1, 13, tzinfo=TAIPEI)) < timedelta(minutes=1)


def test_plants_start_at_the_asked_hour_and_the_real_minute() -> None:
    real = datetime(2026, 11, 25, 17, 51, 9, tzinfo=TAIPEI)
    assert real + shift_to(datetime(2026, 7, 1, 10), real) == datetime(2026, 7, 1, 10, 51, 9, tzinfo=TAIPEI)  # noqa: DTZ001


def test_a_start_that_is_no_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output, served = captured_options(monkeypatch, "--plant-start", "yesterday")
    assert (status, served) == (2, [])
    assert "--plant-start yesterday: write a local time as 2026-07-01T10:00" in output


def test_an_unknown_scenario_names_those_that_come_along() -> None:
    with pytest.raises(ScenarioError, match="working_day"):
        load_scenario("doomsday", SMALL)


@pytest.mark.parametrize("name", scenario_names())
@pytest.mark.parametrize("site", ["full", "small"])
def test_every_shipped_scenario_fits_the_whole_building_and_the_small_site(name: str, site: str) -> None:
    assert load_scenario(name, Run(load_building(site), START, YEAR.lasts_s, 1))


def test_chance_strikes_as_often_as_it_is_told_with_every_kind_and_never_twice_at_once() -> None:
    strikes = load_scenario("faulty_year", YEAR)
    assert len(strikes) == pytest.approx(7 * 365, rel=0.1)
    assert {strike.name for strike in strikes} >= set(FAULTS) - {
        "supply_loss", "device_slow", "wrong_word_order", "clock_jump",
    }  # fmt: skip
    busy_until_s: dict[tuple[str, str], float] = {}
    for strike in strikes:
        assert busy_until_s.get((strike.name, strike.target), -1.0) < strike.begin_s < strike.end_s
        busy_until_s[strike.name, strike.target] = strike.end_s


def test_chance_strikes_until_the_run_ends_though_some_faults_would_outlast_it(tmp_path: Path) -> None:
    text = "[[random]]\nper_day = 200\nlasts_s = [60, 86000]"
    strikes = load_scenario(scenario(tmp_path, text), SMALL)
    assert max(strike.end_s for strike in strikes) <= SMALL.lasts_s
    # Some sixty begin in the last third of the day, and about one in six of them is short enough to end in it.
    assert any(strike.begin_s > 2.0 / 3.0 * SMALL.lasts_s for strike in strikes)


def test_the_same_seed_draws_the_same_faults() -> None:
    assert load_scenario("faulty_year", YEAR) == load_scenario("faulty_year", YEAR)
    other = Run(YEAR.building, YEAR.start, YEAR.lasts_s, 2)
    assert load_scenario("faulty_year", other) != load_scenario("faulty_year", YEAR)


def test_the_player_switches_what_is_due_and_the_truth_says_when(tmp_path: Path) -> None:
    city = City(SMALL.building, 1, START)
    truth = tmp_path / "truth.jsonl"
    desk = FaultDesk(city, lambda: city.local, truth)
    player = ScenarioPlayer(
        [Strike("sos_pressed", "SOS01", 60.0, 180.0), Strike("meter_reset", "EM01.kWh", 120.0, float("inf"))], desk
    )
    on = []
    reading = 0.0
    for minute in range(5):
        player.play(minute * 60.0)
        city.advance(START + timedelta(minutes=minute + 1), 60.0)
        if minute == 1:
            reading = float(city.shown[next(p.index for p in SMALL.building.points if p.name.endswith("EM01.kWh"))])
        on.append([fault.name for fault in city.faults])
    assert on == [[], ["sos_pressed"], ["sos_pressed", "meter_reset"], ["meter_reset"], ["meter_reset"]]
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    assert [(line["what"], line["from"], line["to"]) for line in lines] == [
        ("sos_pressed", "2026-07-01T10:01:00+08:00", None),
        ("meter_reset", "2026-07-01T10:02:00+08:00", None),
        ("sos_pressed", "2026-07-01T10:01:00+08:00", "2026-07-01T10:03:00+08:00"),
    ]
    assert lines[1]["shown"] == reading, "what the meter showed last"
    assert "shown" not in lines[0]


def test_a_fault_that_two_entries_ask_for_is_on_until_both_end(tmp_path: Path) -> None:
    city = City(SMALL.building, 1, START)
    desk = FaultDesk(city, lambda: city.local, tmp_path / "truth.jsonl")
    player = ScenarioPlayer(
        [Strike("sos_pressed", "SOS01", 0.0, 100.0), Strike("sos_pressed", "SOS01", 50.0, 150.0)], desk
    )
    player.play(120.0)
    assert [fault.name for fault in city.faults] == ["sos_pressed"]
    player.play(150.0)
    assert city.faults == []


def test_the_same_fault_may_begin_where_it_ends(tmp_path: Path) -> None:
    city = City(SMALL.building, 1, START)
    desk = FaultDesk(city, lambda: city.local, tmp_path / "truth.jsonl")
    player = ScenarioPlayer(
        [Strike("sos_pressed", "SOS01", 0.0, 60.0), Strike("sos_pressed", "SOS01", 60.0, 120.0)], desk
    )
    player.play(60.0)
    assert [fault.name for fault in city.faults] == ["sos_pressed"]
    player.play(120.0)
    assert city.faults == []
    assert np.isfinite(city.shown).all()
