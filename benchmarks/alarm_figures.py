"""What alarm figures cost: years of them from the database, groups kept in a flood, and the forensics of one.

``.venv/bin/python benchmarks/alarm_figures.py [annunciations]``: so many (1,000,000) of 2,000 alarms over five years
in the embedded PostgreSQL; five years and one day of them are read and figured. The flood: a line that feeds 5,000
pieces of equipment is lost, and each of them has an alarm; and 10,000 rings of them are examined.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import uvloop

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.postgres.alarm_figures import PostgresAnnunciationView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarm_figures import figures
from cityhall_bms.domain.alarm_groups import AlarmGroups
from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.annunciations import NEVER, Annunciations
from cityhall_bms.domain.flood_forensics import examine
from cityhall_bms.domain.site import Equipment, Site, System, Text
from cityhall_bms.domain.topology import Topology
from cityhall_bms.ports.alarm_figures import WHOLE_SITE

UNITS: Final = 5_000
ALARMS: Final = 2_000
RINGS: Final = 10_000
NOW: Final = 1_782_864_000_000_000
DAY_US: Final = 86_400_000_000
YEARS_US: Final = 5 * 365 * DAY_US
TEXT: Final = Text("機", "Unit")
FILL: Final = """
INSERT INTO annunciation
SELECT n, $1 + n * $2, 1 + n % $3, n, 1 + n % 4, 'hvac', 'TCH.05.W.AHU01', $1 + n * $2,
       $1 + n * $2 + (n % 7) * 30000000, $1 + n * $2 + 60000000, false, false, false, false, false
FROM generate_series(1, $4::bigint) AS n
"""


def main() -> None:
    """Measure all of it and print it."""
    uvloop.run(years(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
    groups()
    forensics()


async def years(rows: int) -> None:
    """Read and figure five years, and the last day of them."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedPostgres(Path(folder) / "db", SystemClock()) as postgres:
            await migrate(postgres.dsn)
            pool = await open_pool(postgres.dsn, command_timeout_s=None)
            await pool.execute(
                "INSERT INTO annunciated_alarm SELECT n, 'R~' || n FROM generate_series(1, $1) n", ALARMS
            )
            await pool.execute(FILL, NOW - YEARS_US, YEARS_US // rows, ALARMS, rows)
            await pool.execute("VACUUM ANALYZE annunciation")
            view = PostgresAnnunciationView(pool)
            for name, first in (("five years", NOW - YEARS_US), ("the last day", NOW - DAY_US)):
                begin = time.perf_counter()
                found = await view.annunciations(WHOLE_SITE, first, NOW)
                read = time.perf_counter()
                rang = figures(found, first, NOW).annunciations
                end = time.perf_counter()
                print(f"{name}: {rang} annunciations read in {read - begin:.2f} s, figured in {end - read:.2f} s")
            pool.terminate()


def building() -> Site:
    """A meter that feeds a hundred panels, each of which feeds fifty units."""
    names = {"TCH.B2.C.HVM01": ()} | {f"TCH.B2.C.LVP{panel:03d}": ("TCH.B2.C.HVM01",) for panel in range(100)}
    names |= {f"TCH.01.E.AHU{unit:05d}": (f"TCH.B2.C.LVP{unit % 100:03d}",) for unit in range(UNITS)}
    equipment = {name: Equipment(name, "Unit", System.HVAC, TEXT, fed_by=fed_by) for name, fed_by in names.items()}
    return Site("TCH", TEXT, "Asia/Taipei", True, (), (), equipment, {}, {})  # noqa: FBT003 - as the dataclass has it


def groups() -> None:
    """Group every alarm of the flood as it comes, and say its place, as the feed does."""
    site = building()
    kept = AlarmGroups(Topology.of(site))
    begin = time.perf_counter()
    for number, name in enumerate(site.equipment):
        kept.take(
            Alarm(
                f"TRIP~{name}", subject=name, equipment=name, base=AlarmState.UNACKNOWLEDGED,
                raised_at=NOW + number * 1_000, position=number,
            )
        )  # fmt: skip
        kept.place(f"TRIP~{name}")
    each = (time.perf_counter() - begin) / len(site.equipment)
    begin = time.perf_counter()
    found = kept.all()
    print(f"groups: {each * 1e6:.0f} us an alarm; all {len(found)} of them in {time.perf_counter() - begin:.3f} s")


def forensics() -> None:
    """Examine a flood of many rings."""
    site = building()
    names = [f"TRIP~{name}" for name in site.equipment]
    chance = np.random.default_rng(6)
    alarm = np.concatenate([np.arange(len(names)), chance.integers(0, len(names), RINGS - len(names))])
    rang = NOW + np.sort(chance.integers(0, 3_600_000_000, RINGS))
    rang[0] = NOW
    nobody, no = np.full(RINGS, NEVER), np.zeros(RINGS, np.bool_)
    ended = rang + 45_000_000
    rows = Annunciations(names, alarm, np.full(RINGS, 3, np.uint8), rang, ended, rang, nobody, no, no, no)
    begin = time.perf_counter()
    found = examine(rows, site, NOW + DAY_US)
    best = found.candidates[0]
    print(
        f"forensics of {found.rings} rings: {time.perf_counter() - begin:.2f} s; {len(found.candidates)} candidates, "
        f"the best ({best.kind} {best.subject}) removes {best.removes}"
    )


if __name__ == "__main__":
    main()
