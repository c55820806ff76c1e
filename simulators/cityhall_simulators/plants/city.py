"""All plants of a building together: one pure step from state to state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from cityhall_simulators.description import Building, Role
from cityhall_simulators.plants import (
    air_handler,
    charging,
    chiller,
    distribution,
    indoor_air,
    lift,
    meters,
    parking,
    safety,
    steady,
    water,
    weather,
)
from cityhall_simulators.plants.common import Column, Columns, Surroundings, slow_noise
from cityhall_simulators.plants.loads import Load, load_kw, unmetered_kw

Step = Callable[[Columns, Surroundings, float, np.random.Generator], Columns]


@dataclass(frozen=True, slots=True)
class Plant:
    """How units of a type begin and go on."""

    initial: Callable[[int], Columns]
    step: Step


# In the order in which one acts on the next within a step.
PLANTS: Final[Mapping[str, Plant]] = {
    "WX": Plant(weather.initial, weather.step),
    "FZN": Plant(safety.initial_zone, safety.step_zone),
    "FACP": Plant(safety.initial_panel, safety.step_panel),
    "CHC": Plant(chiller.initial, chiller.step),
    "AHU": Plant(air_handler.initial, air_handler.step),
    "ELV": Plant(lift.initial, lift.step),
    "EVSE": Plant(charging.initial, charging.step),
    "PMS": Plant(parking.initial_site, parking.step_site),
    "PKG": Plant(parking.initial_detector, parking.step_detector),
    "PKF": Plant(parking.initial_fan, parking.step_fan),
    "TNK": Plant(water.initial_tank, water.step_tank),
    "WM": Plant(water.initial_meter, water.step_meter),
    "EM": Plant(meters.initial_sub, meters.step_sub),
    "HVM": Plant(meters.initial_main, meters.step_main),
    "TR": Plant(distribution.initial_transformer, distribution.step_transformer),
    "LVP": Plant(distribution.initial_panel, distribution.step_panel),
    "IAQ": Plant(indoor_air.initial, indoor_air.step),
    "ACS": Plant(safety.initial_reader, safety.step_reader),
    "SOS": Plant(safety.initial_button, safety.step_button),
}
_SETTLE_STEPS, _SETTLE_STEP_S = 240, 5.0


@dataclass(frozen=True, slots=True)
class Layout:
    """What the physics must know of the description: how many, and what lies beside what."""

    units: Mapping[str, int]
    loads: tuple[Load, ...]
    """What each sub-meter measures."""
    detectors_of_fan: tuple[tuple[int, ...], ...]
    parameters: Mapping[str, float]
    zones: Mapping[str, tuple[str, ...]]
    """Where the units of each type stand."""
    water_shares: tuple[float, ...]
    """Of the building's water, what runs through each meter."""
    steady: Mapping[str, tuple[Role, ...]]
    """Types without physics of their own."""


@dataclass(frozen=True, slots=True)
class CityState:
    """Columns per equipment type. Chance comes from the seed and the count of steps, so it needs no state."""

    columns: Mapping[str, Columns]
    seed: int
    steps: int = 0


def layout_of(building: Building) -> Layout:
    """Derive the layout; a fan listens to the detectors of its own floor and zone, or to all if there is none."""
    by_code: dict[str, list[str]] = {}
    for item in building.equipment:
        by_code.setdefault(item.type.code, []).append(item.place)
    inlets = [item.load for item in building.equipment if item.type.code == "WM"]
    detectors = by_code.get("PKG", [])
    beside = [tuple(i for i, d in enumerate(detectors) if d == place) for place in by_code.get("PKF", [])]
    return Layout(
        units={code: len(places) for code, places in by_code.items()},
        loads=tuple(Load.of(item.load) for item in building.equipment if item.type.code == "EM"),
        detectors_of_fan=tuple(found or tuple(range(len(detectors))) for found in beside),
        parameters=building.parameters,
        zones={code: tuple(place.rsplit(".", 1)[1] for place in places) for code, places in by_code.items()},
        water_shares=tuple(float(share) if share else 1.0 / len(inlets) for share in inlets),
        steady={item.type.code: item.type.roles for item in building.equipment if item.type.code not in PLANTS},
    )


def settled_city(layout: Layout, seed: int, local: datetime) -> CityState:
    """A city that has already run for a while when its doors open at ``local``; its counters begin there too."""
    columns = {
        code: PLANTS[code].initial(count) if code in PLANTS else steady.initial(layout.steady[code], count)
        for code, count in layout.units.items()
    }
    state = CityState(columns, seed)
    begin = local - timedelta(seconds=_SETTLE_STEPS * _SETTLE_STEP_S)
    for number in range(_SETTLE_STEPS):
        state = step_city(state, layout, begin + timedelta(seconds=number * _SETTLE_STEP_S), _SETTLE_STEP_S)
    return state


def step_city(state: CityState, layout: Layout, local: datetime, dt_s: float) -> CityState:
    """One step of ``dt_s`` seconds that ends at ``local``. Same state and time, same bytes."""
    columns = dict(state.columns)
    around = weather.surroundings(local, phase=float(state.seed % 1000))
    chance = np.random.default_rng((state.seed, state.steps))
    for code, roles in layout.steady.items():
        columns[code] = steady.step(columns[code], roles, around, dt_s)
    for code, plant in PLANTS.items():
        if code not in columns:
            continue
        around = _as_met_by(code, around, columns, layout)
        columns[code] = plant.step(columns[code], around, dt_s, chance)
    return CityState(columns, state.seed, state.steps + 1)


def _as_met_by(code: str, around: Surroundings, columns: Mapping[str, Columns], layout: Layout) -> Surroundings:
    """What the plants before this one have made of the world."""
    met = _MEETS.get(code)
    return around if met is None else met(around, columns, layout)


