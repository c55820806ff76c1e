"""Faults of the air side satisfy the rules that their table names; rules copied from domain.md, sections 4 and 7."""

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.air_side import TAIPEI, AirSide
from tests.support.fault_effects.air import EFFECTS

from cityhall_simulators.faults import FAULTS
from cityhall_simulators.plants.air import PLANTS

UNIT = 4
Row = dict[str, float]
Rule = Callable[[Row], bool]


# A Wednesday each; the weather of a fault's hour is set, so that no year's weather decides what is tested.
SUMMER, WINTER = datetime(2015, 7, 15, 13, tzinfo=TAIPEI), datetime(2015, 1, 14, 11, tzinfo=TAIPEI)
HOT_T, MILD_T, COLD_T = 33.5, 16.0, 9.5


def side_at(local: datetime, outdoor_t: float) -> AirSide:
    side = AirSide(local)
    side.outdoor_t = outdoor_t
    return side


def hot_side() -> AirSide:
    return side_at(SUMMER, HOT_T)


def hour_of(fault: str, side: AirSide) -> tuple[list[Row], list[Row]]:
    """Rows of one hour, a minute apart, of a unit with the fault (from half an hour before) and of its neighbour."""
    side.set("AHU", UNIT, FAULTS[fault].column, 1.0)
    side.run(1_800.0, 60.0)
    struck, sound = [], []
    for _ in range(60):
        side.step(60.0)
        for rows, unit in ((struck, UNIT), (sound, UNIT + 2)):
            row = {role: float(column[unit]) for role, column in side.columns["AHU"].items()}
            rows.append(row | {"OAT": side.moment.outdoor_t})
    return struck, sound


def operating_state(row: Row) -> int:
    """Of an air handler that only cools: 2 outdoor air only, 3 with the coil's help, 4 coil only, 5 anything else."""
    cooling, damper = row["CCV_Cmd"] > 0.0, row["OAD_Cmd"]
    if not cooling:
        return 2 if 20.0 < damper < 100.0 else 5
    return 3 if damper == 100.0 else 4 if damper == 20.0 else 5


def in_states(*states: int) -> Rule:
    return lambda row: operating_state(row) in states


def outdoor_part(row: Row) -> float:
    return (row["MAT"] - row["RAT"]) / (row["OAT"] - row["RAT"])


RULES: dict[str, Rule] = {
    "FC1": lambda r: r["DSP"] < r["DSP_SP"] - 25.0 and r["SpdFb"] >= 94.0,
    "FC2": lambda r: r["MAT"] + 2.8 < min(r["RAT"] - 1.1, r["OAT"] - 1.1),
    "FC6": lambda r: in_states(4)(r) and abs(r["RAT"] - r["OAT"]) >= 5.6 and abs(outdoor_part(r) - 0.20) > 0.30,
    "FC8": lambda r: in_states(2)(r) and abs(r["SAT"] - 1.1 - r["MAT"]) > (1.1**2 + 2.8**2) ** 0.5,
    "FC9": lambda r: in_states(2)(r) and r["OAT"] - 1.1 > r["SAT_SP"] - 1.1 + 1.1,
    "FC10": lambda r: in_states(3)(r) and abs(r["MAT"] - r["OAT"]) > (1.1**2 + 2.8**2) ** 0.5,
    "FC11": lambda r: in_states(3)(r) and r["OAT"] + 1.1 < r["SAT_SP"] - 1.1 - 1.1,
    "FC12": lambda r: in_states(2, 3, 4)(r) and r["SAT"] - 1.1 - 1.1 >= r["MAT"] + 2.8,
    "FC13": lambda r: in_states(3, 4)(r) and r["SAT"] > r["SAT_SP"] + 1.1 and r["CCV_Cmd"] >= 99.0,
    "H13": lambda r: r["OccMode"] == 1.0 and abs(r["SAT"] - r["SAT_SP"]) > 2.8,
    "H14": lambda r: r["FltDP"] > 250.0,
    "H15": lambda r: r["DuctSmoke"] == 1.0 and r["RunSts"] == 0.0,
    "VALVE-LEAK": lambda r: r["CCV_Cmd"] == 0.0 and r["SAT"] < r["MAT"] + 1.1 - 3.0,
    "G02": lambda r: r["LocRem"] == 1.0 and r["TripAlm"] == 0.0 and r["RunSts"] != r["StartCmd"],
    "G03": lambda r: r["TripAlm"] == 1.0,
    "G04": lambda r: r["LocRem"] == 0.0,
}


