"""Drivers are found by name; one that cannot be loaded stops only its own devices."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tests.support.manual_clock import ManualClock
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.installed_drivers import GROUP, find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.errors import DriverConfigError, SiteError


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, GROUP)


def test_a_driver_is_made_once_by_its_name() -> None:
    factories = find_factories([entry("modbus", "tests.support.sites:CheckingFactory")])

    assert list(factories) == ["modbus"]
    assert isinstance(factories["modbus"], CheckingFactory)


def test_a_driver_that_cannot_be_imported_is_a_problem_of_its_devices(tmp_path: Path) -> None:
    write_site(tmp_path)
    factories = find_factories([entry("modbus", "no_such_package.modbus:DRIVER")])

    with pytest.raises(SiteError) as caught:
        load_site(tmp_path, factories)

    assert [(p.file, p.line) for p in caught.value.problems] == [
        ("devices/ahu-1.toml", 6),
        ("devices/chiller-1.toml", 10),
    ]
    assert "No module named 'no_such_package'" in caught.value.problems[0].message


def test_a_driver_that_cannot_be_imported_refuses_to_make_a_device(tmp_path: Path) -> None:
    device = load_site(write_site(tmp_path), {"modbus": CheckingFactory()}).devices["ahu-1"]
    broken = find_factories([entry("modbus", "no_such_package.modbus:DRIVER")])["modbus"]

    assert broken.endpoint(device) == "ahu-1"
    with pytest.raises(DriverConfigError, match=r"no_such_package\.modbus:DRIVER"):
        broken.create(device, ManualClock())


def test_the_profiles_of_an_installed_package_are_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles = tmp_path / "some_drivers/profiles"
    profiles.mkdir(parents=True)
    (tmp_path / "some_drivers/__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert find_profile_folders([entry("x", "some_drivers.x:DRIVER"), entry("y", "some_drivers.y:DRIVER")]) == [
        profiles
    ]
