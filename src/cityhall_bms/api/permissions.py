"""What every route of the API asks of who uses it: one table, by the names of the operations.

A route that is not in it is refused to everybody, and a test finds it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from cityhall_bms.ports.access import Permission

_P = Permission


class Door(StrEnum):
    """What a route asks for where it is no permission: nothing, or only to be somebody."""

    OPEN = "open"
    SIGNED_IN = "signed_in"


Asked = Permission | Door

BUILDING_WIDE: Final = frozenset({_P.EDIT_RULES, _P.EDIT_ENERGY, _P.ADMINISTER})
"""What concerns the whole building: a role for some zones is not enough."""

PERMISSIONS: Final[Mapping[str, Asked]] = {
    # To look.
    "alarm_feed": _P.READ,
    "alarm_figures": _P.READ,
    "alarm_groups": _P.READ,
    "alarm_socket": _P.READ,
    "bad_actors": _P.READ,
    "command_choices": _P.READ,
    "command_stream": _P.READ,
    "compare_before_after": _P.READ,
    "compare_periods": _P.READ,
    "demand_stream": _P.READ,
    "device_priorities": _P.READ,
    "diagnose_device": _P.READ,
    "explain_alarm": _P.READ,
    "flood_forensics": _P.READ,
    "get_alarm": _P.READ,
    "get_amounts": _P.READ,
    "get_asset": _P.READ,
    "get_balance": _P.READ,
    "get_baseline": _P.READ,
    "get_bill": _P.READ,
    "get_bulk": _P.READ,
    "get_carbon": _P.READ,
    "get_charging": _P.READ,
    "get_command": _P.READ,
    "get_consumption": _P.READ,
    "get_costs": _P.READ,
    "get_demand": _P.READ,
    "get_demand_peaks": _P.READ,
    "get_document": _P.READ,
    "get_durations": _P.READ,
    "get_energy_target": _P.READ,
    "get_equipment": _P.READ,
    "get_export": _P.READ,
    "get_hand_over": _P.READ,
    "get_history": _P.READ,
    "get_indoor_air": _P.READ,
    "get_indoor_air_compliance": _P.READ,
    "get_label": _P.READ,
    "get_measure": _P.READ,
    "get_meter": _P.READ,
    "get_meter_amounts": _P.READ,
    "get_night_flow": _P.READ,
    "get_permit": _P.READ,
    "get_places": _P.READ,
    "get_point": _P.READ,
    "get_rainwater": _P.READ,
    "get_read_plan": _P.READ,
    "get_reading": _P.READ,
    "get_report": _P.READ,
    "get_rule": _P.READ,
    "get_rule_backtest": _P.READ,
    "get_rule_backtest_result": _P.READ,
    "get_running_demand": _P.READ,
    "get_samples": _P.READ,
    "get_savings": _P.READ,
    "get_shedding": _P.READ,
    "get_site": _P.READ,
    "get_source": _P.READ,
    "get_state": _P.READ,
    "get_tariff_periods": _P.READ,
    "get_tariffs": _P.READ,
    "get_tenants": _P.READ,
    "get_trend": _P.READ,
    "get_unmet_hours": _P.READ,
    "get_walk": _P.READ,
    "get_water_use": _P.READ,
    "get_what_if": _P.READ,
    "get_work_order": _P.READ,
    "list_adjustments": _P.READ,
    "list_air_inspections": _P.READ,
    "list_air_samples": _P.READ,
    "list_alarms": _P.READ,
    "list_assets": _P.READ,
    "list_baselines": _P.READ,
    "list_commands": _P.READ,
    "list_devices": _P.READ,
    "list_energy_targets": _P.READ,
    "list_equipment": _P.READ,
    "list_exports": _P.READ,
    "list_fire_tests": _P.READ,
    "list_floods": _P.READ,
    "list_gaps": _P.READ,
    "list_hand_overs": _P.READ,
    "list_indicators": _P.READ,
    "list_indoor_air_exceedances": _P.READ,
    "list_indoor_air_monitors": _P.READ,
    "list_maintenance_due": _P.READ,
    "list_maintenance_plans": _P.READ,
    "list_measures": _P.READ,
    "list_meters": _P.READ,
    "list_notifications": _P.READ,
    "list_overrides": _P.READ,
    "list_patrol_findings": _P.READ,
    "list_patrol_rounds": _P.READ,
    "list_patrol_routes": _P.READ,
    "list_permits": _P.READ,
    "list_points": _P.READ,
    "list_quarantine": _P.READ,
    "list_readings": _P.READ,
    "list_report_kinds": _P.READ,
    "list_reports": _P.READ,
    "list_restatements": _P.READ,
    "list_rule_backtests": _P.READ,
    "list_rules": _P.READ,
    "list_steps": _P.READ,
    "list_suppressions": _P.READ,
    "list_work_orders": _P.READ,
    "list_walks": _P.READ,
    "point_priorities": _P.READ,
    "point_stream": _P.READ,
    "print_hand_over": _P.READ,
    "search_alarm_history": _P.READ,
    "stale_alarms": _P.READ,
    # Alarms, shifts and permits.
    "acknowledge_alarm": _P.HANDLE_ALARMS,
    "acknowledge_alarms": _P.HANDLE_ALARMS,
    "close_permit": _P.HANDLE_ALARMS,
    "comment_alarm": _P.HANDLE_ALARMS,
    "open_permit": _P.HANDLE_ALARMS,
    "prepare_hand_over": _P.HANDLE_ALARMS,
    "reset_alarm": _P.HANDLE_ALARMS,
    "reset_alarms": _P.HANDLE_ALARMS,
    "return_alarm_to_service": _P.HANDLE_ALARMS,
    "shelve_alarm": _P.HANDLE_ALARMS,
    "sign_hand_over": _P.HANDLE_ALARMS,
    "take_alarm_out_of_service": _P.HANDLE_ALARMS,
    "unshelve_alarm": _P.HANDLE_ALARMS,
    # The plant.
    "answer_shedding": _P.COMMAND,
    "cancel_command": _P.COMMAND,
    "confirm_command": _P.COMMAND,
    "extend_override": _P.COMMAND,
    "propose_bulk": _P.COMMAND,
    "select_point": _P.COMMAND,
    "approve_bulk": _P.APPROVE,
    "approve_command": _P.APPROVE,
    # Rules.
    "backtest_rule": _P.EDIT_RULES,
    "check_rule": _P.READ,
    "draft_rule": _P.EDIT_RULES,
    "drop_rule_draft": _P.EDIT_RULES,
    "end_rule_shadow": _P.EDIT_RULES,
    "promote_rule": _P.EDIT_RULES,
    "start_rule_shadow": _P.EDIT_RULES,
    # Counters and points.
    "decide_step": _P.EDIT_POINTS,
    "record_exchange": _P.EDIT_POINTS,
    "check_point": _P.EDIT_POINTS,
    "examine_device": _P.EDIT_POINTS,
    "sign_off_walk": _P.EDIT_POINTS,
    # Energy.
    "add_adjustment": _P.EDIT_ENERGY,
    "adopt_baseline": _P.EDIT_ENERGY,
    "approve_readings": _P.EDIT_ENERGY,
    "ask_second_opinion": _P.EDIT_ENERGY,
    "enter_reading": _P.EDIT_ENERGY,
    "fit_baseline": _P.EDIT_ENERGY,
    "import_readings": _P.EDIT_ENERGY,
    "keep_document": _P.EDIT_ENERGY,
    "move_measure": _P.EDIT_ENERGY,
    "propose_measure": _P.EDIT_ENERGY,
    "record_measurement": _P.EDIT_ENERGY,
    "reject_reading": _P.EDIT_ENERGY,
    "revise_measure": _P.EDIT_ENERGY,
    "withdraw_adjustment": _P.EDIT_ENERGY,
    # Work at the plant.
    "add_air_action": _P.MAINTAIN,
    "add_air_inspection": _P.MAINTAIN,
    "add_air_sample": _P.MAINTAIN,
    "close_patrol_finding": _P.MAINTAIN,
    "exchange_asset": _P.MAINTAIN,
    "file_fire_test": _P.MAINTAIN,
    "keep_maintenance_document": _P.MAINTAIN,
    "move_work_order": _P.MAINTAIN,
    "open_work_order": _P.MAINTAIN,
    "record_asset": _P.MAINTAIN,
    "record_fire_test": _P.MAINTAIN,
    "record_patrol_round": _P.MAINTAIN,
    "record_work": _P.MAINTAIN,
    "withdraw_air_entry": _P.MAINTAIN,
    # What leaves the house.
    "ask_export": _P.EXPORT,
    "export_costs": _P.EXPORT,
    "export_gaps": _P.EXPORT,
    "export_restatements": _P.EXPORT,
    "export_samples": _P.EXPORT,
    "get_export_file": _P.EXPORT,
    "get_export_manifest": _P.EXPORT,
    "withdraw_export": _P.EXPORT,
    # Reports.
    "ask_report": _P.REPORT,
    "get_report_file": _P.REPORT,
    "get_report_manifest": _P.REPORT,
    "preview_report": _P.REPORT,
    # The record.
    "check_event_chain": _P.AUDIT,
    "export_audit_events": _P.AUDIT,
    "list_event_kinds": _P.AUDIT,
    "list_events": _P.AUDIT,
    "search_events": _P.AUDIT,
    # Accounts and channels.
    "create_account": _P.ADMINISTER,
    "disable_account": _P.ADMINISTER,
    "enable_account": _P.ADMINISTER,
    "end_session": _P.ADMINISTER,
    "get_account": _P.ADMINISTER,
    "grant_roles": _P.ADMINISTER,
    "invite_account": _P.ADMINISTER,
    "list_accounts": _P.ADMINISTER,
    "list_sessions": _P.ADMINISTER,
    "list_tokens": _P.ADMINISTER,
    "revoke_token": _P.ADMINISTER,
    "test_notification": _P.ADMINISTER,
    "unlock_account": _P.ADMINISTER,
    # Oneself.
    "change_password": Door.SIGNED_IN,
    "end_own_session": Door.SIGNED_IN,
    "get_session": Door.SIGNED_IN,
    "keep_session": Door.SIGNED_IN,
    "list_own_sessions": Door.SIGNED_IN,
    "list_own_tokens": Door.SIGNED_IN,
    "make_own_token": Door.SIGNED_IN,
    "revoke_own_token": Door.SIGNED_IN,
    "sign_out": Door.SIGNED_IN,
    # Before one is anybody.
    "healthz": Door.OPEN,
    "metrics": Door.OPEN,
    "read_invitation": Door.OPEN,
    "readyz": Door.OPEN,
    "sign_in": Door.OPEN,
}
"""What each operation asks for."""


def described(openapi: dict[str, Any]) -> dict[str, Any]:
    """Say in the description of the interface what each operation asks for, and how one proves who one is."""
    openapi["components"]["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": "bms-session"},
        "token": {"type": "http", "scheme": "bearer"},
    }
    for operations in openapi["paths"].values():
        for operation in operations.values():
            asked = PERMISSIONS[operation["operationId"]]
            operation["x-permission"] = asked.value
            operation["security"] = [] if asked is Door.OPEN else [{"session": []}, {"token": []}]
    return openapi
