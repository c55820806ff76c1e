"""What faults of air handling look like. Limits are those of domain.md, sections 4, 7 and 9."""

import numpy as np
from numpy.typing import NDArray
from tests.support.fault_effects.effect import Effect, Look

DAY = (9.5, 17.0)
"""Hours in which everything has been running for a while."""
EVENING = (18.5, 23.5)
_MINUTE, _HALF_HOUR = 60.0, 1_800.0

Seen = NDArray[np.bool_]


def _stands_commanded(v: Look) -> Seen:
    return (v("StartCmd") == 1) & (v("RunSts") == 0) & (v("TripAlm") == 0) & (v("LocRem") == 1)


def _fan_fails(v: Look) -> Seen:
    return _stands_commanded(v) & (v("DuctSmoke") == 0)


def _smoke(v: Look) -> Seen:
    return (v("DuctSmoke") == 1) & (v("RunSts") == 0)


def _trip(v: Look) -> Seen:
    return (v("TripAlm") == 1) & (v("RunSts") == 0)


def _in_use(v: Look) -> Seen:
    return (v("RunSts") == 1) & (v("OccMode") == 1)


def _valve_does_not_follow(v: Look) -> Seen:
    """FC13 with H13: wide open by command, the air still warm; the valve stands elsewhere."""
    warm = v("SAT") > v("SAT_SP") + 2.8
    return _in_use(v) & (v("CCV_Cmd") >= 99) & (v("CCV_Fb") < 90) & warm


def _valve_passes(v: Look) -> Seen:
    """VALVE-LEAK: closed by command, and the air is cooled by more than 3 K (with 1.1 K of the fan)."""
    return _in_use(v) & (v("CCV_Cmd") == 0) & (v("SAT") < v("MAT") + 1.1 - 3.0)


def _coil_too_weak(v: Look) -> Seen:
    """FC13, the valve being open in truth."""
    return _in_use(v) & (v("CCV_Fb") >= 99) & (v("SAT") > v("SAT_SP") + 1.1)


def _relies_on_warm_air(v: Look) -> Seen:
    """FC9: outdoor air alone is to cool, and cannot."""
    between = (v("OAD_Cmd") > 25) & (v("OAD_Cmd") < 95)
    return _in_use(v) & (v("CCV_Cmd") == 0) & between & (v("SAT") > v("SAT_SP") + 2.8)


def _sensor_on_coil(v: Look) -> Seen:
    """FC12: air warmer behind the coil than before it, by more than a fan can warm it."""
    return _in_use(v) & (v("CCV_Cmd") > 0) & (v("SAT") - 1.1 - 1.1 >= v("MAT") + 2.8)


def _hunts(v: Look) -> Seen:
    """HUNT: at one end or the other, never where a summer's day holds it."""
    return _in_use(v) & ((v("CCV_Cmd") == 0) | (np.abs(v("CCV_Cmd") - 97.0) < 0.01)) & (v("OAD_Cmd") < 25)


def _slips(v: Look) -> Seen:
    """FC1."""
    return _in_use(v) & (v("DSP") < v("DSP_SP") - 25) & (v("SpdFb") >= 94)


def _runs_unasked(v: Look) -> Seen:
    """UNOCC: by nobody's order."""
    return (v("RunSts") == 1) & (v("OccMode") == 0) & (v("SchOvr") == 0)


def _damper_shut(v: Look) -> Seen:
    return _in_use(v) & (v("OAD_Cmd") > 15) & (v("OAD_Fb") < 5)


def _damper_open(v: Look) -> Seen:
    return _in_use(v) & (v("OAD_Fb") > v("OAD_Cmd") + 30)


def _room_in_use(v: Look) -> Seen:
    """A box says so itself; a fan coil runs."""
    try:
        return v("OccMode") == 1
    except KeyError:
        return v("RunSts") == 1


def _room_hot(v: Look) -> Seen:
    """H16 begins at 28 °C, where also a sound room may be for minutes when it wakes in summer."""
    return _room_in_use(v) & (v("ZoneT") > 29.5)


def _room_cold(v: Look) -> Seen:
    """H16."""
    return _room_in_use(v) & (v("ZoneT") < 24)


