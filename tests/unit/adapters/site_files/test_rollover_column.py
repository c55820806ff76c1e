"""``rollover``, a column that ``points.csv`` may have: where a counter begins again at zero."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_diff import fingerprint, plain
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.collector.grading_tables import counter_size
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.site import Point, Site

ENERGY = "TCH.B2.CN.CHC01.kWh"


def load(folder: Path, rollover: str, kind: str = "CI") -> Site:
    path = write_site(folder) / "points.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    counter = f"{ENERGY},用電量,Energy,TCH.B2.CN.CHC01,kWh,{kind},kWh,chiller-1,input:9,uint32,,0.1,,,,60,,,{rollover}"
    lines = [f"{header},rollover", *(f"{row}," for row in rows), counter]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()})


def counter_of(folder: Path, rollover: str) -> Point:
    return load(folder, rollover).points[ENERGY]


def test_a_declared_rollover_wins_over_the_registers_type(tmp_path: Path) -> None:
    declared = counter_of(tmp_path, "1000000")

    assert declared.rollover == counter_size(declared) == 1_000_000.0
    assert counter_size(replace(declared, rollover=None)) == pytest.approx(429_496_729.6)


def test_a_point_that_says_nothing_is_described_as_before_there_was_the_column(tmp_path: Path) -> None:
    silent = counter_of(tmp_path, "")

    assert silent.rollover is None
    assert "rollover" not in plain(silent)
    assert fingerprint(silent) != fingerprint(replace(silent, rollover=1e6))


@pytest.mark.parametrize(("rollover", "kind"), [("0", "CI"), ("-1", "CI"), ("full", "CI"), ("1000", "AI")])
def test_a_rollover_that_makes_no_sense_is_told_where_it_stands(tmp_path: Path, rollover: str, kind: str) -> None:
    with pytest.raises(SiteError) as caught:
        load(tmp_path, rollover, kind)

    assert [(problem.file, problem.line, problem.field) for problem in caught.value.problems] == [
        ("points.csv", 6, "rollover")
    ]
