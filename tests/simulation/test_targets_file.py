"""The written ``targets.toml`` and ``references.toml`` are right for the service, and hold what the city published."""

from pathlib import Path

import pytest

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.comparison import Subject
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.energy.saving_targets import TargetKind
from cityhall_simulators.description import load_building
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site


def book_of(name: str, folder: Path) -> EnergyBook:
    building = load_building(name)
    ports = {label: 15_020 + number for number, label in enumerate(building.port_labels)}
    write_site(folder, building, "127.0.0.1", ports)
    write_secrets(folder, "127.0.0.1")
    return load_site(folder, find_factories(), find_profile_folders()).energy_book


def test_the_city_hall_has_the_citys_targets_and_its_published_fuel(tmp_path: Path) -> None:
    book = book_of("full", tmp_path)

    rain = book.target("RAIN-104")
    assert (rain.year, rain.kind, rain.amount) == (2015, TargetKind.AT_LEAST, 150.0)
    saving = book.target("ELECTRICITY-115")
    assert (saving.kind, saving.amount) == (TargetKind.SAVING_ON_YEAR_BEFORE, 1.0)
    fuel = {name: book.references.figure(Subject(Commodity.FUEL, {}), parse_period(name)) for name in ("95H1", "104H1")}
    assert {name: figure.value for name, figure in fuel.items() if figure} == {"95H1": 19_595.0, "104H1": 9_098.0}


@pytest.mark.parametrize("name", ["meter"])
def test_one_meter_on_a_bench_has_none(name: str, tmp_path: Path) -> None:
    assert book_of(name, tmp_path).targets == ()
    assert not (tmp_path / "targets.toml").exists()
