"""Reports: how long a document takes to become a file, in each form, small and large.

``.venv/bin/python benchmarks/reports.py [--tries 20] [--rows 2000]``. The half-year report of the published figures,
and an alarm list of so many rows. The data are there already: what asking for them costs is told by the other
figures. Beside the PDF the same document as plain text (a baseline: what its words cost). Times are of this process.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.report_samples import half_year_report, source

from cityhall_bms.adapters.report_files.making import make_file
from cityhall_bms.domain.reports import Language, ReportFormat
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.document import Column, Figure, Report, Section, Sentence, Table, shown


def long_report(rows: int) -> Report:
    """One table of so many rows, each with two figures and a text in Chinese."""
    origin = source("/alarms/figures", "TCH.B2.CN.CHC01.CHWS_T")
    columns = (
        Column("alarm", Text("警報", "Alarm")),
        Column("count", Text("次數", "Times"), numeric=True),
        Column("share", Text("占比（%）", "Share (%)"), numeric=True),
        Column("text", Text("說明", "What")),
    )
    lines = tuple(
        (
            f"H{number:04}~TCH.05.W.AHU{number % 24:02}",
            Figure(float(number), sources=(origin,)),
            Figure(number / 7.0, "%", 2, sources=(origin,)),
            Text("送風溫度偏離設定", "Supply air off its set point"),
        )
        for number in range(rows)
    )
    section = Section(Text("警報", "Alarms"), (Table("long", Text("清單", "List"), columns, lines),))
    return replace(half_year_report(), sections=(section,))


def plain(report: Report) -> bytes:
    """The words and figures alone."""
    texts = [block.text(Language.ZH) for block in report.blocks if isinstance(block, Sentence)]
    texts += [shown(cell, Language.ZH) for table in report.tables for row in table.rows for cell in row]
    return "\n".join(texts).encode()


def measured(what: str, make: Callable[[], bytes], tries: int) -> None:
    """Say how long it takes, and how large the file is."""
    data = make()
    walls, cpus = [], []
    for _ in range(tries):
        wall, cpu = time.perf_counter(), time.process_time()
        make()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    p50, most = np.percentile(walls, 50) * 1e3, max(walls) * 1e3
    print(f"{what:28} p50 {p50:8.1f} ms  max {most:8.1f} ms  CPU {np.mean(cpus) * 1e3:8.1f} ms  {len(data):9,} bytes")


def main() -> None:
    """Measure every form of both documents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--rows", type=int, default=2_000)
    options = parser.parse_args()
    for name, report in (("half-year", half_year_report()), (f"{options.rows:,} rows", long_report(options.rows))):
        measured(f"{name}, text alone", lambda report=report: plain(report), options.tries)  # type: ignore[misc]
        for form in ReportFormat:
            measured(
                f"{name}, {form}",
                lambda form=form, report=report: make_file(report, form, Language.ZH).data,  # type: ignore[misc]
                options.tries,
            )


if __name__ == "__main__":
    main()
