"""A folder of history is read as the reference page says, or refused whole."""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.history_folders import (
    GOLDEN,
    GOLDEN_FIRST_US,
    GOLDEN_POINTS,
    HOUR_US,
    chunk,
    golden_days,
    write_folder,
)
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.history_folder import HistoryFolder, check_history, open_history
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.errors import HistoryFileError, SiteError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Site

IDS = {GOLDEN_POINTS[0]: 9, GOLDEN_POINTS[1]: 4, GOLDEN_POINTS[2]: 7}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return load_site(write_site(tmp_path / "site"), {"modbus": CheckingFactory()})


def opened(folder: Path, site: Site) -> HistoryFolder:
    return open_history(folder, site, IDS)


def test_the_golden_folder_is_read_to_the_bit(site: Site) -> None:
    file = opened(GOLDEN, site)

    assert file.plan.source == f"import:{hashlib.sha256((GOLDEN / 'manifest.json').read_bytes()).hexdigest()[:16]}"
    assert (file.plan.interval_us, file.plan.provenance) == (HOUR_US, "simulated")
    assert file.plan.edges == tuple(GOLDEN_FIRST_US + 24 * HOUR_US * day for day in range(3))
    assert sorted(np.concatenate(file.plan.sets).tolist()) == [4, 7, 9]
    for number, day in enumerate(golden_days(), 1):
        read = file.read_day(number)
        assert read.point.tolist() == [4, 7, 9]
        assert read.at.tolist() == [GOLDEN_FIRST_US + ((number - 1) * 24 + hour) * HOUR_US for hour in range(24)]
        for row, place in enumerate((1, 2, 0)):
            values = [moment[place] for moment in day]
            expected = np.array([np.nan if value is None else value for value in values])
            assert read.value[row].tobytes() == expected.tobytes()
            marks = [Quality.BAD_DEVICE_FAULT if value is None else Quality.GOOD for value in values]
            assert read.quality[row].tolist() == marks


def test_every_mistake_of_the_manifest_is_told_at_once(tmp_path: Path, site: Site) -> None:
    points = ("TCH.B2.CN.CHC09.CHWS_T", *GOLDEN_POINTS[:1], "TCH.B2.CN.CHC09.CHWR_T")
    changes = {"site": "XYZ", "time_zone": "Asia/Tokyo", "to": "2015-04-09"}
    folder = write_folder(tmp_path / "h", points, golden_days(), changes=changes)

    with pytest.raises(SiteError) as error:
        check_history(folder, replace(site, simulated=False))

    fields = [problem.field for problem in error.value.problems]
    assert fields == ["site", "time_zone", "provenance", "chunks", "points", "points"]
    text = str(error.value)
    for word in ("XYZ", "Asia/Tokyo", "real building", "2 files for 8 days", *points[::2]):
        assert word in text
    assert points[1] not in text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"version": 2}, "version"),
        ({"format": "other"}, "format"),
        ({"interval_s": 7200}, "interval_s"),
        ({"points": []}, "points"),
        ({"colour": "green"}, "colour"),
        ({"chunks": [{"file": "../../etc/passwd", "bytes": 1, "sha256": "0" * 64}]}, "chunks.0.file"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(
    tmp_path: Path, site: Site, changes: dict[str, object], field: str
) -> None:
    folder = write_folder(tmp_path / "h", GOLDEN_POINTS, golden_days(), changes=changes)

    with pytest.raises(SiteError) as error:
        check_history(folder, site)

    assert [problem.field for problem in error.value.problems] == [field]


def test_a_point_named_twice_is_refused(tmp_path: Path, site: Site) -> None:
    folder = write_folder(tmp_path / "h", (*GOLDEN_POINTS[:2], GOLDEN_POINTS[0]), golden_days())

    with pytest.raises(SiteError, match="named twice"):
        check_history(folder, site)


@pytest.mark.parametrize("harm", ["changed", "short", "missing", "no manifest"])
def test_a_missing_or_changed_file_is_noticed_before_anything_is_loaded(tmp_path: Path, site: Site, harm: str) -> None:
    folder = write_folder(tmp_path / "h", GOLDEN_POINTS, golden_days())
    path = folder / ("manifest.json" if harm == "no manifest" else "2015-04-02.chunk")
    data = path.read_bytes()
    path.unlink()
    if harm in {"changed", "short"}:
        path.write_bytes(data[:-1] + (b"" if harm == "short" else bytes([data[-1] ^ 1])))

    with pytest.raises(HistoryFileError, match=path.name):
        check_history(folder, site)


def moments(count: int = 24, begin: int = GOLDEN_FIRST_US) -> list[int]:
    return [begin + hour * HOUR_US for hour in range(count)]


def counted(points: int, times: int, bad: int, content: bytes) -> bytes:
    return b"CHBHIST\x01" + struct.pack("<III", points, times, bad) + zlib.compress(content)


@pytest.mark.parametrize(
    "make",
    [
        lambda good: b"CHBHIST\x02" + good[8:],
        lambda good: good[:15],
        lambda good: good[:40],
        lambda good: good + b"more",
        lambda _: chunk(moments(23), golden_days()[0])[:20] + chunk(moments(), golden_days()[0])[20:],
        lambda _: chunk(moments(), [row[:2] for row in golden_days()[0]]),
        lambda _: chunk(moments(begin=GOLDEN_FIRST_US + HOUR_US), golden_days()[0]),
        lambda _: chunk([*moments(23), GOLDEN_FIRST_US + 22 * HOUR_US], golden_days()[0]),
        lambda _: counted(3, 0, 0, b""),
        lambda _: counted(3, 4_000_000_000, 0, b""),
        lambda _: chunk([GOLDEN_FIRST_US + half * HOUR_US // 2 for half in range(25)], [golden_days()[0][0]] * 25),
        lambda _: counted(3, 1, 1, struct.pack("<q", GOLDEN_FIRST_US) + bytes(24) + struct.pack("<I", 3)),
        lambda _: counted(3, 1, 0, struct.pack("<q", GOLDEN_FIRST_US) + bytes(50_000_000)),
    ],
    ids=[
        "version", "header", "cut", "longer", "fewer moments", "fewer points", "next day", "not in order",
        "no moments", "too many moments", "more moments than its interval gives", "bad place outside", "bomb",
    ],
)  # fmt: skip
def test_a_chunk_that_is_no_chunk_of_its_day_is_refused(
    tmp_path: Path, site: Site, make: Callable[[bytes], bytes]
) -> None:
    folder = write_folder(tmp_path / "h", GOLDEN_POINTS, golden_days())
    data = make((folder / "2015-04-01.chunk").read_bytes())
    (folder / "2015-04-01.chunk").write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["chunks"][0] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    with pytest.raises(HistoryFileError, match=r"2015-04-01.*see docs/reference/history-file\.md"):
        opened(folder, site).read_day(1)