def _chiller_meets(around: Surroundings, columns: Mapping[str, Columns], _: Layout) -> Surroundings:
    building_kw = 500.0 * around.occupancy + 55.0 * max(0.0, around.outdoor_t - 20.0) * float(around.air_conditioning)
    coils_kw = air_handler.cooling_kw(columns["AHU"]) if "AHU" in columns else 0.0
    return replace(around, cooling_kw=building_kw + coils_kw)


def _air_handler_meets(around: Surroundings, columns: Mapping[str, Columns], _: Layout) -> Surroundings:
    return replace(around, chilled_water_t=float(columns["CHC"]["CHWS_T"].mean())) if "CHC" in columns else around


def _panel_meets(around: Surroundings, columns: Mapping[str, Columns], _: Layout) -> Surroundings:
    burning = float((columns["FZN"]["State"] == 2.0).sum()) if "FZN" in columns else 0.0
    return replace(around, fire=burning > 0.0, zones_in_alarm=burning)


def _charging_meets(around: Surroundings, _: Mapping[str, Columns], layout: Layout) -> Surroundings:
    return replace(around, feeder_limit_a=layout.parameters["feeder_limit_a"], bays=layout.parameters["bays"])


def _car_park_meets(around: Surroundings, columns: Mapping[str, Columns], layout: Layout) -> Surroundings:
    taken = float(columns["EVSE"]["_plugged"].sum()) if "EVSE" in columns else 0.0
    ev_bays = layout.parameters.get("ev_bays", around.ev_bays)
    return replace(around, bays=layout.parameters["bays"], ev_bays=ev_bays, ev_bays_taken=taken)


def _fan_meets(around: Surroundings, columns: Mapping[str, Columns], layout: Layout) -> Surroundings:
    if "PKG" not in columns:
        return replace(around, fan_co_ppm=np.zeros(len(layout.detectors_of_fan)))
    # A detector in fault counts as the worst case.
    ppm = np.where(columns["PKG"]["Fault"] > 0.0, 250.0, columns["PKG"]["CO"])
    return replace(around, fan_co_ppm=np.array([ppm[list(beside)].max() for beside in layout.detectors_of_fan]))


def _tank_meets(around: Surroundings, _: Mapping[str, Columns], layout: Layout) -> Surroundings:
    return replace(around, water_used_part=layout.parameters.get("water_used_part", 1.0))


def _water_meter_meets(around: Surroundings, columns: Mapping[str, Columns], layout: Layout) -> Surroundings:
    inflow_m3_h = float(columns["TNK"]["_inflow"].sum()) if "TNK" in columns else 0.0
    return replace(around, tank_inflow_m3_h=inflow_m3_h, water_shares=np.array(layout.water_shares))


def _sub_meter_meets(around: Surroundings, columns: Mapping[str, Columns], layout: Layout) -> Surroundings:
    loads = [load_kw(load, number, around, columns, layout.zones) for number, load in enumerate(layout.loads)]
    return replace(around, loads_kw=np.array(loads))


def _main_meter_meets(around: Surroundings, columns: Mapping[str, Columns], layout: Layout) -> Surroundings:
    night, day = layout.parameters["rest_night_kw"], layout.parameters["rest_day_kw"]
    unmetered = night + (day - night) * around.occupancy
    unmetered *= 1.0 + 0.02 * float(slow_noise(around.epoch_s * 2.0, 81.0)[0])
    return replace(around, rest_kw=unmetered + unmetered_kw(layout.loads, columns))


def _transformer_meets(around: Surroundings, columns: Mapping[str, Columns], _: Layout) -> Surroundings:
    return replace(around, feed_kw=float(columns["HVM"]["kW"].sum()))


def _panel_feed_meets(around: Surroundings, columns: Mapping[str, Columns], _: Layout) -> Surroundings:
    return replace(around, feed_kw=float((columns["TR"]["kW"] - columns["TR"]["LossKW"]).sum()))


_Meets = Callable[[Surroundings, Mapping[str, Columns], Layout], Surroundings]
_MEETS: Final[Mapping[str, _Meets]] = {
    "FACP": _panel_meets,
    "CHC": _chiller_meets,
    "AHU": _air_handler_meets,
    "EVSE": _charging_meets,
    "PMS": _car_park_meets,
    "PKF": _fan_meets,
    "TNK": _tank_meets,
    "WM": _water_meter_meets,
    "EM": _sub_meter_meets,
    "HVM": _main_meter_meets,
    "TR": _transformer_meets,
    "LVP": _panel_feed_meets,
}


def commanded(state: CityState, code: str, unit: int, role: str, value: float | None) -> CityState:
    """The state after somebody commanded a role; None hands it back to the plant's own control."""
    columns = dict(state.columns[code])
    name = f"_ovr_{role}" if f"_ovr_{role}" in columns else role
    if value is None and name == role:
        return state
    changed: Column = columns[name].copy()
    changed[unit] = np.nan if value is None else value
    columns[name] = changed
    if value is not None:
        # Shown at once: whoever reads back must not meet the old value until the next step.
        columns[role] = changed if name == role else _with(columns[role], unit, value)
    return replace(state, columns={**state.columns, code: columns})


def disturbed(state: CityState, code: str, unit: int, column: str, *, active: bool) -> CityState:
    """The state with a disturbance from outside switched on or off."""
    columns = dict(state.columns[code])
    columns[column] = _with(columns[column], unit, float(active))
    return replace(state, columns={**state.columns, code: columns})


def _with(column: Column, unit: int, value: float) -> Column:
    changed = column.copy()
    changed[unit] = value
    return changed
