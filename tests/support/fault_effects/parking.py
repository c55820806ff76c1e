"""What faults of the car park look like: the conditions of rules V01, V02 and of the common rules for fans."""

from tests.support.fault_effects.effect import Effect

EFFECTS = {
    "co_high": Effect(lambda v: v("CO") >= 100.0),
    "no2_high": Effect(lambda v: v("NO2") >= 3.0),
    "co_detector_fault": Effect(lambda v: v("Fault") == 1),
    # A fan that nobody asks for does not betray itself; in the rush hours all of them are asked.
    "parking_fan_fail": Effect(lambda v: (v("StartCmd") == 1) & (v("RunSts") == 0), hours=(7.6, 8.9)),
    "parking_fan_trip": Effect(lambda v: v("TripAlm") == 1),
    "parking_fan_local": Effect(lambda v: v("LocRem") == 0),
    "gate_fault": Effect(lambda v: (v("GateAlm") == 1) & (v("GateIn") == 3)),
    "plate_reader_offline": Effect(lambda v: v("LprSts") == 0),
    "bay_sensor_fault": Effect(lambda v: v("SensFault") > 0),
    "ev_ground_fault": Effect(lambda v: (v("Status") == 8) & (v("ErrCode") == 3)),
    "ev_connector_hot": Effect(lambda v: v("ConnTemp") > 80.0, onset_s=300.0, release_s=120.0),
    "ev_offline": Effect(lambda v: v("Status") == 7),
    "ev_overcurrent": Effect(lambda v: (v("Status") == 8) & (v("ErrCode") == 6)),
}
