"""Campaigns for the rules of power, water, lifts, car park, fire, security and the control network."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tests.support.rule_campaign import Strike
from tests.support.rule_cases.case import Campaign, Case

TAIPEI = ZoneInfo("Asia/Taipei")
HOUR_S, DAY_S = 3_600.0, 86_400.0
TANKS_S = 4_500.0
"""How long a float valve takes to fill a tank, or a drain to empty it."""

MORNING_CASES = (
    # Power
    Case("E03", "pf_bank_failure", "CAP01", 4),
    Case("CAP-ALM", "pf_bank_failure", "CAP01", 3),
    Case("E03-LEAD", "pf_leading", "CAP05", 4),
    Case("CAP-MAN", "pf_leading", "CAP05", 4),
    Case("E04", "harmonics", "LVP06", 4),
    Case("E04-I", "harmonics", "LVP06", 4),
    Case("E07-LV", "demand_peak", "HVM01", 3, at="LVP01"),
    Case("LVP-TRIP", "panel_trip", "LVP04", 2),
    Case("E05-TRIP", "gis_trip", "GIS05", 2),
    Case("E05-BAD", "breaker_bad", "GIS06", 2),
    Case("E05-SF6", "gis_sf6_leak", "GIS03", 1, within_s=2_400.0),
    Case("E05-LEAK", "gis_sf6_leak", "GIS03", 3, within_s=2_400.0),
    Case("E06", "transformer_hot", "TR04", 2, within_s=6_000.0),
    Case("E06-FAN", "transformer_hot", "TR04", 3),
    Case("E07", "transformer_overload", "TR02", 3),
    Case("E08-BATT", "ups_on_battery", "UPS01", 1, within_s=1_500.0),
    Case("E08-LOAD", "ups_overload", "UPS02", 1),
    Case("E08-BYP", "ups_bypass", "UPS03", 2),
    Case("E08-TEMP", "ups_battery_hot", "UPS04", 2),
    Case("E08-TEST", "ups_test_failed", "UPS02", 3),
    Case("E09-R", "battery_aged", "BAT01", 3),
    Case("E09-SOH", "battery_aged", "BAT01", 3),
    Case("E09-V", "battery_voltage", "BAT02", 3),
    Case("E10-START", "gen_start_fail", "GEN01", 1),
    Case("E10-FUEL", "gen_fuel_low", "GEN01", 2),
    Case("E10-MODE", "gen_not_auto", "GEN02", 2),
    Case("E10-COOL", "gen_coolant_hot", "GEN02", 2),
    Case("E10-BATT", "gen_battery_low", "GEN02", 2),
    Case("E11-ATS", "ats_fault", "ATS01", 1),
    Case("E11-LEAK", "fuel_leak", "FTK01", 1),
    Case("E11-FUEL", "fuel_tank_low", "FTK02", 3),
    Case("PV-FAULT", "pv_fault", "PV01", 3),
    Case("METER-DATA", "sensor_offset", "EM50.kW", 3, at="LVP03", within_s=900.0),
    # Water
    Case("W01-90", "tank_overflow", "TNK01", 2),
    Case("W01-30", "tank_empty", "TNK07", 2),
    Case("W01-FIRE", "fire_tank_low", "TNK13", 2),
    Case("W01-HI", "tank_overflow", "TNK02", 2, within_s=TANKS_S),
    Case("W01-LO", "tank_empty", "TNK03", 2, within_s=TANKS_S),
    Case("W01-FIRELO", "fire_tank_low", "TNK14", 2, within_s=TANKS_S),
    Case("W02", "sump_pump_fail", "SMP01", 1),
    Case("W02-CYC", "sump_cycling", "SMP07", 3),
    # A count is known once most of its window is.
    Case("WPP-LOCK", "pump_trip_water", "WPP03", 2, within_s=5_400.0),
    Case("W03", "water_leak", "WM01", 3),
    Case("W03-BATT", "meter_battery_low", "WM06", 4),
    Case("W04-TURB", "rain_turbid", "RWS01", 4),
    Case("W05-COLD", "dispenser_cold", "HWD01", 4),
    Case("W05-FILTER", "dispenser_filter_due", "HWD02", 4),
    # Lifts
    Case("L01", "lift_entrapment", "ELV01", 1),
    Case("L01-STOP", "lift_entrapment", "ELV01", 1),
    Case("L02", "lift_door_fault", "ELV02", 2),
    Case("L02-OOS", "lift_out_of_service", "ELV03", 4),
    Case("L02-NOREGEN", "lift_no_regen", "ELV04", 4, within_s=7_200.0),
    Case("L03", "escalator_overspeed", "ESC01", 1),
    Case("L03-STOP", "escalator_stop_button", "ESC03", 1),
    # Car park
    Case("V01", "ev_overcurrent", "EVSE01", 3),
    Case("V01-GND", "ev_ground_fault", "EVSE02", 2),
    Case("V01-HOT", "ev_connector_hot", "EVSE03", 2),
    Case("V01-OFF", "ev_offline", "EVSE04", 4),
    Case("V02-35", "co_high", "PKG01", 1),
    Case("V02-N25", "no2_high", "PKG02", 1),
    Case("V02-FAULT", "co_detector_fault", "PKG03", 3),
    Case("V02-FAN", "co_high", "PKG20", 1),
    Case("PMS-GATE", "gate_fault", "PMS01", 3),
    Case("PMS-LPR", "plate_reader_offline", "PMS02", 3),
    Case("PKZ-SENS", "bay_sensor_fault", "PKZ01", 4),
    # Fire protection, without a fire
    Case("F01-PRE", "fire_prealarm", "FZN02", 2, at="FACP01"),
    Case("F01-ZPRE", "fire_prealarm", "FZN02", 2),
    Case("F01-SUPV", "fire_supervisory", "FZN04", 2, at="FACP01"),
    Case("F01-ZSUPV", "fire_supervisory", "FZN04", 2),
    Case("F01-ZTRBL", "fire_loop_fault", "FZN05", 2),
    Case("F01-TRBL", "fire_trouble", "FACP01", 2),
    Case("F01-AC", "panel_ac_fail", "FACP01", 2),
    Case("F01-BATT", "panel_battery_fail", "FACP02", 2),
    Case("F01-COMM", "panel_comm_lost", "FACP02", 1),
    Case("F02-RUN", "fire_pump_running", "FPP01", 1),
    Case("F02-POWER", "fire_pump_power_lost", "FPP02", 2),
    Case("F02-AUTO", "fire_pump_not_auto", "FPP03", 2),
    Case("F02-AUTO", "smoke_fan_not_auto", "SMK01", 2),
    Case("F02-PRESS", "standing_pressure_low", "FPP04", 2),
    Case("F03-VALVE", "valve_tamper", "ACV06", 2),
    Case("F03-EOL", "end_pressure_low", "EOL07", 3),
    Case("F04", "shutter_closed", "FSH03", 2),
    Case("F04-MID", "shutter_stuck", "FSH04", 2),
    # Security
    Case("S01", "sos_pressed", "SOS01", 1),
    Case("S01-FAULT", "sos_fault", "SOS02", 3),
    Case("S01-IDST", "ids_tamper", "IDS02", 2),
    Case("S01-FORCE", "door_forced", "ACS01", 2),
    Case("S01-HELD", "door_held", "ACS02", 3),
    Case("S01-TAMP", "door_tamper", "ACS03", 2),
    Case("S02-CAM", "camera_offline", "CAM01", 3),
    Case("S02-CH", "recorder_channel_loss", "NVR02", 3),
    Case("S02-DISK", "recorder_disk_full", "NVR04", 3),
    Case("S02-DAYS", "recording_short", "NVR03", 3),
    Case("ICM-OFF", "intercom_offline", "ICM01", 3),
    Case("PAA-AMP", "pa_amplifier_fault", "PAA01", 3),
    # Control network
    Case("T01-OFF", "gateway_offline", "ICT07", 2),
    Case("T01-DISK", "controller_disk_full", "ICT01", 1),
    Case("T01-LAG", "poll_lag", "ICT08", 3),
    Case("T01-TRUNK", "trunk_busy", "PBX01", 3),
    Case("T01-PBX", "trunk_alarm", "PBX01", 3),
)

_STUCK_LEVELS = tuple(Strike("sensor_stuck", f"{tank}.Lvl", 300.0) for tank in ("TNK02", "TNK03", "TNK14"))
_NO_FAN = tuple(Strike("parking_fan_fail", fan, 300.0) for fan in ("PKF10", "PKF11", "PKF12"))
_THREE_TRIPS = tuple(Strike("pump_trip_water", "WPP03", at, at + 300.0) for at in (300.0, 900.0, 1_500.0))
_MORNING_ELSEWHERE = {
    ("E03", "HVM01"),  # the failed bank is missed by the line as well
    ("E07", "TR01"),  # the peak of demand sits on its panel
    ("E07", "TR05"),  # carries what the tripped bay fed
    ("W02", "SMP02"),  # the pit of the failed pumps has one float for three
    ("W02", "SMP03"),
    ("W01-90", "TNK09"),  # and it fills up
    ("S02-CH", "NVR01"),  # records the camera that is off line
    ("F01-TRBL", "FACP02"),  # a battery that failed is a trouble too
}


def _in_the_morning(rule: str, unit: str) -> bool:
    # Six detectors breathe the air of a quarter whose fans stand still.
    stale_air = rule in {"V02-35", "V02-FAN"} and "PKG19" <= unit <= "PKG24"
    return stale_air or (rule, unit) in _MORNING_ELSEWHERE


MORNING = Campaign(
    start=datetime(2026, 7, 1, 9, 55, tzinfo=TAIPEI),
    # Seconds at first, so that short delays are seen; minutes for what takes its time.
    lengths=((300.0, 60.0), (600.0, 2.0), (4_200.0, 30.0), (13_500.0, 60.0)),
    cases=MORNING_CASES,
    more=(*_STUCK_LEVELS, *_NO_FAN, *_THREE_TRIPS),
    explained=_in_the_morning,
)

SUPPLY = Campaign(
    start=datetime(2026, 7, 1, 13, 55, tzinfo=TAIPEI),
    lengths=((300.0, 60.0), (360.0, 2.0), (3_000.0, 10.0)),
    cases=(
        Case("E01", "overvoltage", "HVM01", 2),
        Case("E01-LV", "overvoltage", "HVM01", 2, at="LVP01"),
        Case("E02", "frequency_low", "HVM01", 2),
        Case("E01-UNB", "phase_loss", "HVM01", 3),
        Case("E01-UNB", "voltage_unbalance", "HVM02", 3),
    ),
    more=(
        Strike("overvoltage", "HVM01", 300.0, 900.0),
        Strike("frequency_low", "HVM01", 1_200.0, 1_500.0),
        Strike("phase_loss", "HVM01", 1_800.0, 2_400.0),
        Strike("voltage_unbalance", "HVM02", 2_400.0),
    ),
    # Everything on a line has its voltage.
    explained=lambda rule, unit: rule in {"E01", "E01-LV", "E01-UNB"} and unit.startswith(("HVM", "LVP")),
)

OUTAGE = Campaign(
    start=datetime(2026, 7, 1, 14, 55, tzinfo=TAIPEI),
    lengths=((300.0, 60.0), (420.0, 2.0), (900.0, 10.0)),
    cases=(
        Case("E01-LOSS", "supply_loss", "HVM01", 1),
        Case("E10-CALL", "gen_start_fail", "GEN01", 1),
        Case("E11-POS", "supply_loss", "HVM01", 3, at="ATS02"),
        Case("T01-PSU", "supply_loss", "HVM01", 3, at="PBX01"),
    ),
    # Nothing is spared; but the second generator runs.
    explained=lambda rule, _unit: rule != "E10-CALL",
)

FIRE = Campaign(
    start=datetime(2026, 7, 1, 15, 55, tzinfo=TAIPEI),
    lengths=((300.0, 60.0), (420.0, 2.0), (1_800.0, 15.0)),
    cases=(
        Case("F01", "fire_alarm", "FZN01", 1, at="FACP01"),
        Case("F01-Z", "fire_alarm", "FZN01", 1),
        Case("L02-MODE", "fire_alarm", "FZN01", 2, at="ELV05"),
        Case("F02-FAN", "fire_alarm", "FZN01", 2, at="SMK03"),
        Case("F03-FLOW", "sprinkler_flow", "ACV05", 1),
        Case("F03-FOAM", "foam_flow", "FOM01", 1),
        Case("F03-CONC", "foam_flow", "FOM01", 3, within_s=900.0),
    ),
    # Pumps and fans run, shutters close and lifts go home, as they should: no shutter rings.
    explained=lambda rule, unit: (
        rule in {"F01", "F01-Z", "L02-MODE", "F02-RUN", "F02-FAN"} or (rule, unit[:3]) == ("F02-PRESS", "FPP")
    ),
)

NIGHT = Campaign(
    start=datetime(2026, 7, 1, 18, 55, tzinfo=TAIPEI),
    lengths=((300.0, 60.0), (420.0, 2.0), (1_500.0, 20.0), (45_600.0, 120.0)),
    cases=(
        Case("W05-SCHED", "dispenser_outside_schedule", "HWD03", 4, within_s=0.0),
        Case("E10-OIL", "gen_oil_low", "GEN01", 2),
        Case("E06-TRIP", "transformer_trip", "TR05", 1),
        Case("W01-FIREHI", "tank_overflow", "TNK14", 3),
        Case("S01-IDS", "intrusion", "IDS01", 1),
        Case("F01-ISOL", "zone_isolated", "FZN03", 3),
        # Pumps from half past six to half past seven.
        Case("W04-UV", "uv_lamp_off", "RWS01", 4, within_s=11.6 * HOUR_S),
    ),
    more=(Strike("intrusion", "IDS01", 4.2 * HOUR_S),),
)

_METERS_ON_THE_WAY = ("WM01", "WM02", "WM03", "WM10", "WM21")
"""Inlets, the floor whose tap fills the rain tank, and the meters that leak or burst themselves."""


def _in_the_month(rule: str, unit: str) -> bool:
    if rule.startswith("W03-"):
        return unit in _METERS_ON_THE_WAY
    # A burst pipe empties the tanks; what a transformer counts too little is missed by its line.
    return (rule, unit[:3]) == ("W01-30", "TNK") or (rule, unit) in {
        ("METER-BALANCE-HV", "HVM01"),
        ("L02-NOREGEN", "ELV05"),
    }


MONTH = Campaign(
    start=datetime(2026, 6, 1, 0, 0, tzinfo=TAIPEI),
    lengths=((34.0 * DAY_S, HOUR_S),),
    strike_s=23.0 * DAY_S,
    cases=(
        Case("E13-ZERO", "meter_dead", "EM20", 4),
        Case("E13-NIGHT", "night_load", "EM18", 4, within_s=DAY_S + 4 * HOUR_S),
        Case("METER-BALANCE", "meter_dead", "EM20", 4, at="LVP07", within_s=DAY_S),
        Case("METER-BALANCE", "meter_ct_wrong", "EM59", 3, at="LVP02", within_s=DAY_S),
        Case("METER-BALANCE-TR", "counter_slow", "TR02.kWh", 3, within_s=DAY_S),
        Case("METER-BALANCE-HV", "counter_slow", "HVM02.kWh", 3, within_s=DAY_S),
        Case("W03-JUMP", "night_leak", "WM06", 3, within_s=DAY_S + 4 * HOUR_S),
        Case("W03-NIGHT", "night_leak", "WM06", 3, within_s=3 * DAY_S + 4 * HOUR_S),
        Case("W03-REST", "night_leak", "WM21", 3, within_s=7 * DAY_S + 4 * HOUR_S),
        Case("W03-BURST", "pipe_burst", "WM10", 2, within_s=0.0),
        Case("W04-TAP", "rain_topup_stuck", "RWS01", 4, within_s=7 * DAY_S),
        Case("L02-REGEN", "lift_no_regen", "ELV05", 4, within_s=23.0 * DAY_S),
        Case("WPP-ALT", "pump_alternation_lost", "WPP05", 4, within_s=7 * DAY_S),
    ),
    more=(Strike("lift_no_regen", "ELV05", 0.0), Strike("pump_alternation_lost", "WPP05", 10.0 * DAY_S)),
    explained=_in_the_month,
)

CAMPAIGNS = {
    "morning": MORNING,
    "supply": SUPPLY,
    "outage": OUTAGE,
    "fire": FIRE,
    "night": NIGHT,
    "month": MONTH,
}
