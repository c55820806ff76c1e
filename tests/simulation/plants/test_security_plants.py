"""Doors, loops, cameras, calls: as busy as the people in the house, and quiet where nobody breaks in."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import safety
from cityhall_simulators.plants.common import Columns, Supply

TAIPEI = ZoneInfo("Asia/Taipei")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)
NIGHT = datetime(2026, 7, 1, 2, 0, tzinfo=TAIPEI)
SATURDAY_NOON = datetime(2026, 7, 4, 12, 0, tzinfo=TAIPEI)
POLICY_DAYS = 30
NONE, FORCED, HELD, TAMPER = range(4)


def open_doors(local: datetime, dt_s: float, steps: int) -> float:
    rig = PlantRig(safety.PLANTS, local)
    seen = []
    for _ in range(steps):
        rig.step(dt_s)
        seen.append(rig.column("ACS", "DoorSts").mean())
    return float(np.mean(seen))


def test_doors_open_by_day_far_more_often_than_at_night() -> None:
    by_day, at_night = open_doors(WORKING_MORNING, 1.0, 900), open_doors(NIGHT, 1.0, 900)
    assert 0.03 < by_day < 0.25
    assert at_night < 0.1 * by_day


def test_a_look_finds_as_many_doors_open_whether_time_passes_in_seconds_or_in_minutes() -> None:
    assert open_doors(WORKING_MORNING, 60.0, 60) == pytest.approx(open_doors(WORKING_MORNING, 1.0, 3600), rel=0.2)


def test_a_door_in_use_is_unlocked_while_it_is_open_and_locked_again_within_ten_seconds() -> None:
    rig = PlantRig(safety.PLANTS, NIGHT)
    rig.columns["ACS"] = rig.columns["ACS"] | {"_open_s": np.full(48, 6.0)}
    rig.step(1.0)
    assert (rig.column("ACS", "DoorSts") == 1).all()
    assert (rig.column("ACS", "LockSts") == 0).all()
    rig.run(10.0)
    assert rig.column("ACS", "LockSts").mean() > 0.9
    assert (rig.column("ACS", "DoorSts") + rig.column("ACS", "LockSts") == 1).all()


def test_a_forced_door_is_open_though_locked_and_a_held_one_is_reported_after_a_while() -> None:
    rig = PlantRig(safety.PLANTS, WORKING_MORNING)
    rig.fault("ACS", 0, "forced")
    rig.fault("ACS", 1, "held")
    rig.fault("ACS", 2, "tamper")
    rig.run(10.0)
    assert rig.column("ACS", "AlmSts")[:3].tolist() == [FORCED, NONE, TAMPER]
    assert (rig.value("ACS", "DoorSts"), rig.value("ACS", "LockSts")) == (1, 1)
    rig.run(50.0)
    assert rig.column("ACS", "AlmSts")[:4].tolist() == [FORCED, HELD, TAMPER, NONE]
    rig.fault("ACS", 1, "held", active=False)
    rig.step(1.0)
    assert rig.value("ACS", "AlmSts", 1) == NONE


@pytest.mark.parametrize(("local", "armed"), [(WORKING_MORNING, 0), (NIGHT, 1), (SATURDAY_NOON, 1)])
def test_loops_are_armed_at_night_and_on_days_off_and_ring_only_then(local: datetime, armed: int) -> None:
    rig = PlantRig(safety.PLANTS, local)
    rig.fault("IDS", 3, "intrusion")
    rig.step(1.0)
    assert (rig.column("IDS", "Armed") == armed).all()
    assert rig.column("IDS", "Alarm").sum() == armed
    assert rig.value("IDS", "Alarm", 3) == armed


def test_a_lost_camera_is_a_lost_channel_of_its_recorder() -> None:
    rig = PlantRig(safety.PLANTS, WORKING_MORNING)
    rig.run(5.0)
    assert rig.column("NVR", "ChLoss").sum() == 0
    for camera in (0, 6, 8):
        rig.fault("CAM", camera, "offline")
    rig.fault("NVR", 1, "channel")
    rig.step(1.0)
    assert rig.column("NVR", "ChLoss").tolist() == [2, 1, 1, 0, 0, 0]
    assert rig.column("CAM", "RecSts").sum() == 45


def test_recorders_keep_their_days_and_their_room_all_week_long() -> None:
    # domain.md section 4, S02: disk above 90 %, fewer days than the policy
    rig = PlantRig(safety.PLANTS, WORKING_MORNING)
    for _ in range(7 * 24):
        rig.step(3600.0)
        assert rig.column("NVR", "DiskPct").max() < 88.0
        assert rig.column("NVR", "RecDays").min() > POLICY_DAYS


def test_intercoms_are_used_now_and_then_by_day_and_not_while_off_line() -> None:
    rig = PlantRig(safety.PLANTS, WORKING_MORNING)
    rig.fault("ICM", 0, "offline")
    calls = []
    for _ in range(3600):
        rig.step(5.0 if rig.local.hour < 12 else 1.0)
        calls.append(rig.column("ICM", "CallActive"))
    busy = np.array(calls).mean(axis=0)
    assert busy[0] == 0
    assert 0.001 < busy[1:].mean() < 0.05


def test_a_power_failure_leaves_security_at_work() -> None:
    rig = PlantRig(safety.PLANTS, WORKING_MORNING)
    rig.supply = Supply(normal=0.0, essential=0.0)
    rig.run(30.0)
    assert rig.column("CAM", "Online").all()
    assert rig.column("ICM", "Online").all()
    assert rig.column("PAA", "ZoneSts").all()


def test_a_fault_leaves_the_chance_of_everybody_else_alone() -> None:
    def doors(*, struck: bool) -> Columns:
        rig = PlantRig(safety.PLANTS, WORKING_MORNING)
        if struck:
            rig.fault("ACS", 0, "held")
            rig.fault("ICM", 0, "offline")
        rig.run(300.0)
        return rig.columns["ACS"] | {"_calls": rig.column("ICM", "CallActive")}

    struck, quiet = doors(struck=True), doors(struck=False)
    for role in ("DoorSts", "LockSts", "AlmSts", "_calls"):
        np.testing.assert_array_equal(struck[role][1:], quiet[role][1:])
