"""What faults of the control network and the telephones look like: the conditions of rule T01."""

from tests.support.fault_effects.effect import Effect

EFFECTS = {
    "gateway_offline": Effect(lambda v: v("Online") == 0),
    "controller_disk_full": Effect(lambda v: v("DiskPct") > 95.0, onset_s=600.0, release_s=300.0),
    "poll_lag": Effect(lambda v: v("PollLagS") > 3 * 30.0),
    "trunk_busy": Effect(lambda v: v("TrunkBusy") > 90.0),
    "trunk_alarm": Effect(lambda v: v("TrunkAlm") == 1),
}
