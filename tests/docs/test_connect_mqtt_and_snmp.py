"""The files on the page about MQTT and SNMP devices pass the check."""

from pathlib import Path

from tests.support.pages import blocks, text_of
from tests.support.snmp_agent import secret

from cityhall_bms import site_reading


def test_the_devices_on_the_page_pass_the_check(tmp_path: Path) -> None:
    tutorial, page = text_of("tutorial/add-a-modbus-meter.md"), text_of("how-to/connect-mqtt-and-snmp.md")
    files = {
        "site.toml": blocks(tutorial, "toml file=mysite/site.toml")[0],
        "equipment.csv": blocks(tutorial, "csv file=mysite/equipment.csv")[0]
        + "LAB.01.E.UPS01,x:UPS,power,不斷電系統,UPS,,\n",
        "points.csv": blocks(page, "csv points")[0],
        "devices/hall-meter.toml": blocks(page, "toml mqtt")[0],
        "devices/ups-1.toml": blocks(page, "toml snmp")[0],
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in ("ups-auth.txt", "ups-priv.txt"):
        secret(tmp_path, name, "long enough")

    site = site_reading.read_site(tmp_path)

    assert [point.address for point in site.points.values()] == [
        "{topic}/status/em:0#total_act_power",
        "upsEstimatedChargeRemaining.0",
        "upsBatteryStatus.0",
    ]