def _short_of_flow(v: Look) -> Seen:
    """VAV-FLOW: starved."""
    return (v("Flow") < 0.5 * v("FlowSP")) & (v("DmprCmd") > 97.5)


def _box_leaks(v: Look) -> Seen:
    """VAV-LEAK: a tenth of the box's 1,500 m³/h through a closed damper."""
    return (v("OccMode") == 1) & (v("DmprCmd") == 0) & (v("Flow") > 150)


def _flow_without_fan(v: Look) -> Seen:
    """VAV-SENSOR."""
    return (v("FlowSP") == 0) & (v("Flow") > 150)


EFFECTS = {
    "ahu_fan_fail": Effect(_fan_fails, hours=DAY),
    "ahu_trip": Effect(_trip),
    "ahu_drive_fault": Effect(lambda v: (v("VfdFault") == 1) & (v("TripAlm") == 0) & (v("RunSts") == 0)),
    "ahu_drive_stuck": Effect(lambda v: _in_use(v) & (v("SpdCmd") - v("SpdFb") > 10.0), onset_s=300.0, hours=DAY),
    "left_in_local": Effect(lambda v: v("LocRem") == 0),
    "duct_smoke": Effect(_smoke),
    "stuck_valve": Effect(_valve_does_not_follow, onset_s=300.0, release_s=300.0, hours=DAY),
    "leaking_valve": Effect(_valve_passes, onset_s=300.0, release_s=300.0, hours=DAY),
    "fouled_coil": Effect(_coil_too_weak, onset_s=300.0, release_s=300.0, hours=DAY),
    "filter_clogged": Effect(lambda v: v("FltDP") > 250, hours=DAY),
    "oa_damper_stuck": Effect(_damper_shut, onset_s=120.0, hours=DAY),
    "oa_damper_stuck_open": Effect(_damper_open, onset_s=120.0, hours=DAY),
    "free_cooling_stuck_on": Effect(_relies_on_warm_air, onset_s=300.0, release_s=300.0, hours=DAY),
    "mixed_air_sensor_on_coil": Effect(_sensor_on_coil, hours=DAY),
    "ahu_hunting": Effect(_hunts, hours=DAY),
    "duct_static_low": Effect(_slips, hours=DAY),
    "runs_outside_schedule": Effect(_runs_unasked, hours=EVENING),
    "fcu_left_on": Effect(lambda v: (v("RunSts") == 1) & (v("ModeCmd") == 2), hours=EVENING),
    "fcu_heats_and_cools": Effect(lambda v: (v("ModeCmd") == 3) & (v("VlvCmd") > 10), hours=DAY),
    "zone_hot": Effect(_room_hot, onset_s=_HALF_HOUR, release_s=_HALF_HOUR, hours=DAY),
    "zone_overcooled": Effect(_room_cold, onset_s=_HALF_HOUR, release_s=_HALF_HOUR, hours=DAY),
    "vav_damper_stuck": Effect(_short_of_flow, onset_s=300.0, release_s=300.0, hours=DAY),
    "vav_leak": Effect(_box_leaks, onset_s=120.0, release_s=120.0, hours=DAY),
    "vav_flow_sensor_offset": Effect(_flow_without_fan, hours=EVENING),
    "ef_fail": Effect(_stands_commanded, hours=DAY),
    "pac_fail": Effect(lambda v: (v("RunSts") == 0) & (v("RetT") > 27), onset_s=_HALF_HOUR, release_s=_MINUTE),
    "pac_leak": Effect(lambda v: v("LeakAlm") == 1),
    "pac_filter": Effect(lambda v: v("FltAlm") == 1),
    "iaq_co2_high": Effect(lambda v: v("CO2") > 1000, onset_s=1_200.0, release_s=_HALF_HOUR),
    "iaq_co_high": Effect(lambda v: v("CO") > 9, onset_s=1_200.0, release_s=_HALF_HOUR),
    "iaq_pm25_high": Effect(lambda v: v("PM25") > 35, onset_s=1_200.0, release_s=_HALF_HOUR),
    "iaq_hcho_high": Effect(lambda v: v("HCHO") > 0.08, onset_s=1_200.0, release_s=_HALF_HOUR),
    "iaq_tvoc_high": Effect(lambda v: v("TVOC") > 0.56, onset_s=1_200.0, release_s=_HALF_HOUR),
}
