"""Years of a building in files: the format, the days, the same bytes for the same seed."""

import hashlib
import json
import zlib
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.history_folders import GOLDEN, golden_days
from typer.testing import CliRunner

from cityhall_simulators.cli import app
from cityhall_simulators.description import load_building
from cityhall_simulators.history.chunk import encode_chunk
from cityhall_simulators.history.days import Span, SpanError, interval_s
from cityhall_simulators.history.recorder import record
from cityhall_simulators.runtime import City
from cityhall_simulators.scenarios import Run, Strike

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


def test_of_some_points_only_they_are_written_and_show_what_they_show_among_all(tmp_path: Path) -> None:
    every, some = tmp_path / "every", tmp_path / "some"
    assert run("small", str(every), *HOURLY)[0] == 0
    status, output = run("small", str(some), *HOURLY, "--point", "*.AHU01.SAT", "--point", "*.CHC01.CHWS_?")
    assert status == 0, output
    assert run("small", str(tmp_path / "none"), *HOURLY, "--point", "*.NOP01.*")[0] == 2

    names = [json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["points"] for folder in (every, some)]
    assert names[1] == [name for name in names[0] if name.endswith((".AHU01.SAT", ".CHC01.CHWS_T"))]
    chosen = [names[0].index(name) for name in names[1]]
    np.testing.assert_array_equal(first_day(every, len(names[0]))[chosen], first_day(some, len(names[1])))


def first_day(folder: Path, points: int) -> NDArray[np.float64]:
    """Values of the hours of the first day, a row per point, as the reference page says that they are stored."""
    content = zlib.decompress((folder / "2015-07-01.chunk").read_bytes()[20:])
    split = np.frombuffer(content[8 * 24 :][: 8 * 24 * points], np.uint8).reshape(8, points, 24)
    return np.ascontiguousarray(split.transpose(1, 2, 0)).view("<f8")[:, :, 0]


def test_nothing_but_the_summary_is_printed_where_no_person_looks(tmp_path: Path) -> None:
    _, output = run("small", str(tmp_path / "h"), *HOURLY)

    assert output.count("\n") == 1


DAY = Span(date(2015, 7, 1), date(2015, 7, 2), 3600, TAIPEI)
RUN = Run(load_building("small"), datetime(2015, 7, 1, tzinfo=TAIPEI), 86_400.0, 3)


def test_samples_are_what_the_sensors_of_a_running_city_show(tmp_path: Path) -> None:
    (day,) = record(RUN, DAY, (), tmp_path / "truth.jsonl")

    city = City(RUN.building, 3, datetime(2015, 7, 1, tzinfo=TAIPEI))
    for hour in range(24):
        if hour:
            city.advance(datetime(2015, 7, 1, hour, tzinfo=TAIPEI), 3600.0)
        assert day.times_us[hour] == datetime(2015, 7, 1, hour, tzinfo=TAIPEI).timestamp() * 1e6
        np.testing.assert_array_equal(day.values[hour], city.shown)
    assert len(day.values) == 24


def test_a_fault_strikes_at_its_time_and_the_truth_is_told_in_plant_time(tmp_path: Path) -> None:
    point, truth = RUN.building.points[0], tmp_path / "truth.jsonl"
    strike = Strike("sensor_dropout", point.name, begin_s=6 * 3600.0, end_s=9.5 * 3600)

    (day,) = record(RUN, DAY, [strike], truth)

    assert np.flatnonzero(day.bad[:, point.index]).tolist() == [6, 7, 8, 9]
    assert day.bad.sum() == 4
    lines = [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]
    assert [(line["what"], line["where"], line["from"], line["to"]) for line in lines] == [
        ("sensor_dropout", point.name, "2015-07-01T06:00:00+08:00", None),
        ("sensor_dropout", point.name, "2015-07-01T06:00:00+08:00", "2015-07-01T10:00:00+08:00"),
    ]


@pytest.mark.parametrize("fault", ["device_silent", "device_refuses"])
def test_nothing_is_known_of_a_device_while_it_answers_nobody(tmp_path: Path, fault: str) -> None:
    strike = Strike(fault, "ahu01", begin_s=6 * 3600.0, end_s=9.5 * 3600)
    (day,) = record(RUN, DAY, [strike], tmp_path / "truth.jsonl")
    behind = np.array([point.device == "ahu01" for point in RUN.building.points])
    hours = (day.times_us - day.times_us[0]) / 3.6e9
    mute = (hours >= 6.0) & (hours < 9.5)
    assert mute.any()
    np.testing.assert_array_equal(day.bad, mute[:, None] & behind[None, :])


def test_a_scenario_strikes_on_its_date_and_its_truth_is_part_of_the_history(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'text_zh = "一"\ntext_en = "one"\n'
        '[[fault]]\nname = "sensor_dropout"\nfrom = 2015-07-02T03:00:00\nto = 2015-07-02T05:00:00\n',
        encoding="utf-8",
    )

    status, output = run("small", str(tmp_path / "h"), *HOURLY, "--scenario", str(plan))

    assert status == 0, output
    files = contents(tmp_path / "h")
    times = [json.loads(line)["from"] for line in files["truth.jsonl"].splitlines()]
    assert times == ["2015-07-02T03:00:00+08:00"] * 2
    bad = {name: int.from_bytes(data[16:20], "little") for name, data in files.items() if name.endswith(".chunk")}
    assert bad == {"2015-07-01.chunk": 0, "2015-07-02.chunk": 2}
    truth = json.loads(files["manifest.json"])["truth"]
    assert truth == {"file": "truth.jsonl", "sha256": hashlib.sha256(files["truth.jsonl"]).hexdigest()}


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


def test_a_folder_with_files_of_other_kinds_is_left_as_it_is(tmp_path: Path) -> None:
    for name in ("truth.jsonl", "2015-07-01.chunk", "mine.chunk"):
        (tmp_path / name).write_bytes(b"kept")

    status, output = run("small", str(tmp_path), *HOURLY)

    assert status == 2
    assert "holds other files (mine.chunk): name an empty folder" in output.replace("\n", " ")
    assert set(contents(tmp_path).values()) == {b"kept"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({1: "{folder}"}, "holds a finished history"),
        ({0: "palace"}, "no building is called 'palace'"),
        ({5: "2015-07-01"}, "there is no day"),
        ({3: "July"}, "day 'July': write it as 2025-01-31"),
        ({8: "--seed", 9: "-1"}, "--seed"),
        ({7: "7m"}, "divides the hour"),
        ({7: "2h"}, "divides the hour"),
        ({7: "1s"}, "divides the hour"),
        ({7: "soon"}, "divides the hour"),
        ({8: "--scenario", 9: "nowhere.toml"}, "no scenario 'nowhere.toml'"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path, change: dict[int, str], words: str) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    arguments = ["small", str(tmp_path / "new"), *HOURLY]
    for place, text in change.items():
        arguments[place : place + 1] = [text.format(folder=tmp_path)]

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
