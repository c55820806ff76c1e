"""Looking into real servers: what they offer, and their variables as points."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import ua
from tests.support.opcua_server import Plant, bound, free_port, opcua_device, opcua_point, opcua_server, secured

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import DiscoveringFactory, FoundDevice
from cityhall_drivers.opcua import DRIVER, stack_browse
from cityhall_drivers.opcua.certificates import fingerprint
from cityhall_drivers.opcua.found import parse_where

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant() -> AsyncIterator[Plant]:
    async with opcua_server({"CarPos": 5, "Bell": False, "Name": "lift 1", "Arr": [1.0, 2.0]}) as one:
        hall = await one.server.nodes.objects.add_object(ua.NodeId("Hall", 2), "2:Hall")
        supply = await hall.add_variable(ua.NodeId("Hall.SAT", 2), "2:SAT", 18.5)
        await supply.set_writable()
        await supply.add_property(ua.NodeId(), "0:EURange", ua.Range(Low=-10.0, High=60.0))
        unit = ua.EUInformation(DisplayName=ua.LocalizedText("°C"))
        await supply.add_property(ua.NodeId(), "0:EngineeringUnits", unit)
        described = ua.DataValue(ua.Variant(ua.LocalizedText("送風溫度")))
        await supply.write_attribute(ua.AttributeIds.Description, described)
        mode = await hall.add_variable(ua.NodeId("Hall.Mode", 2), "2:Mode", ua.UInt32(1), ua.VariantType.UInt32)
        names = [ua.LocalizedText("關"), ua.LocalizedText("開")]
        await mode.add_property(ua.NodeId(), "0:EnumStrings", names)
        free = await hall.add_variable(ua.NodeId("Hall.Free", 2), "2:Free", 1.5)
        await free.write_attribute(
            ua.AttributeIds.DataType, ua.DataValue(ua.Variant(ua.NodeId(ua.ObjectIds.BaseDataType)))
        )
        yield one


async def look(where: str, within_s: float = 20.0) -> list[FoundDevice]:
    factory = DRIVER()
    assert isinstance(factory, DiscoveringFactory)
    return [one async for one in factory.discover(where, SystemClock(), within_s=within_s)]


async def test_a_servers_numbers_are_found_with_all_that_it_says_of_them(plant: Plant) -> None:
    [device] = await look(plant.url)
    points = {point.address: point for point in device.points}
    assert set(points) == {
        "ns=2;s=CarPos", "ns=2;s=Bell", "ns=2;s=Hall.SAT", "ns=2;s=Hall.Mode", "ns=2;s=Hall.Free",
    }, "texts and arrays are no points"  # fmt: skip
    supply = points["ns=2;s=Hall.SAT"]
    assert (supply.kind, supply.unit, supply.low, supply.high, supply.text) == ("AO", "°C", -10.0, 60.0, "送風溫度")
    assert supply.writable
    assert points["ns=2;s=CarPos"].kind == "AI"
    assert not points["ns=2;s=CarPos"].writable
    assert points["ns=2;s=Bell"].kind == "DI"
    assert points["ns=2;s=Hall.Mode"].kind == "MI"
    assert points["ns=2;s=Hall.Mode"].states == {0: "關", 1: "開"}
    assert points["ns=2;s=Hall.Mode"].text == "Hall Mode"
    assert device.settings == {"url": plant.url}
    assert device.vendor, "asyncua's server names its maker"


async def test_what_is_found_can_be_read_as_it_is(plant: Plant) -> None:
    [device] = await look(plant.url)
    addressed = bound([opcua_point("P", address=point.address) for point in device.points])
    driver = DRIVER().create(opcua_device(str(device.settings["url"])), SystemClock())
    await driver.open()
    readings = await driver.read(driver.plan(addressed))
    await driver.close()
    assert readings.quality.tolist() == [Quality.GOOD] * len(device.points)


async def test_only_what_is_below_a_node_is_found(plant: Plant) -> None:
    [device] = await look(f"{plant.url} under ns=2;s=Hall")
    assert {point.address for point in device.points} == {"ns=2;s=Hall.SAT", "ns=2;s=Hall.Mode", "ns=2;s=Hall.Free"}


async def test_references_that_come_in_several_answers_are_all_found(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await look(plant.url)
    view = plant.server.iserver.view_service
    browse, kept = view.browse, dict[bytes, list[ua.ReferenceDescription]]()

    def portion(references: list[ua.ReferenceDescription]) -> ua.BrowseResult:
        result = ua.BrowseResult(References=references[:2])
        if references[2:]:
            result.ContinuationPoint = str(len(kept)).encode()
            kept[result.ContinuationPoint] = references[2:]
        return result

    def in_portions(parameters: ua.BrowseParameters) -> list[ua.BrowseResult]:
        return [portion(one.References) for one in browse(parameters)]

    def browse_next(_session: object, parameters: ua.BrowseNextParameters) -> object:
        async def answer() -> list[ua.BrowseResult]:
            return [portion(kept[one]) for one in parameters.ContinuationPoints]

        return answer()

    monkeypatch.setattr(view, "browse", in_portions)
    # asyncua's server knows no BrowseNext: the client's side of it is what is looked at here.
    monkeypatch.setattr("asyncua.client.ua_session.UaSession.browse_next", browse_next)
    assert {one.address for one in (await look(plant.url))[0].points} == {one.address for one in whole[0].points}
    assert kept, "some came in portions"


async def test_a_walk_that_is_cut_short_says_so(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    [device] = await look(plant.url, within_s=0.0)
    assert device.points == []
    assert "not everything was seen" in device.text
    monkeypatch.setattr(stack_browse, "DEPTH_MAX", 1)
    [device] = await look(plant.url)
    assert "ns=2;s=Hall.SAT" not in {point.address for point in device.points}
    assert "not everything was seen" in device.text


async def test_a_secured_server_shows_what_it_offers_and_with_its_secrets_its_points(tmp_path: Path) -> None:
    server, site = tmp_path / "server", tmp_path / "site"
    server.mkdir()
    site.mkdir()
    async with opcua_server({"CarPos": 5}, identity=server, user=True) as vault:
        settings = secured(site, vault)
        [outside] = await look(vault.url)
        assert outside.points == ()
        assert "Aes256_Sha256_RsaPss" in outside.text
        assert fingerprint((server / "server.der").read_bytes()) in outside.text
        assert outside.settings["security"] == "Aes256_Sha256_RsaPss"

        words = " ".join(f"{key.replace('_', '-')} {value}" for key, value in settings.items())
        [inside] = await look(f"{vault.url} site {site} {words}")
        assert [point.address for point in inside.points] == ["ns=2;s=CarPos"]
        assert "correct horse" not in repr(inside)


async def test_looking_around_on_a_network_needs_no_reason_but_a_known_policy() -> None:
    assert not parse_where("opc.tcp://10.0.0.5:4840/").config.encrypted
    with pytest.raises(DriverConfigError, match="security"):
        parse_where("opc.tcp://10.0.0.5:4840/ security Basic256")


async def test_nobody_there_is_said_in_words() -> None:
    with pytest.raises(DeviceUnreachableError, match="no OPC UA server answers"):
        await look(f"opc.tcp://127.0.0.1:{free_port()}/")


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("10.0.0.5:4840", "write opc.tcp"),
        ("opc.tcp://10.0.0.5:4840/ under", "write opc.tcp"),
        ("opc.tcp://10.0.0.5:4840/ under Hall", "no NodeId"),
        ("opc.tcp://10.0.0.5:4840/ colour red", "'colour' is not understood"),
        ("opc.tcp://10.0.0.5:4840/ user bms password-file p.txt", "clear text"),
    ],
)
async def test_a_place_that_cannot_be_understood_is_told_with_what_to_write(where: str, words: str) -> None:
    with pytest.raises(DriverConfigError, match=words):
        parse_where(where)
