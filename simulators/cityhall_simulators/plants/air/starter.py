"""Motor starters: schedule, command, local switch, trip."""

import numpy as np

from cityhall_simulators.plants.common import Column, Columns, Mask, free, full, held, sound


def initial(units: int) -> Columns:
    """Columns of starters in remote whose motor stands, with what can go wrong with them."""
    own = full(units, RunSts=0.0, TripAlm=0.0, LocRem=1.0, StartCmd=0.0, _due=0.0, _local_run=0.0)
    return own | free(units, "StartCmd") | sound(units, "trip", "local", "fan")


def started(own: Columns, due: Column, supplied: float, blocked: Mask | None = None) -> Columns:
    """Command and state of motors that are ``due`` by schedule.

    The time clock acts at its edges only: a command holds until the next edge or until it is released. A motor in
    local stays as it was. ``blocked`` is a hard-wired stop.
    """
    kept = np.where(due != own["_due"], np.nan, own["_ovr_StartCmd"])
    command = held({"_ovr_StartCmd": kept}, "StartCmd", due)
    local, tripped = own["_fault_local"], own["_fault_trip"]
    wanted = np.where(local > 0.0, own["_local_run"], command)
    able = (tripped == 0.0) & (own["_fault_fan"] == 0.0)
    if blocked is not None:
        able &= ~blocked
    return {
        "RunSts": wanted * able * supplied,
        "TripAlm": tripped,
        "LocRem": 1.0 - local,
        "StartCmd": command,
        "_due": due,
        "_local_run": wanted,
        "_ovr_StartCmd": kept,
    }
