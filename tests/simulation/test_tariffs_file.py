"""The written ``tariffs.toml`` is right for the service, and has the contract of the city hall."""

from datetime import date
from pathlib import Path

import pytest

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.energy.tariff_book import TariffBook
from cityhall_bms.domain.energy.tariffs import TariffPeriod
from cityhall_bms.site_reading import in_force, read_site
from cityhall_simulators.description import load_building
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site


def tariffs_of(name: str, folder: Path) -> TariffBook:
    building = load_building(name)
    ports = {label: 15_020 + number for number, label in enumerate(building.port_labels)}
    write_site(folder, building, "127.0.0.1", ports)
    write_secrets(folder, "127.0.0.1")
    return load_site(folder, find_factories(), find_profile_folders()).tariffs


@pytest.mark.parametrize("name", ["full", "small"])
def test_the_city_hall_is_supplied_under_three_stages_with_5000_kilowatts(name: str, tmp_path: Path) -> None:
    book = tariffs_of(name, tmp_path)

    assert book.limit_kw(date(2026, 7, 1), TariffPeriod.PEAK) == 5000
    assert book.versions_in(date(2026, 7, 1), date(2026, 7, 2)) == ("taipower-hv-three-stage@2025-10-01",)
    assert set(book.billing.meters) >= {"TCH.ELEC.HVM01"}


def test_manifests_of_exports_name_the_versions_that_costs_rest_on(tmp_path: Path) -> None:
    tariffs_of("small", tmp_path)

    told = in_force(tmp_path, read_site(tmp_path))["tariffs"]

    assert told == {
        "2014-01-01": [f"taipower-hv-three-stage@{day}" for day in ("2006-01-01", "2023-01-01", "2025-10-01")]
    }


def test_one_meter_on_a_bench_has_no_contract(tmp_path: Path) -> None:
    assert tariffs_of("meter", tmp_path).contracts == ()
    assert not (tmp_path / "tariffs.toml").exists()
