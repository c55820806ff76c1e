"""Air handling units: fan, cooling coil, outdoor air damper, and the rooms they serve."""

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, free, full, held, lag

_DESIGN_FLOW_M3_H = 22_000.0
_COIL_EFFECTIVENESS = 0.85
_KW_PER_M3_H_K = 0.000_335
_LATENT = 1.35
"""Total over sensible heat: coils dry the air too."""


def initial(units: int) -> Columns:
    """Columns of units that run, in remote, with clean and half-used filters."""
    columns = full(
        units, RunSts=1.0, TripAlm=0.0, LocRem=1.0, StartCmd=1.0, SpdFb=68.0, SpdCmd=68.0, kW=4.0, VfdFault=0.0,
        SAT=14.0, RAT=25.5, MAT=26.5, RA_RH=56.0, RA_CO2=700.0, DSP=350.0, DSP_SP=350.0, SAT_SP=14.0, CCV_Cmd=60.0,
        CCV_Fb=60.0, OAD_Cmd=25.0, OAD_Fb=25.0, FltDP=110.0, DuctSmoke=0.0, SA_Flow=15_000.0, OccMode=1.0,
        RunHr=15_000.0, SchOvr=0.0, _fault_fan=0.0, _fault_smoke=0.0, _schedule=1.0,
        _sat_before=14.0,
    )  # fmt: skip
    unit = np.arange(units, dtype=np.float64)
    # No two rooms are alike.
    own = {"_filter_days": 12.0 + 25.0 * (unit % 3), "_gain_k": 0.5 * ((unit * 3.0) % 5.0)}
    return columns | free(units, "SpdCmd", "CCV_Cmd", "OAD_Cmd", "OccMode") | own


def step(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Hold supply temperature and duct pressure at their set points while the fan runs."""
    due = np.full_like(columns["StartCmd"], float(around.moment.air_conditioning))
    start = np.where(columns["_schedule"] != due, due, columns["StartCmd"])
    smoke = columns["_fault_smoke"] > 0.0
    on = ((start > 0.0) & (columns["_fault_fan"] == 0.0) & ~smoke).astype(np.float64)
    fan = _fan(columns, on, dt_s)
    air = _air(columns, around, fan, on, dt_s)
    flow_part = fan["SA_Flow"] / _DESIGN_FLOW_M3_H
    return (
        columns
        | fan
        | air
        | {
            "StartCmd": start,
            "_schedule": due,
            "RunSts": on,
            "DuctSmoke": smoke.astype(np.float64),
            "OccMode": held(columns, "OccMode", due),
            "_filter_days": columns["_filter_days"] + on * dt_s / 86_400.0,
            "FltDP": (80.0 + 170.0 * columns["_filter_days"] / 90.0) * (flow_part / 0.68) ** 2,
            "RunHr": columns["RunHr"] + on * dt_s / 3600.0,
        }
    )


def _fan(columns: Columns, on: Column, dt_s: float) -> Columns:
    """The drive follows duct pressure; boxes open, and pressure falls, as the rooms get warmer."""
    wanting = np.clip((columns["RAT"] - 24.0) / 3.0, 0.2, 1.0)
    error_pa = columns["DSP_SP"] - columns["DSP"]
    automatic = np.where(on > 0.0, np.clip(columns["SpdCmd"] + 0.01 * error_pa * min(dt_s, 5.0), 40.0, 100.0), 68.0)
    command = held(columns, "SpdCmd", automatic)
    speed = lag(columns["SpdFb"], command * on, dt_s, 6.0)
    speed = np.where(speed < 0.5, 0.0, speed)
    part = speed / 100.0
    return {
        "SpdCmd": command,
        "SpdFb": speed,
        "DSP": 350.0 * (speed / (48.0 + 32.0 * wanting)) ** 2,
        "SA_Flow": _DESIGN_FLOW_M3_H * part,
        "kW": 15.0 * part**3,
    }


def _air(columns: Columns, around: Around, fan: Columns, on: Column, dt_s: float) -> Columns:
    moving = fan["SA_Flow"] / _DESIGN_FLOW_M3_H
    valve, damper, loop = _valves(columns, on, dt_s)
    outdoor_share = np.clip(0.01 + 0.8 * damper / 100.0, 0.0, 1.0) * (moving > 0.05)
    mixed = lag(columns["MAT"], columns["RAT"] + outdoor_share * (around.moment.outdoor_t - columns["RAT"]), dt_s, 20.0)
    cooled = mixed - np.clip(_COIL_EFFECTIVENESS * valve / 100.0, 0.0, 1.0) * (
        mixed - float(around.plants["PLT"]["CHWS_T"][0])
    )
    supply = lag(columns["SAT"], np.where(moving > 0.05, cooled, columns["RAT"]), dt_s, 25.0)
    uncooled_t = 26.0 + 3.0 * around.moment.occupancy + 0.35 * (around.moment.outdoor_t - 26.0) + columns["_gain_k"]
    # The room: gains pull it up within hours, supply air pulls it down in proportion to the flow.
    rate = (uncooled_t - columns["RAT"]) / 5400.0 + moving * (supply - columns["RAT"]) / 9000.0
    people_ppm = 420.0 + 430.0 * around.moment.occupancy * (1.3 - 0.4 * moving)
    return loop | {
        "SAT": supply,
        "MAT": mixed,
        "RAT": np.clip(columns["RAT"] + rate * dt_s, 15.0, 36.0),
        "RA_CO2": lag(columns["RA_CO2"], people_ppm, dt_s, 900.0),
        "RA_RH": lag(
            columns["RA_RH"], 55.0 + 0.6 * (supply - 14.0) + 0.1 * (around.moment.outdoor_rh - 70.0), dt_s, 900.0
        ),
    }


def _valves(columns: Columns, on: Column, dt_s: float) -> tuple[Column, Column, Columns]:
    """Cooling valve and outdoor damper as they stand, and their columns."""
    step_s = min(dt_s, 5.0)
    error_k = columns["SAT"] - columns["SAT_SP"]
    drift_k = columns["SAT"] - columns["_sat_before"]
    wanted = np.clip(columns["CCV_Cmd"] + 0.12 * error_k * step_s + 6.0 * drift_k, 0.0, 100.0)
    valve_command = held(columns, "CCV_Cmd", np.where(on > 0.0, wanted, 0.0))
    damper_command = held(columns, "OAD_Cmd", 25.0 * on)
    valve = lag(columns["CCV_Fb"], valve_command, dt_s, 12.0)
    damper = lag(columns["OAD_Fb"], damper_command, dt_s, 12.0)
    loop = {
        "CCV_Cmd": valve_command,
        "CCV_Fb": valve,
        "OAD_Cmd": damper_command,
        "OAD_Fb": damper,
        "_sat_before": columns["SAT"],
    }
    return valve, damper, loop


def cooling_kw(columns: Columns) -> float:
    """Heat that the coils put into the chilled water."""
    per_unit = _KW_PER_M3_H_K * columns["SA_Flow"] * np.maximum(0.0, columns["MAT"] - columns["SAT"]) * _LATENT
    return float(per_unit.sum())
