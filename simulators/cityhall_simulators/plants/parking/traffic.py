"""Car park: traffic and gates, carbon monoxide, and the fans that it stages."""

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, free, full, held, lag, slow_noise

_LOW_PPM, _HIGH_PPM, _RELEASE_PPM = 35.0, 75.0, 10.0
_RUN_MIN_S = 600.0
_KW_OF_STAGE = np.array([0.0, 2.2, 11.0])


def initial_site(units: int) -> Columns:
    """Columns of car parks on a working morning."""
    return full(
        units, EntryCnt=411_200.0, ExitCnt=410_900.0, Occ=310.0, Free=290.0, AccFree=9.0, EvFree=2.0, GateIn=0.0,
        GateOut=0.0, GateAlm=0.0, LprSts=1.0, FullSign=0.0, Overstay=3.0, _in_s=0.0, _out_s=0.0,
    ) | free(units, "FullSign")  # fmt: skip


def initial_detector(units: int) -> Columns:
    """Columns of detectors in fresh air."""
    return full(units, CO=5.0, NO2=0.1, Fault=0.0, _fault_co=0.0)


def initial_fan(units: int) -> Columns:
    """Columns of fans at rest, in remote."""
    rest = full(units, RunSts=0.0, TripAlm=0.0, LocRem=1.0, StartCmd=0.0, SpdCmd=0.0, kW=0.0, _stage=0.0, _stage_s=0.0)
    return rest | free(units, "StartCmd", "SpdCmd") | full(units, _fault_fan=0.0)


def arrivals_per_h(hour: float, *, workday: bool) -> tuple[float, float]:
    """Cars in and out per hour."""
    share = 1.0 if workday else 0.15
    morning, evening = np.exp(-(((hour - 8.0) / 0.7) ** 2)), np.exp(-(((hour - 17.6) / 0.8) ** 2))
    daytime = 1.0 if 7.0 < hour < 21.0 else 0.05
    return float(share * (70.0 * daytime + 260.0 * morning)), float(share * (70.0 * daytime + 260.0 * evening))


def step_site(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Cars come and go; a gate stands open for a moment after each."""
    units = len(columns["Occ"])
    rate_in, rate_out = arrivals_per_h(around.moment.hour, workday=around.moment.workday)
    room, parked = around.site.parameters["bays"] - columns["Occ"], columns["Occ"]
    entered = np.minimum(rng.poisson(rate_in * dt_s / 3600.0, units), room)
    left = np.minimum(rng.poisson(rate_out * dt_s / 3600.0, units), parked)
    taken = columns["Occ"] + entered - left
    in_s = np.where(entered > 0.0, 6.0, np.maximum(0.0, columns["_in_s"] - dt_s))
    out_s = np.where(left > 0.0, 6.0, np.maximum(0.0, columns["_out_s"] - dt_s))
    spaces = around.site.parameters["bays"] - taken
    return columns | {
        "EntryCnt": columns["EntryCnt"] + entered,
        "ExitCnt": columns["ExitCnt"] + left,
        "Occ": taken,
        "Free": spaces,
        "AccFree": np.floor(12.0 * spaces / around.site.parameters["bays"]),
        "EvFree": np.full(
            units, np.floor(max(0.0, around.site.parameters["ev_bays"] - around.total("EVSE", "_plugged")) / units)
        ),
        "GateIn": np.select([in_s > 5.0, in_s > 1.0, in_s > 0.0], [2.0, 1.0, 2.0], 0.0),
        "GateOut": np.select([out_s > 5.0, out_s > 1.0, out_s > 0.0], [2.0, 1.0, 2.0], 0.0),
        "FullSign": held(columns, "FullSign", (spaces < 1.0).astype(np.float64)),
        "_in_s": in_s,
        "_out_s": out_s,
    }


def step_detector(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Exhaust follows the traffic; an idling engine in a corner passes 100 ppm within seconds."""
    units = len(columns["CO"])
    traffic = sum(arrivals_per_h(around.moment.hour, workday=around.moment.workday))
    usual = (
        2.0
        + 0.045 * traffic
        + 1.2 * slow_noise(around.moment.epoch_s * 3.0, 51.0, units)
        + rng.uniform(-0.2, 0.2, units)
    )
    surge = columns["_fault_co"] > 0.0
    target = np.where(surge, 170.0, np.maximum(usual, 1.0))
    # Clearing is the fans' work, and theirs is fast next to an engine that has been switched off.
    carbon_monoxide = lag(columns["CO"], target, dt_s, 4.0)
    return columns | {"CO": carbon_monoxide, "NO2": 0.02 + 0.009 * carbon_monoxide}


def step_fan(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Stage by the worst detector of the zone: up at once, down 10 ppm lower after the minimum run."""
    ppm = _worst_ppm(around)
    wanted = (ppm >= _LOW_PPM).astype(np.float64) + (ppm >= _HIGH_PPM)
    keep = (ppm >= _LOW_PPM - _RELEASE_PPM).astype(np.float64) + (ppm >= _HIGH_PPM - _RELEASE_PPM)
    ran_enough = columns["_stage_s"] >= _RUN_MIN_S
    lower = np.where(ran_enough, np.minimum(columns["_stage"], keep), columns["_stage"])
    stage = np.maximum(wanted, lower)
    stage_s = np.where(stage > columns["_stage"], 0.0, columns["_stage_s"] + dt_s)
    start = held(columns, "StartCmd", (held(columns, "SpdCmd", stage) > 0.0).astype(np.float64))
    speed = held(columns, "SpdCmd", np.maximum(stage, start))
    on = ((start > 0.0) & (speed > 0.0) & (columns["_fault_fan"] == 0.0)).astype(np.float64)
    return columns | {
        "_stage": stage,
        "_stage_s": stage_s,
        "StartCmd": start,
        "SpdCmd": speed,
        "RunSts": on,
        "kW": lag(columns["kW"], on * _KW_OF_STAGE[np.clip(speed, 0, 2).astype(np.intp)], dt_s, 2.0),
    }


def _worst_ppm(around: Around) -> Column:
    """The worst detector beside each fan; one in fault counts as the worst case."""
    detectors = around.plants["PKG"]
    ppm = np.where(detectors["Fault"] > 0.0, 250.0, detectors["CO"])
    floors, zones = around.site.floors["PKF"], around.site.zones["PKF"]
    beside = [around.site.where("PKG", floor, zone) for floor, zone in zip(floors, zones, strict=True)]
    return np.array([ppm[units].max() for units in beside])
