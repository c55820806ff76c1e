"""A sound air side gives no false alarm on the hardest days: rules of domain.md, sections 4 and 7, minute by minute."""

from datetime import datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.air_side import TAIPEI, AirSide

MONDAYS = [
    datetime(2015, 7, 20, 7, 30, tzinfo=TAIPEI),
    datetime(2015, 1, 5, 7, 30, tzinfo=TAIPEI),
    datetime(2015, 3, 2, 7, 30, tzinfo=TAIPEI),
    datetime(2015, 11, 30, 7, 30, tzinfo=TAIPEI),
]
MINUTES = 10 * 60 + 30


class Held:
    """For how many minutes in a row a condition has held, at most, over all units."""

    def __init__(self) -> None:
        self._now: NDArray[np.float64] = np.zeros(1)
        self.longest = 0.0

    def see(self, condition: NDArray[np.bool_]) -> None:
        self._now = np.where(condition, self._now + 1.0, 0.0)
        self.longest = max(self.longest, float(self._now.max()))


@pytest.mark.parametrize("monday", MONDAYS, ids=lambda day: f"{day:%B}")
def test_no_rule_holds_for_as_long_as_its_delay(monday: datetime) -> None:
    side = AirSide(monday, settle_h=7 * 24)
    delays_min = {
        "H13": 30, "H14": 30, "H16": 30, "H16 room": 30, "H17": 30, "H18": 5, "FC1": 30, "FC2": 30, "FC3": 30,
        "FC6": 30, "FC8": 30, "FC9": 30, "FC10": 30, "FC11": 30, "FC12": 30, "FC13": 30, "VAV-FLOW": 5,
        "VAV-LEAK": 10, "VALVE-LEAK": 15, "I01": 60,
    }  # fmt: skip
    rules = {name: Held() for name in delays_min}
    running = np.zeros(24)
    for _ in range(MINUTES):
        side.step(60.0)
        running = np.where(side.get("AHU", "RunSts") > 0.0, running + 1.0, 0.0)
        for name, condition in {**handlers(side, running), **rooms(side, running.max() >= 20.0)}.items():
            rules[name].see(condition)
    assert {name: rule.longest for name, rule in rules.items() if rule.longest >= delays_min[name]} == {}


def handlers(side: AirSide, running: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """Fans are blanked for their first 20 minutes."""
    a, outdoor_t = side.columns["AHU"], side.moment.outdoor_t
    in_use = (running >= 20.0) & (a["OccMode"] == 1.0)
    cooling, damper, on = a["CCV_Cmd"] > 0.0, a["OAD_Cmd"], running >= 20.0
    os2 = on & ~cooling & (damper > 20.0) & (damper < 100.0)
    os3, os4 = on & cooling & (damper == 100.0), on & cooling & (damper == 20.0)
    apart_k = outdoor_t - a["RAT"]
    part = (a["MAT"] - a["RAT"]) / np.where(np.abs(apart_k) < 1.0, 1.0, apart_k)
    low, high = np.minimum(a["RAT"], outdoor_t), np.maximum(a["RAT"], outdoor_t)
    error = (1.1**2 + 2.8**2) ** 0.5
    return {
        "H13": in_use & (np.abs(a["SAT"] - a["SAT_SP"]) > 2.8),
        "H14": on & (a["FltDP"] > 250.0),
        "H16": in_use & ((a["RAT"] > 28.0) | (a["RAT"] < 24.0)),
        "H17": (a["RunSts"] > 0.0) & (a["SchOvr"] == 0.0) & (not side.moment.air_conditioning),
        "FC1": (a["DSP"] < a["DSP_SP"] - 25.0) & (a["SpdFb"] >= 94.0),
        "FC2": on & (a["MAT"] + 2.8 < low - 1.1),
        "FC3": on & (a["MAT"] - 2.8 > high + 1.1),
        "FC6": os4 & (np.abs(apart_k) >= 5.6) & (np.abs(part - 0.2) > 0.3),
        "FC8": os2 & (np.abs(a["SAT"] - 1.1 - a["MAT"]) > error),
        "FC9": os2 & (outdoor_t - 1.1 > a["SAT_SP"]),
        "FC10": os3 & (np.abs(a["MAT"] - outdoor_t) > error),
        "FC11": os3 & (outdoor_t + 1.1 < a["SAT_SP"] - 2.2),
        "FC12": (os2 | os3 | os4) & (a["SAT"] - 2.2 >= a["MAT"] + 2.8),
        "FC13": (os3 | os4) & (a["SAT"] > a["SAT_SP"] + 1.1) & (a["CCV_Cmd"] >= 99.0),
        "VALVE-LEAK": (a["CCV_Cmd"] == 0.0) & (a["SAT"] < a["MAT"] + 1.1 - 3.0),
    }


def rooms(side: AirSide, blanked: bool) -> dict[str, NDArray[np.bool_]]:
    coils, boxes, nodes = side.columns["FCU"], side.columns["VAV"], side.columns["IAQ"]
    zone_t = np.concatenate([coils["ZoneT"], boxes["ZoneT"]])
    used = np.concatenate([coils["RunSts"], boxes["OccMode"]]) > 0.0
    closed = (boxes["DmprCmd"] == 0.0) & (boxes["OccMode"] > 0.0)
    return {
        "H16 room": blanked & used & ((zone_t > 28.0) | (zone_t < 24.0)),
        "H18": side.get("PAC", "RetT") > 27.0,
        "VAV-FLOW": boxes["Flow"] < 0.7 * boxes["FlowSP"],
        "VAV-LEAK": closed & (boxes["Flow"] > 150.0),
        "I01": (nodes["CO2"] > 1_000.0) | (nodes["PM25"] > 35.0) | (nodes["TVOC"] > 0.56) | (nodes["HCHO"] > 0.08),
    }


def test_no_output_hunts_on_a_working_day() -> None:
    # HUNT: a span of 20 % and five reversals within an hour.
    side = AirSide(datetime(2015, 10, 27, 7, 30, tzinfo=TAIPEI))
    outputs = [("AHU", "SpdCmd"), ("AHU", "CCV_Cmd"), ("AHU", "OAD_Cmd"), ("VAV", "DmprCmd"), ("FCU", "VlvCmd")]
    rows = []
    for _ in range(MINUTES):
        side.step(60.0)
        rows.append(np.concatenate([side.get(code, role) for code, role in outputs]))
    shown = np.round(np.array(rows), 1)
    for first in range(0, MINUTES - 60, 5):
        hour = shown[first : first + 60]
        moves = np.sign(np.diff(hour, axis=0))
        for unit in np.flatnonzero(np.ptp(hour, axis=0) >= 20.0):
            moved = moves[:, unit][moves[:, unit] != 0.0]
            assert (np.diff(moved) != 0.0).sum() < 5
