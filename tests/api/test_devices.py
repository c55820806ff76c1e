"""Devices, and how one fares at its collector."""

from tests.support.api_rig import ApiRig


async def test_the_figures_of_a_device_come_from_its_collector(rig: ApiRig) -> None:
    name = min(rig.services.site.devices)
    rig.told.figures[name] = {"online": True, "scans": 12, "driver.medium": "127.0.0.1:5020", "driver.rate": None}
    answer = await rig.client.get(f"/api/v1/devices/{name}/diagnostics")
    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("at").endswith("Z")
    assert told == {"device": name, "collector": "collector-1", "figures": rig.told.figures[name]}


async def test_a_device_that_does_not_exist_is_not_asked_about(rig: ApiRig) -> None:
    answer = await rig.client.get("/api/v1/devices/nobody/diagnostics")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == "no device is named nobody; GET /api/v1/devices lists them"


async def test_without_its_collector_there_is_no_answer_and_it_may_be_asked_again(rig: ApiRig) -> None:
    name = min(rig.services.site.devices)
    answer = await rig.client.get(f"/api/v1/devices/{name}/diagnostics")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["detail"] == f"no collector answered for {name}"
