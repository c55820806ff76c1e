"""Fan coils, boxes, exhaust fans, indoor-air nodes, computer rooms. Numbers of domain.md 3.2, 4 and 9."""

from datetime import datetime

import numpy as np
import pytest
from tests.support.air_side import TAIPEI, AirSide

from cityhall_simulators.plants.common import Supply
from cityhall_simulators.plants.site import whole_site

SUMMER_MORNING = datetime(2015, 7, 15, 10, 30, tzinfo=TAIPEI)
NIGHT = datetime(2015, 7, 15, 3, 0, tzinfo=TAIPEI)


@pytest.fixture
def side() -> AirSide:
    return AirSide(SUMMER_MORNING)


def test_rooms_are_twenty_six_degrees_on_a_working_day(side: AirSide) -> None:
    for code in ("FCU", "VAV"):
        assert side.get(code, "ZoneT") == pytest.approx(26.0, abs=0.7)
    assert side.get("IAQ", "T") == pytest.approx(26.0, abs=0.9)


def test_fan_coils_rest_at_night_and_cool_by_day(side: AirSide) -> None:
    assert side.get("FCU", "RunSts").all()
    assert (side.get("FCU", "ModeCmd") == 1.0).all()
    assert set(side.get("FCU", "FanSpd")) <= {1.0, 2.0, 3.0}
    assert 200.0 < side.get("FCU", "_coil_kw").sum() < 450.0
    night = AirSide(NIGHT)
    for role in ("RunSts", "ModeCmd", "FanSpd", "VlvCmd", "_kw", "_coil_kw"):
        assert (night.get("FCU", role) == 0.0).all(), role


@pytest.mark.parametrize("code", ["FCU", "VAV"])
def test_a_room_follows_its_set_point(side: AirSide, code: str) -> None:
    side.set(code, 4, "ZoneSP", 28.0)
    side.run(2 * 3_600.0, 60.0)
    assert side.get(code, "ZoneT")[4] == pytest.approx(27.9, abs=0.6)
    assert side.get(code, "ZoneT")[5] == pytest.approx(26.0, abs=0.7)


def test_commands_to_a_fan_coil_act(side: AirSide) -> None:
    side.set("FCU", 0, "_ovr_ModeCmd", 0.0)
    side.set("FCU", 1, "_ovr_ModeCmd", 2.0)
    side.set("FCU", 2, "_ovr_FanSpd", 3.0)
    side.set("FCU", 3, "_ovr_VlvCmd", 100.0)
    side.set("FCU", 4, "_ovr_ModeCmd", 3.0)
    side.run(1_200.0, 30.0)
    assert side.get("FCU", "RunSts")[:2].tolist() == [0.0, 1.0]
    assert side.get("FCU", "_coil_kw")[:2].tolist() == [0.0, 0.0]
    assert side.get("FCU", "_kw")[2] == pytest.approx(0.25)
    assert side.get("FCU", "ZoneT")[3] < 25.0
    assert side.get("FCU", "_kw")[4] > 3.0, "an electric heater"
    assert side.get("FCU", "VlvCmd")[4] == 0.0
    assert side.get("FCU", "ZoneT")[4] > 27.0


def test_a_box_delivers_its_set_point_of_its_handlers_air(side: AirSide) -> None:
    assert side.get("VAV", "Flow") == pytest.approx(side.get("VAV", "FlowSP"), rel=0.03)
    assert ((side.get("VAV", "Flow") > 400.0) & (side.get("VAV", "Flow") < 1_300.0)).all()
    assert side.get("VAV", "DAT") == pytest.approx(14.5, abs=0.5)
    assert ((side.get("VAV", "CO2") > 550.0) & (side.get("VAV", "CO2") < 950.0)).all()


def test_a_box_gets_nothing_when_its_handler_stands(side: AirSide) -> None:
    site = whole_site()
    handler = int(site.where("AHU", "04", "E")[0])
    box = int(site.where("VAV", "04", "CN")[0])
    side.set("AHU", handler, "_fault_fan", 1.0)
    side.run(300.0, 5.0)
    assert side.get("VAV", "Flow")[box] == 0.0
    assert (np.delete(side.get("VAV", "Flow"), box) > 300.0).all()


def test_a_damper_commanded_by_hand_sets_the_flow(side: AirSide) -> None:
    side.set("VAV", 0, "_ovr_DmprCmd", 20.0)
    side.set("VAV", 1, "_ovr_DmprCmd", 100.0)
    side.run(600.0, 10.0)
    flow = side.get("VAV", "Flow")
    assert flow[0] == pytest.approx(0.2 * flow[1], rel=0.05)


