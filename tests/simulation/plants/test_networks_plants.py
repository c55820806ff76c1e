"""The building's own network and its telephones: busy as the offices, sound unless struck."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import networks

TAIPEI = ZoneInfo("Asia/Taipei")
MIDNIGHT = datetime(2026, 7, 1, 0, 0, tzinfo=TAIPEI)
WORKING_MORNING = MIDNIGHT.replace(hour=10)


def test_a_sound_network_meets_no_alarm_rule_in_a_month() -> None:
    # domain.md section 4, T01
    rig = PlantRig(networks.PLANTS, MIDNIGHT)
    for _ in range(30 * 24):
        rig.step(3600.0)
        assert rig.column("ICT", "Online").all()
        assert rig.column("ICT", "DiskPct").min() > 30.0
        assert rig.column("ICT", "DiskPct").max() < 70.0
        assert rig.column("ICT", "PollLagS").min() > 0.0
        assert rig.column("ICT", "PollLagS").max() < 1.0
        assert rig.column("ICT", "CpuPct").min() > 5.0
        assert rig.column("ICT", "CpuPct").max() < 50.0
        assert 0.0 <= rig.value("PBX", "TrunkBusy") < 60.0
        assert rig.value("PBX", "TrunkAlm") == rig.value("PBX", "PsuAlm") == 0


def test_the_network_is_busier_in_office_hours() -> None:
    rig = PlantRig(networks.PLANTS, MIDNIGHT)
    rig.run(2 * 3600.0, dt_s=60.0)
    night = [rig.column("ICT", "CpuPct").mean(), rig.value("PBX", "TrunkBusy"), rig.value("PBX", "ExtBusy")]
    rig.run_until(WORKING_MORNING, dt_s=60.0)
    day = [rig.column("ICT", "CpuPct").mean(), rig.value("PBX", "TrunkBusy"), rig.value("PBX", "ExtBusy")]
    assert day[0] > night[0] + 4.0
    assert day[1] > 5.0 * night[1]
    assert day[2] > 100.0
    assert night[2] < 20.0


def test_a_lost_controller_keeps_its_last_values_until_it_is_back() -> None:
    rig = PlantRig(networks.PLANTS, WORKING_MORNING)
    rig.run(60.0)
    rig.fault("ICT", 6, "offline")
    rig.step(1.0)
    last = rig.value("ICT", "CpuPct", 6)
    rig.run(600.0, dt_s=10.0)
    assert rig.value("ICT", "Online", 6) == 0
    assert rig.value("ICT", "CpuPct", 6) == last
    assert rig.column("ICT", "Online").sum() == 19
    rig.fault("ICT", 6, "offline", active=False)
    rig.step(1.0)
    assert rig.value("ICT", "CpuPct", 6) != last


def test_full_trunks_turn_many_calls_away() -> None:
    rig = PlantRig(networks.PLANTS, WORKING_MORNING)
    before = rig.value("PBX", "BlockedCalls")
    rig.run(3600.0, dt_s=10.0)
    usual = rig.value("PBX", "BlockedCalls") - before
    rig.fault("PBX", 0, "busy")
    rig.run(3600.0, dt_s=10.0)
    blocked = rig.value("PBX", "BlockedCalls") - before - usual
    assert 0 <= usual <= 3
    assert blocked > 30
    assert rig.value("PBX", "BlockedCalls") == np.floor(rig.value("PBX", "BlockedCalls"))


def test_blocked_calls_are_as_many_in_seconds_as_in_half_hours() -> None:
    counts = []
    for dt_s in (1.0, 1800.0):
        rig = PlantRig(networks.PLANTS, WORKING_MORNING)
        rig.fault("PBX", 0, "busy")
        before = rig.value("PBX", "BlockedCalls")
        rig.run(3600.0, dt_s=dt_s)
        counts.append(rig.value("PBX", "BlockedCalls") - before)
    assert counts[0] == pytest.approx(counts[1], abs=1.0)
