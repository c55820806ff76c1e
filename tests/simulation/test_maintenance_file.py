"""The written ``maintenance.toml`` is right for the service: every plan has its units, every stop its place."""

from pathlib import Path

import pytest

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_simulators.description import load_building
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site


@pytest.mark.parametrize(
    ("name", "plans", "units"), [("full", 13, {"ahu_filter": 24, "gis_service": 6}), ("small", 5, {})]
)
def test_plans_are_bound_to_every_unit(tmp_path: Path, name: str, plans: int, units: dict[str, int]) -> None:
    building = load_building(name)
    write_site(tmp_path, building, "127.0.0.1", {label: 15_020 + n for n, label in enumerate(building.port_labels)})
    write_secrets(tmp_path, "127.0.0.1")
    book = load_site(tmp_path, find_factories(), find_profile_folders()).maintenance
    assert len(book.plans) >= plans
    assert {plan: len(book.plan(plan).equipment) for plan in units} == units
    assert len(book.routes[0].stops) == len(building.floors)
    assert book.fire_test("class_a_report").file_within_days == 15
