"""Every route asks for something, and who does not have it is refused before anything else happens."""

import pytest
from tests.support.interface import DOCUMENT

from cityhall_bms.api import alarm_sockets
from cityhall_bms.api.permissions import PERMISSIONS, Door
from cityhall_bms.ports.access import Permission

OPERATIONS = {
    operation["operationId"]: (method, operation)
    for operations in DOCUMENT["paths"].values()
    for method, operation in operations.items()
}
SOCKETS = {route.name for route in alarm_sockets.router.routes}
QUESTIONS = {"check_rule"}
"""Sent with a body, and change nothing."""


def test_every_route_has_its_permission_and_no_other_has() -> None:
    assert set(PERMISSIONS) == set(OPERATIONS) | SOCKETS


def test_the_description_says_what_each_operation_asks_for() -> None:
    for name, (_, operation) in OPERATIONS.items():
        assert operation["x-permission"] == PERMISSIONS[name].value
        assert bool(operation["security"]) == (PERMISSIONS[name] is not Door.OPEN)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_who_may_only_read_changes_nothing(name: str) -> None:
    method, _ = OPERATIONS[name]
    if PERMISSIONS[name] is Permission.READ and name not in QUESTIONS:
        assert method == "get"
