"""What the faults of lifts and escalators look like."""

import numpy as np
from numpy.typing import NDArray
from tests.support.fault_effects.effect import Effect

_SAMPLES = 15
_TRIPS = 4.0


def _risen(counter: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much a counter rose within the last samples."""
    counter = np.atleast_1d(counter)
    risen: NDArray[np.float64] = counter - counter[np.maximum(np.arange(len(counter)) - _SAMPLES, 0)]
    return risen


EFFECTS = {
    # domain.md L01
    "lift_entrapment": Effect(
        lambda v: (
            (v("AlmBell") == 1)
            & (v("FaultSig") == 8)
            & (v("DoorSts") == 0)
            & (v("DriveSts") == 1)
            & (v("LoadPct") > 0.0)
            & (v("CarPos") != np.round(v("CarPos")))
        ),
        onset_s=1,
        release_s=1,
    ),
    # domain.md L02, signals of the BACnet Lift object; a car that runs goes on to its next landing first
    "lift_door_fault": Effect(lambda v: (v("FaultSig") == 6) & (v("DoorSts") == 3)),
    "lift_drive_fault": Effect(lambda v: (v("FaultSig") == 1) & (v("DriveSts") == 1)),
    "lift_no_regen": Effect(
        lambda v: (v("kWhRegen") > 0.0) & (_risen(v("Trips")) >= _TRIPS) & (_risen(v("kWhRegen")) <= 0.0),
        onset_s=3_600,
        release_s=1_800,
        hours=(9.0, 17.0),
    ),
    "lift_out_of_service": Effect(lambda v: v("CarMode") == 12),
    # domain.md L03
    "escalator_stop_button": Effect(lambda v: (v("StopBtn") == 1) & (v("Mode") == 1)),
    "escalator_overspeed": Effect(lambda v: (v("FaultSig") == 3) & (v("Mode") == 1)),
    "escalator_fault": Effect(lambda v: (v("FaultSig") == 1) & (v("Mode") == 1)),
}