def test_boxes_are_closed_at_night() -> None:
    night = AirSide(NIGHT)
    for role in ("Flow", "FlowSP", "DmprCmd", "OccMode"):
        assert (night.get("VAV", role) == 0.0).all(), role


def test_exhaust_fans_follow_the_schedule_and_their_command(side: AirSide) -> None:
    assert side.get("EF", "RunSts").all()
    assert 0.5 < side.get("EF", "_kw").min() < side.get("EF", "_kw").max() < 5.0
    side.set("EF", 0, "_ovr_StartCmd", 0.0)
    side.run(2.0, 1.0)
    assert side.get("EF", "RunSts")[0] == side.get("EF", "_kw")[0] == 0.0
    assert not AirSide(NIGHT).get("EF", "RunSts").any()


def test_computer_rooms_are_cooled_day_and_night() -> None:
    for local in (NIGHT, SUMMER_MORNING):
        side = AirSide(local)
        assert side.get("PAC", "RunSts").all()
        assert side.get("PAC", "RetT") == pytest.approx(24.0, abs=0.3)
        assert side.get("PAC", "SupT") == pytest.approx(17.0, abs=0.8)
        assert side.get("PAC", "kW") == pytest.approx(8.0, abs=1.0)


def test_a_computer_room_without_supply_warms_by_kelvins_within_the_hour(side: AirSide) -> None:
    side.supply = Supply(normal=0.0, essential=0.0)
    side.run(3_600.0, 60.0)
    assert (side.get("PAC", "RetT") > 28.0).all()
    assert side.get("PAC", "kW").sum() == 0.0


def test_a_new_set_point_moves_the_computer_room(side: AirSide) -> None:
    side.set("PAC", 0, "SetT", 22.0)
    side.run(2 * 3_600.0, 60.0)
    assert side.get("PAC", "RetT")[0] == pytest.approx(22.0, abs=0.3)


def test_the_neighbour_takes_over_part_of_the_heat_of_a_cooler_that_fails(side: AirSide) -> None:
    before = side.get("PAC", "kW").copy()
    side.set("PAC", 0, "_fault_fail", 1.0)
    side.run(3 * 3_600.0, 60.0)
    assert 29.0 < side.get("PAC", "RetT")[0] < 40.0
    assert side.get("PAC", "kW")[1] > before[1] + 1.0
    assert side.get("PAC", "RetT")[1:] == pytest.approx(24.0, abs=1.0)


def test_a_node_upstairs_feels_its_zone(side: AirSide) -> None:
    site = whole_site()
    node, handler = int(site.where("IAQ", "07", "W")[0]), int(site.where("AHU", "07", "W")[0])
    for node_role, zone_role, tolerance in (("T", "RAT", 0.4), ("RH", "RA_RH", 2.0), ("CO2", "RA_CO2", 40.0)):
        assert side.get("IAQ", node_role)[node] == pytest.approx(side.get("AHU", zone_role)[handler], abs=tolerance)


def test_indoor_air_is_healthy_all_year() -> None:
    # domain.md 3.2 and 9
    for month in range(1, 13):
        side = AirSide(datetime(2015, month, 11, 15, 0, tzinfo=TAIPEI))
        assert ((side.get("IAQ", "PM25") > 4.0) & (side.get("IAQ", "PM25") < 28.0)).all()
        assert ((side.get("IAQ", "PM10") > 10.0) & (side.get("IAQ", "PM10") < 50.0)).all()
        assert (side.get("IAQ", "PM10") > side.get("IAQ", "PM25")).all()
        assert (side.get("IAQ", "HCHO") < 0.03).all()
        assert (side.get("IAQ", "TVOC") < 0.3).all()
        assert (side.get("IAQ", "CO2") < 1_000.0).all()
        assert (side.get("IAQ", "CO") < 4.0).all()


def test_a_smoky_car_park_is_felt_in_the_basements_only(side: AirSide) -> None:
    side.columns["PKG"] = {"CO": np.full(24, 90.0)}
    side.run(3_600.0, 60.0)
    basement = [floor.startswith("B") for floor in whole_site().floors["IAQ"]]
    co = side.get("IAQ", "CO")
    assert (co[basement] > 3.0).all()
    assert (co[~np.array(basement)] < 1.0).all()
