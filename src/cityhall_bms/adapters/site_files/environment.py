"""Read ``environment.toml``: air, water, comfort and vehicles of a site, over what is shipped."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.models import SiteFile
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.calendars import Schedules
from cityhall_bms.domain.energy.meters import Metering
from cityhall_bms.domain.environment import (
    AirArea,
    ComfortPlan,
    Environment,
    IndoorAirPlan,
    VehiclePlan,
    WaterCircuit,
    WaterPlan,
)
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.indoor_air import SpotLimit

ENVIRONMENT_FILE: Final = "environment.toml"

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Words = Annotated[str, Field(min_length=1, max_length=200)]
Nights = Annotated[int, Field(ge=1, le=60)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AreaTable(_Table):
    """One ``[[indoor_air.area]]``."""

    name: Slug
    text_zh: Words
    text_en: Words
    area_m2: Positive
    places: Annotated[tuple[str, ...], Field(min_length=1)]
    open_space: bool = False


class IndoorAirTable(_Table):
    """``[indoor_air]``."""

    schedule: str = "occupied"
    indicative: tuple[str, ...] = ("TVOC", "HCHO")
    area_per_monitor_m2: Positive = 2_000.0
    open_space_m2: Positive = 4_000.0
    test_every_months: Annotated[int, Field(ge=1, le=120)] = 24
    inspection_within_months: Annotated[int, Field(ge=1, le=12)] = 2
    area: tuple[AreaTable, ...] = ()


class SpotLimitTable(_Table):
    """One ``[[spot_limit]]``."""

    name: Slug
    text_zh: Words
    text_en: Words
    limit: Positive
    unit: Words
    source: Words


class CircuitTable(_Table):
    """One ``[[water.circuit]]``."""

    meter: Words
    rests: bool = False
    legitimate_m3h: NotNegative | None = None


class WaterTable(_Table):
    """``[water]``."""

    schedule: str = "night_minimum"
    usual_days: Annotated[int, Field(ge=7, le=92)] = 28
    usual_nights_min: Nights = 14
    high_nights: Nights = 3
    rest_nights: Nights = 7
    circuit: tuple[CircuitTable, ...] = ()


class ComfortTable(_Table):
    """``[comfort]``."""

    above_k: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
    schedule: str = "occupied"


class VehiclesTable(_Table):
    """``[vehicles]``; what is left out is as shipped."""

    km_per_kwh: Positive | None = None
    petrol_km_per_l: Positive | None = None
    petrol_kgco2_per_l: Positive | None = None
    source: Words | None = None


class EnvironmentFile(_Table):
    """The whole file."""

    indoor_air: IndoorAirTable = IndoorAirTable()
    spot_limit: tuple[SpotLimitTable, ...] = ()
    water: WaterTable = WaterTable()
    comfort: ComfortTable = ComfortTable()
    vehicles: VehiclesTable = VehiclesTable()


def read_environment(
    folder: Path, site: SiteFile | None, schedules: Schedules, metering: Metering, mistakes: Mistakes
) -> Environment:
    """What a site folder says, over what is shipped. Every mistake in its file is noted."""
    shipped = _shipped()
    if not (folder / ENVIRONMENT_FILE).exists():
        return _environment(shipped, EnvironmentFile())
    file = read_toml(folder / ENVIRONMENT_FILE, ENVIRONMENT_FILE, mistakes)
    own = validated(file, EnvironmentFile, mistakes) if file else None
    if file is None or own is None:
        return _environment(shipped, EnvironmentFile())
    for table in ("indoor_air", "water", "comfort"):
        _check_schedule(file, table, getattr(own, table).schedule, schedules, mistakes)
    for path, names in (
        (("indoor_air", "area"), [area.name for area in own.indoor_air.area]),
        (("water", "circuit"), [circuit.meter for circuit in own.water.circuit]),
        (("spot_limit",), [limit.name for limit in own.spot_limit]),
    ):
        _check_once(file, path, names, mistakes)
    if site is not None:
        _check_places(file, own.indoor_air.area, site, mistakes)
    _check_meters(file, own.water.circuit, metering, mistakes)
    return _environment(shipped, own)


def _shipped() -> EnvironmentFile:
    mistakes = Mistakes()
    with as_file(files(__package__) / ENVIRONMENT_FILE) as path:
        file = read_toml(path, ENVIRONMENT_FILE, mistakes)
    found = validated(file, EnvironmentFile, mistakes) if file else None
    if found is None:
        raise SiteError(mistakes.sorted())
    return found


def _environment(shipped: EnvironmentFile, own: EnvironmentFile) -> Environment:
    air, water = own.indoor_air, own.water
    limits = {limit.name: SpotLimit(**limit.model_dump()) for limit in (*shipped.spot_limit, *own.spot_limit)}
    circuits = {circuit.meter: WaterCircuit(**circuit.model_dump()) for circuit in water.circuit}
    return Environment(
        indoor_air=IndoorAirPlan(
            **air.model_dump(exclude={"area"}),
            areas=tuple(AirArea(**area.model_dump()) for area in air.area),
            spot_limits=limits,
        ),
        water=WaterPlan(**water.model_dump(exclude={"circuit"}), circuits=circuits),
        comfort=ComfortPlan(**own.comfort.model_dump()),
        vehicles=VehiclePlan(**shipped.vehicles.model_dump() | own.vehicles.model_dump(exclude_none=True)),
    )


def _check_schedule(file: TomlFile, table: str, name: str, schedules: Schedules, mistakes: Mistakes) -> None:
    if name not in schedules.names and schedules.names:
        line = file.line(table, "schedule")
        remedy = suggest(name, schedules.names)
        mistakes.add(file.name, line, f"[{table}] schedule", f"no schedule is named '{name}'", remedy)


def _check_places(file: TomlFile, areas: tuple[AreaTable, ...], site: SiteFile, mistakes: Mistakes) -> None:
    floors = [floor.code for floor in site.floors]
    known = floors + [f"{floor}.{zone.code}" for floor in floors for zone in site.zones]
    for index, area in enumerate(areas):
        for place in area.places:
            if place not in known:
                line = file.line("indoor_air", "area", index, "places")
                message = f"the site has no floor or zone '{place}'"
                mistakes.add(file.name, line, "[[indoor_air.area]] places", message, suggest(place, known))


def _check_meters(file: TomlFile, circuits: tuple[CircuitTable, ...], metering: Metering, mistakes: Mistakes) -> None:
    for index, circuit in enumerate(circuits):
        # Where meters.toml itself has mistakes there are no meters: those are told, and these would only follow.
        if metering.meters and circuit.meter not in metering.meters:
            line = file.line("water", "circuit", index, "meter")
            remedy = suggest(circuit.meter, metering.meters)
            mistakes.add(file.name, line, "[[water.circuit]] meter", f"no meter is named '{circuit.meter}'", remedy)


def _check_once(file: TomlFile, path: tuple[str, ...], names: list[str], mistakes: Mistakes) -> None:
    first: dict[str, int] = {}
    key = "meter" if path[-1] == "circuit" else "name"
    for index, name in enumerate(names):
        line = file.line(*path, index, key)
        if name in first:
            message = f"'{name}' stands already on line {first[name]}"
            mistakes.add(file.name, line, f"[[{'.'.join(path)}]] {key}", message, "delete or rename one of them")
        first.setdefault(name, line)
