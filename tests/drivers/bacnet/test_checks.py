"""Every mistake of a BACnet device has its message, field and remedy."""

from typing import Any

import pytest
from tests.support.bacnet_device import bacnet_point, site_device

from cityhall_bms.domain.site import Device, Text
from cityhall_drivers.bacnet import DRIVER


def test_a_correct_device_has_no_problem() -> None:
    assert DRIVER().check(site_device(47808), [bacnet_point("analog-input,1", offset=-1.0)]) == []
    remote = {"host": "192.168.1.9", "device_instance": 7, "network": 5, "mac": "0xC0A80102BAC0", "bbmd": "10.0.0.1"}
    assert DRIVER().check(Device("d", Text("", ""), "bacnet", remote), []) == []


@pytest.mark.parametrize(
    ("settings", "field", "message", "remedy"),
    [
        ({"host": "controller-7"}, "host", "not 'controller-7'", "IPv4 address"),
        ({"port": 70000}, "port", "less than or equal to 65535", "UDP port"),
        ({"device_instance": 4194303}, "device_instance", "less than or equal to 4194302", "0 to 4194302"),
        ({"device_instance": "7"}, "device_instance", "valid integer", "instance number"),
        ({"objects_per_request_max": 0}, "objects_per_request_max", "greater than or equal to 1", "1 to 200"),
        ({"instance": 7}, "instance", "unknown key 'instance'", "did you mean 'device_instance'?"),
        ({"local_host": "0.0.0.0"}, "local_host", "this machine itself", '"127.0.0.1"'),
        ({"network": 5}, "mac", "network 5 has many devices", "0 to 255 of MS/TP"),
        ({"mac": 3}, "network", "a network that is not named", "the network behind the router"),
        ({"network": 65535, "mac": 1}, "network", "less than or equal to 65534", "1 to 65534"),
        ({"network": 5, "mac": 256}, "mac", "256", "0 to 255 of MS/TP"),
        ({"network": 5, "mac": "0x1"}, "mac", "0x1", "0 to 255 of MS/TP"),
        ({"mode": "subscribe"}, "mode", "'poll' or 'cov'", "'poll' or 'cov'"),
        ({"cov_lifetime_s": 30}, "cov_lifetime_s", "greater than or equal to 60", "60 to 3600 s"),
        ({"bbmd": "router-1"}, "bbmd", "router-1", "HOST:PORT"),
        ({"host": "192.168.1.9"}, "local_host", "reaches this machine only", "our own address"),
    ],
)
def test_a_mistake_of_the_device_names_its_key_and_remedy(
    settings: dict[str, Any], field: str, message: str, remedy: str
) -> None:
    table = {"host": "127.0.0.1", "device_instance": 1, "local_host": "127.0.0.1", **settings}
    (problem,) = DRIVER().check(Device("d", Text("", ""), "bacnet", table), [])
    assert (problem.field, problem.point) == (field, None)
    assert message in problem.message
    assert remedy in problem.remedy


def test_all_mistakes_are_found_at_once() -> None:
    device = Device("d", Text("", ""), "bacnet", {"port": "x"})
    found = DRIVER().check(device, [bacnet_point("analog-input,x"), bacnet_point("loop,1", type="bool")])
    assert [problem.field for problem in found] == ["host", "port", "device_instance", "address", "type"]
    assert found[3].point == found[4].point == "TCH.01.E.AHU01.P"
