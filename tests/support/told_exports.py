"""What the files of an export tell, read back by libraries that had no part in writing them."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pyarrow.parquet as pq
from tests.support.export_rig import POINTS, table

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Told = tuple[int, str, float | None, str]
"""Time, point, value and quality of a sample, as a file tells it."""


def us(text: str) -> int:
    return round((datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)


def told(at: int, name: str, value: str, word: str, why: str) -> Told:
    return at, name, float(value) if value else None, f"{word}:{why}" if why else word


def told_by_long(data: bytes) -> list[Told]:
    return [told(us(row[1]), row[3], row[4], row[6], row[7]) for row in table(data)[1:]]


def told_by_wide(data: bytes) -> list[Told]:
    head, *rows = table(data)
    assert head[3:] == [
        "AHU01.SAT [°C]", "AHU01.SAT quality", "AHU01.FAN", "AHU01.FAN quality", "TX, 1 [=kW]", "TX, 1 quality",
    ]  # fmt: skip
    found = [
        told(us(row[1]), point.name, row[3 + 2 * place], *(row[4 + 2 * place] + ":").split(":")[:2])
        for row in rows
        for place, point in enumerate(POINTS)
        if row[4 + 2 * place]
    ]
    return sorted(found)


def told_by_parquet(path: Path) -> list[Told]:
    found = pq.read_table(path)
    assert found["value"].type == "double"
    rows = found.to_pylist()
    for row in rows:
        assert row["local_time"].replace(tzinfo=UTC).timestamp() - row["utc_time"].timestamp() == 8 * 3600
        assert row["utc_offset_min"] == 480
    return [
        (us(row["utc_time"].isoformat()), row["point"], row["value"], f"{row['quality']}:{row['reason']}".rstrip(":"))
        for row in rows
    ]


def told_by_xlsx(path: Path) -> list[Told]:
    """Times in ms."""
    with zipfile.ZipFile(path) as book:
        sheets = sorted(name for name in book.namelist() if "worksheets/sheet" in name)
        assert not any(b"<f>" in book.read(name) for name in sheets)
        trees = [fromstring(book.read(name)) for name in sheets[1:]]  # noqa: S314 - written by us
    found: list[Told] = []
    for tree in trees:
        for row in list(tree.iter(f"{SHEET}row"))[1:]:
            cells = {cell.get("r", "")[0]: "".join(cell.itertext()) for cell in row}
            at = round((float(cells["C"]) - 25_569) * 86_400_000)
            value = cells.get("F")
            why = cells["I"]
            found.append(
                (at, cells["E"], float(value) if value else None, f"{cells['H']}:{why}" if why else cells["H"])
            )
    return found
