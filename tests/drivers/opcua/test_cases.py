"""Read responses as a server sent them, and what must be made of them. A new device is a folder under ``cases``."""

import contextlib
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from tests.support.opcua_server import bound, opcua_point

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.opcua.codec import decode
from cityhall_drivers.opcua.plan import OpcUaPlan
from cityhall_drivers.opcua.values import UnexpectedBytesError
from cityhall_drivers.opcua.wire import read_response

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_answer_gives_the_expected_values(case: Path) -> None:
    table = tomllib.loads((case / "device.toml").read_text(encoding="utf-8"))["point"]
    points = [opcua_point(row["role"], scale=row.get("scale", 1.0), offset=row.get("offset", 0.0)) for row in table]
    plan = OpcUaPlan(bound(points), [None] * len(points), [b""] * len(points), 100)
    body = bytes.fromhex((case / "response.hex").read_text())
    columns = decode(struct_from_binary(ua.ReadResponse, Buffer(body)).Results)
    with contextlib.suppress(UnexpectedBytesError):
        assert repr(read_response(body, len(points))) == repr(columns), "both decoders say the same"

    lines = [
        f"{point.role} {value:.10g} {Quality(quality).reason or 'good'} {when(at)}"
        for point, value, quality, at in zip(
            points,
            np.asarray(columns.value * plan.scale + plan.offset),
            columns.quality,
            columns.source_at,
            strict=True,
        )
    ]
    assert lines == (case / "expected.txt").read_text().splitlines()


def when(at_us: int) -> str:
    if not at_us:
        return "-"
    return datetime.fromtimestamp(int(at_us) / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
