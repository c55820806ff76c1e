"""The written ``environment.toml`` is right for the service: areas have their monitors, resting circuits are meters."""

from pathlib import Path

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.permits import places_of
from cityhall_bms.energy.indoor_air import monitors_needed
from cityhall_simulators.description import load_building
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site


def test_every_floor_has_the_monitors_that_its_public_area_needs_and_what_rests_has_a_meter(tmp_path: Path) -> None:
    building = load_building("full")
    ports = {label: 15_020 + number for number, label in enumerate(building.port_labels)}
    write_site(tmp_path, building, "127.0.0.1", ports)
    write_secrets(tmp_path, "127.0.0.1")
    site = load_site(tmp_path, find_factories(), find_profile_folders())

    plan = site.environment.indoor_air
    nodes = [name for name, item in site.equipment.items() if item.brick_class == plan.brick_class]
    for area in plan.areas:
        found = [node for node in nodes if not places_of(node).isdisjoint(area.places)]
        assert len(found) == monitors_needed(area, plan) == 2, area.name
    assert len(plan.areas) == 14
    resting = {name: circuit for name, circuit in site.environment.water.circuits.items() if circuit.rests}
    assert len(resting) == 8, "food hall, car wash, irrigation"
    assert resting.keys() <= site.metering.meters.keys()
