"""From a value to the bytes that the device sent, also of a moment long past."""

from tests.support.api_rig import CHILLER, ApiRig

from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.batch import RawRecord, SampleBatch
from cityhall_bms.ports.telemetry_log import LoggedBatch
from cityhall_drivers.modbus.codec import Block, Table
from cityhall_drivers.modbus.raw import frame

SECOND = 1_000_000
AIR = "TCH.01.E.AHU01.SAT"
"""Register input:7, float32 CDAB, x0.1 -10, of device ahu-1."""
NUMBERS = iter(range(1, 100))


async def send(rig: ApiRig, at: int, registers: str) -> None:
    """The device answers; its scan is kept beside the samples."""
    data = bytes.fromhex(registers)
    raw = RawRecord("ahu-1", at, frame(Block(Table.INPUT, 7, len(data) // 2, ()), data))
    number = next(NUMBERS)
    batch = SampleBatch.gather("raw", 1, number, at, [], raws=(raw,))
    await rig.history.store([LoggedBatch(10_000 + number, batch)])


async def test_a_value_leads_to_its_register_and_to_the_bytes_it_was_made_of(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    await send(rig, now - 20 * SECOND, "0000 4348")  # 200.0, low word first: 10 °C
    await send(rig, now - 10 * SECOND, "0000 4396")  # 300.0: 20 °C

    source = (await rig.client.get(f"/api/v1/points/{AIR}/source")).json()
    before = (await rig.client.get(f"/api/v1/points/{AIR}/source", params={"at": to_rfc3339(now - 15 * SECOND)})).json()

    assert (source["protocol"], source["address"], source["encoding"]) == ("modbus", "input:7", "float32 CDAB x0.1 -10")
    assert (source["raw"]["bytes"], source["raw"]["at"]) == ("0000 4396", to_rfc3339(now - 10 * SECOND))
    ways = {way["encoding"]: (way["value"], way["plausible"]) for way in source["raw"]["candidates"]}
    assert ways["float32 CDAB"] == (20.0, True)
    assert not ways["int32 ABCD"][1]
    assert before["raw"]["bytes"] == "0000 4348"


async def test_where_nothing_is_kept_it_says_so(rig: ApiRig) -> None:
    source = (await rig.client.get(f"/api/v1/points/{CHILLER}.CHWS_T/source")).json()
    unknown = await rig.client.get("/api/v1/points/NO/source")
    assert source["raw"] is None
    assert unknown.status_code == 404
