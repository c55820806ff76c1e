"""Outdoor air dampers: least air in summer, cooling with outdoor air in winter."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Column, Columns, held, lag
from cityhall_simulators.plants.moment import Moment

MINIMUM_PERCENT: Final = 20.0
_FREE_BELOW_T, _FREE_UNTIL_T = 19.0, 20.5
"""Outdoor air cools for nothing below the first, until it is warmer than the second."""
_FULLY_OPEN: Final = (0.94, 0.98)
"""A damper that is nearly open opens wholly; the first while it is, the second from which on it does."""
_CLOSED_PERCENT, _OPEN_PERCENT = 0.0, 75.0
"""Where a stuck damper stands."""
_LOCKED_ON_PERCENT: Final = 60.0
"""Where a unit that takes hot weather for cool leaves its damper."""
_TOO_WARM_K: Final = 0.3


@dataclass(frozen=True, slots=True)
class Wish:
    """What the unit wants of its damper: air for people (0 or 1), and the temperature behind the coil.

    ``idle_effect`` is the coil's effectiveness while its valve should be closed: 0 unless the valve passes.
    """

    fresh: Column
    coil_t: Column
    idle_effect: Column
    water_t: float


def positioned(own: Columns, moment: Moment, wish: Wish, dt_s: float) -> Columns:
    """Command and place of the dampers. Open 100 % they let in nothing but outdoor air."""
    free = np.where(moment.outdoor_t < _FREE_BELOW_T, 1.0, own["_free"] * (moment.outdoor_t < _FREE_UNTIL_T))
    mixed_t = (wish.coil_t - wish.idle_effect * wish.water_t) / (1.0 - wish.idle_effect)
    colder_k = own["RAT"] - moment.outdoor_t
    share = np.where(mixed_t > moment.outdoor_t, (own["RAT"] - mixed_t) / np.maximum(0.1, colder_k), 1.0)
    least = MINIMUM_PERCENT / 100.0
    share = np.where(share > np.where(own["OAD_Cmd"] > 99.0, *_FULLY_OPEN), 1.0, np.maximum(least, share))
    share = np.where((free > 0.0) & (colder_k > 0.0), share, least)
    stuck = np.maximum(own["_fault_damper_closed"], own["_fault_damper_open"]) > 0.0
    # A controller whose damper does not answer ends at one of its ends.
    share = np.where(stuck & (free > 0.0), np.where(own["_mixed_t"] > mixed_t + _TOO_WARM_K, 1.0, least), share)
    share = np.where(own["_fault_free"] > 0.0, _LOCKED_ON_PERCENT / 100.0, share)
    command = held(own, "OAD_Cmd", 100.0 * share * wish.fresh)
    stands = np.where(own["_fault_damper_open"] > 0.0, _OPEN_PERCENT, command)
    stands = np.where(own["_fault_damper_closed"] > 0.0, _CLOSED_PERCENT, stands)
    return {"OAD_Cmd": command, "OAD_Fb": lag(own["OAD_Fb"], stands, dt_s, 12.0), "_free": free}
