"""Years of a building in files: the format, the days, the same bytes for the same seed."""

import hashlib
import json
import zlib
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.history_folders import GOLDEN, golden_days
from typer.testing import CliRunner

from cityhall_simulators.cli import app
from cityhall_simulators.description import load_building
from cityhall_simulators.history.chunk import encode_chunk
from cityhall_simulators.history.days import Span, SpanError, interval_s
from cityhall_simulators.history.recorder import FaultChange, RecordedDay, record
from cityhall_simulators.runtime import City

TAIPEI = ZoneInfo("Asia/Taipei")
HOURLY = ["--from", "2015-07-01", "--to", "2015-07-03", "--interval", "1h"]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["history", *arguments])
    return result.exit_code, result.output


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_chunk_is_what_the_reference_page_says_to_the_byte() -> None:
    for day, golden in zip(golden_days(), sorted(GOLDEN.glob("*.chunk")), strict=True):
        expected = golden.read_bytes()
        bad = np.array([[value is None for value in row] for row in day])
        values = np.array([[np.nan if value is None else value for value in row] for row in day])
        times = np.frombuffer(zlib.decompress(expected[20:])[: 8 * 24], "<i8")

        written = encode_chunk(times, values, bad)

        assert written[:20] == expected[:20]
        # Compressed bytes are zlib's own affair, and differ between its versions.
        assert zlib.decompress(written[20:]) == zlib.decompress(expected[20:])


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        status, output = run("small", str(tmp_path / name), *HOURLY, "--seed", seed)
        assert status == 0, output

    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert (tmp_path / "a" / "2015-07-01.chunk").read_bytes() != (tmp_path / "c" / "2015-07-01.chunk").read_bytes()


def test_the_manifest_names_points_in_order_and_every_chunk_by_its_digest(tmp_path: Path) -> None:
    status, output = run("small", str(tmp_path / "h"), *HOURLY)

    assert status == 0, output
    manifest = json.loads((tmp_path / "h" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["points"] == [point.name for point in load_building("small").points]
    assert (manifest["from"], manifest["to"], manifest["interval_s"]) == ("2015-07-01", "2015-07-03", 3600)
    assert (manifest["provenance"], manifest["seed"]) == ("simulated", 1)
    files = [(chunk["file"], chunk["bytes"], chunk["sha256"]) for chunk in manifest["chunks"]]
    assert files == [
        (name, len(data), hashlib.sha256(data).hexdigest())
        for name, data in sorted(contents(tmp_path / "h").items())
        if name.endswith(".chunk")
    ]
    assert len(files) == 2
    samples = 48 * len(manifest["points"])
    assert f"{samples:,} samples" in output


def test_nothing_but_the_summary_is_printed_where_no_person_looks(tmp_path: Path) -> None:
    _, output = run("small", str(tmp_path / "h"), *HOURLY)

    assert output.count("\n") == 1


def test_samples_are_what_the_sensors_of_a_running_city_show(tmp_path: Path) -> None:
    building = load_building("small")
    span = Span(date(2015, 7, 1), date(2015, 7, 2), 3600, TAIPEI)
    (day,) = record(building, 3, span, tmp_path / "truth.jsonl")

    city = City(building, 3, datetime(2015, 7, 1, tzinfo=TAIPEI))
    for hour in range(24):
        if hour:
            city.advance(datetime(2015, 7, 1, hour, tzinfo=TAIPEI), 3600.0)
        assert day.times_us[hour] == datetime(2015, 7, 1, hour, tzinfo=TAIPEI).timestamp() * 1e6
        np.testing.assert_array_equal(day.values[hour], city.shown)
    assert len(day.values) == 24


def recorded_with_a_dropout(folder: Path) -> tuple[RecordedDay, int, list[dict[str, str]]]:
    building = load_building("small")
    span = Span(date(2015, 7, 1), date(2015, 7, 2), 3600, TAIPEI)
    point = building.points[0]
    changes = [
        FaultChange(datetime(2015, 7, 1, 9, 30, tzinfo=TAIPEI), "sensor_dropout", point.name, on=False),
        FaultChange(datetime(2015, 7, 1, 6, tzinfo=TAIPEI), "sensor_dropout", point.name, on=True),
    ]
    truth = folder / "truth.jsonl"
    (day,) = record(building, 3, span, truth, changes)
    return day, point.index, [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]


def test_a_fault_strikes_at_its_time_and_the_truth_is_told_in_plant_time(tmp_path: Path) -> None:
    day, index, truth = recorded_with_a_dropout(tmp_path)

    assert np.flatnonzero(day.bad[:, index]).tolist() == [6, 7, 8, 9]
    assert day.bad.sum() == 4
    assert [(line["from"], line["to"]) for line in truth] == [
        ("2015-07-01T06:00:00+08:00", None),
        ("2015-07-01T06:00:00+08:00", "2015-07-01T10:00:00+08:00"),
    ]


def test_what_a_killed_run_left_is_made_anew_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "h"
    run("small", str(folder), *HOURLY)
    whole = contents(folder)
    (folder / "manifest.json").unlink()
    (folder / "2015-07-02.chunk").rename(folder / "2015-07-02.chunk.new")
    (folder / "2031-01-01.chunk").write_bytes(b"of another span")

    status, output = run("small", str(folder), *HOURLY)

    assert status == 0
    assert "an unfinished history (3 files) is made anew" in output
    assert contents(folder) == whole


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({1: "{folder}"}, "holds a finished history"),
        ({0: "palace"}, "no building is called 'palace'"),
        ({5: "2015-07-01"}, "there is no day"),
        ({3: "July"}, "July"),
        ({7: "7m"}, "divides the hour"),
        ({7: "2h"}, "divides the hour"),
        ({7: "1s"}, "divides the hour"),
        ({7: "soon"}, "divides the hour"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path, change: dict[int, str], words: str) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    arguments = ["small", str(tmp_path / "new"), *HOURLY]
    for place, text in change.items():
        arguments[place] = text.format(folder=tmp_path)

    status, output = run(*arguments)

    assert status == 2
    assert words in output.replace("\n", " ")
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize(("day", "hours"), [(date(2015, 3, 29), 23), (date(2015, 10, 25), 25), (date(2015, 6, 1), 24)])
def test_a_day_has_as_many_hours_as_its_clocks_give_it(day: date, hours: int) -> None:
    span = Span(day, date(2016, 1, 1), 900, ZoneInfo("Europe/Berlin"))

    times = span.times_us(day)

    assert len(times) == hours * 4
    assert set(np.diff(times).tolist()) == {900_000_000}
    local = list(span.moments(day))
    assert (local[0].hour, local[0].minute) == (0, 0)
    assert {moment.date() for moment in local} == {day}
    assert (local[-1].hour, local[-1].minute) == (23, 45)


def test_intervals_are_written_as_in_the_interface() -> None:
    assert [interval_s(text) for text in ("10s", "1m", "15m", "1h")] == [10, 60, 900, 3600]
    with pytest.raises(SpanError):
        interval_s("0m")
