"""The written ``meters.toml`` is right for the service, and describes the tree along which simulated electricity adds up."""

from pathlib import Path

import pytest

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Flow, Metering, PointSource
from cityhall_simulators.description import load_building
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site


def metering_of(name: str, folder: Path) -> Metering:
    building = load_building(name)
    ports = {label: 15_020 + number for number, label in enumerate(building.port_labels)}
    write_site(folder, building, "127.0.0.1", ports)
    write_secrets(folder, "127.0.0.1")
    return load_site(folder, find_factories(), find_profile_folders()).metering


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Metering:
    return metering_of("full", tmp_path_factory.mktemp("full"))


def parts(metering: Metering, name: str) -> set[str]:
    return {part.name.removeprefix("TCH.") for part in metering.parts(f"TCH.{name}")}


def test_the_whole_building_has_two_hundred_meters_from_the_utility_down(full: Metering) -> None:
    assert len(full.meters) == 200
    assert parts(full, "ELEC.MAIN") == {"ELEC.HVM01", "ELEC.HVM02"}
    assert parts(full, "ELEC.HVM01") == {"ELEC.TR01", "ELEC.TR02"}
    assert parts(full, "ELEC.TR02") == {"ELEC.LVP02", "ELEC.LVP03"}
    assert len(parts(full, "ELEC.LVP06")) == 14
    assert parts(full, "ELEC.LVP05") >= {"ELEC.EM60", "ELEC.UPS01", "ELEC.GEN01", "ELEC.PV01"}


def test_totals_are_those_of_the_inlets(full: Metering) -> None:
    assert full.total_of(Commodity.ELECTRICITY) == {"TCH.ELEC.MAIN": 1.0}
    assert full.total_of(Commodity.WATER) == {"TCH.WATER.WM01": 1.0, "TCH.WATER.WM02": 1.0}
    assert full.total_of(Commodity.RAINWATER) == {"TCH.RAIN.RWS01": 1.0}
    assert len(full.total_of(Commodity.EV)) == 18
    assert full.base_years == {Commodity.ELECTRICITY: 2006, Commodity.WATER: 2010, Commodity.FUEL: 2006}


def test_nine_lifts_give_back_what_their_banks_meter_does_not_count(full: Metering) -> None:
    back = [meter for meter in full.meters.values() if meter.name.endswith(".REGEN")]
    assert len(back) == 9
    assert {meter.flow for meter in back} == {Flow.EXPORT}
    assert {meter.part_of for meter in back} == {full.meters["TCH.ELEC.ELV01"].part_of}


def test_tenants_have_the_meters_that_their_texts_name(full: Metering) -> None:
    assert len(full.tenants) == 21
    (bank,) = full.total_of(Commodity.ELECTRICITY, "bank")
    assert full.meters[bank].text_en == "Bank branch meter"


def test_a_small_building_has_its_meters_too(tmp_path: Path) -> None:
    small = metering_of("small", tmp_path)
    assert small.total_of(Commodity.ELECTRICITY) == {"TCH.ELEC.MAIN": 1.0}
    assert small.meters["TCH.WATER.WM01"].source == PointSource("TCH.B2.N.WM01.Vol")
    assert set(small.tenants) == {"food_hall"}


def test_one_meter_on_a_bench_needs_no_tree(tmp_path: Path) -> None:
    assert metering_of("meter", tmp_path) == Metering()
    assert not (tmp_path / "meters.toml").exists()