@pytest.mark.parametrize(("fault", "rule", "outdoor_t"), [
    ("duct_static_low", "FC1", HOT_T),
    ("mixed_air_sensor_on_coil", "FC2", HOT_T),
    ("mixed_air_sensor_on_coil", "FC12", HOT_T),
    ("oa_damper_stuck_open", "FC6", HOT_T),
    ("stuck_valve", "FC8", COLD_T),
    ("free_cooling_stuck_on", "FC9", HOT_T),
    ("free_cooling_stuck_on", "H13", HOT_T),
    ("oa_damper_stuck", "FC10", MILD_T),
    ("oa_damper_stuck", "FC11", COLD_T),
    ("stuck_valve", "FC13", HOT_T),
    ("stuck_valve", "H13", HOT_T),
    ("fouled_coil", "FC13", HOT_T),
    ("fouled_coil", "H13", HOT_T),
    ("filter_clogged", "H14", HOT_T),
    ("duct_smoke", "H15", HOT_T),
    ("leaking_valve", "VALVE-LEAK", HOT_T),
    ("ahu_fan_fail", "G02", HOT_T),
    ("ahu_trip", "G03", HOT_T),
    ("left_in_local", "G04", HOT_T),
])  # fmt: skip
def test_a_fault_satisfies_its_rule_for_an_hour_and_the_unit_beside_it_does_not(
    fault: str, rule: str, outdoor_t: float
) -> None:
    assert rule in FAULTS[fault].rules
    struck, sound = hour_of(fault, side_at(SUMMER if outdoor_t == HOT_T else WINTER, outdoor_t))
    assert all(RULES[rule](row) for row in struck)
    assert not any(RULES[rule](row) for row in sound)


def five_minute_means(rows: list[Row], role: str) -> NDArray[np.float64]:
    values = np.array([row[role] for row in rows])
    return np.convolve(values, np.ones(5) / 5.0, mode="valid")


def test_a_hunting_valve_reverses_and_changes_the_operating_state_too_often() -> None:
    struck, sound = hour_of("ahu_hunting", hot_side())

    def reversals(rows: list[Row]) -> int:
        moves = np.sign(np.diff([row["CCV_Cmd"] for row in rows]))
        moves = moves[moves != 0.0]
        return int((np.diff(moves) != 0.0).sum())

    def changes(rows: list[Row]) -> int:
        cooling = five_minute_means(rows, "CCV_Cmd") > 0.0
        return int((cooling[1:] != cooling[:-1]).sum())

    assert np.ptp([row["CCV_Cmd"] for row in struck]) >= 20.0
    assert reversals(struck) >= 5
    assert changes(struck) > 7
    assert np.ptp([row["CCV_Cmd"] for row in sound]) < 20.0
    assert changes(sound) == 0


def test_a_unit_that_runs_outside_its_schedule_does_so_without_an_order() -> None:
    struck, sound = hour_of("runs_outside_schedule", AirSide(SUMMER.replace(hour=21)))
    assert all(row["RunSts"] == 1.0 and row["SchOvr"] == 0.0 for row in struck)
    assert all(row["RunSts"] == 0.0 for row in sound)


def test_shut_dampers_let_the_carbon_dioxide_rise() -> None:
    side = hot_side()
    side.set("AHU", UNIT, "_fault_damper_closed", 1.0)
    side.run(2.5 * 3_600.0, 60.0)
    co2 = side.get("AHU", "RA_CO2")
    assert co2[UNIT] > np.delete(co2, UNIT).max() + 50.0


def test_a_unit_recovers_from_every_fault_by_itself() -> None:
    for fault in FAULTS.values():
        if fault.column not in PLANTS["AHU"].initial(1) or fault.name == "runs_outside_schedule":
            continue
        side, sound = hot_side(), hot_side()
        side.set("AHU", UNIT, fault.column, 1.0)
        side.run(1_200.0, 60.0)
        side.set("AHU", UNIT, fault.column, 0.0)
        side.run(2_400.0, 60.0)
        sound.run(3_600.0, 60.0)
        for role in ("RunSts", "SAT", "DSP", "CCV_Fb", "OAD_Fb", "TripAlm", "LocRem", "DuctSmoke"):
            tolerance = 2.0 if role in {"CCV_Fb", "OAD_Fb"} else 0.3
            assert side.get("AHU", role)[UNIT] == pytest.approx(sound.get("AHU", role)[UNIT], abs=tolerance), fault.name


def test_every_fault_of_the_air_side_names_columns_that_its_types_have() -> None:
    for name in EFFECTS:
        for code in FAULTS[name].codes:
            assert FAULTS[name].column in PLANTS[code].initial(1 if code != "PAC" else 4), (name, code)


@pytest.mark.parametrize("unit", range(0, 16, 5))
def test_a_stuck_box_starves_and_one_without_a_blade_floods(unit: int) -> None:
    side = hot_side()
    side.set("VAV", unit, "_fault_damper_stuck", 1.0)
    side.run(1_800.0, 60.0)
    assert side.get("VAV", "Flow")[unit] < 0.5 * side.get("VAV", "FlowSP")[unit]
    assert side.get("VAV", "DmprCmd")[unit] > 97.5
    side.set("VAV", unit, "_fault_damper_stuck", 0.0)
    side.set("VAV", unit, "_fault_leak", 1.0)
    side.run(1_800.0, 60.0)
    assert side.get("VAV", "DmprCmd")[unit] == 0.0
    assert side.get("VAV", "Flow")[unit] > 0.1 * 1_500.0
