"""How the shipped rules judge a simulated year whose faults are known: recall, precision and delay.

``python benchmarks/labelled_year.py [days of each month [faults a day [seed [first month [last month]]]]]``: the whole
simulated building, minute by minute, with faults drawn at random, and its twin without them. Matching:
`tests/support/labelled_verdict.py`. Prints tables in Markdown; what was missed or rang wrongly goes to a file.
"""

# ruff: noqa: INP001, T201 - a program that measures
import json
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from tests.support.labelled_verdict import WRONG, Kind, Tally, Verdict, Why, judge
from tests.support.labelled_year import ZONE, Lived, Plan, live_through

YEAR: Final = 2025
GIVEN: Final = ("2", "24", "1", "1", "12")
"""Days, faults a day, seed, first and last month, where nothing is given."""


def _table(title: str, tallies: dict[str, Tally]) -> None:
    """Everything that was due to be found, or rang."""
    rang = title == "Rule"
    kinds = "".join(f" {kind.capitalize()} |" for kind in Kind) + " Precision | Late p50 | Late max |" if rang else ""
    print(f"\n| {title} | Due | Found | Recall | Not due |{kinds}\n|---|---|---|---|---|{'---|' * kinds.count('|')}")
    for name, one in sorted(tallies.items()):
        if not one.due and not one.episodes and rang:
            continue
        cells = [name, one.due, one.found, _share(one.recall), one.undue.total()]
        if rang:
            cells += [one.kinds[kind] for kind in Kind] + [_share(one.precision), *_late(one)]
        print("| " + " | ".join(map(str, cells)) + " |")


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.2f}"


def _late(tally: Tally) -> tuple[str, str]:
    """Median and largest lateness beyond a rule's own delays and windows."""
    if not tally.late_us:
        return "–", "–"
    return f"{np.median(tally.late_us) / 6e7:.0f} min", f"{max(tally.late_us) / 6e7:.0f} min"


def _told(counts: Counter[Why] | Counter[Kind]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _sums(verdict: Verdict, months: list[Lived]) -> None:
    faults, rules = verdict.by_fault, verdict.by_rule
    of = [fault for lived in months for fault in lived.faults]
    undue: Counter[Why] = faults.undue
    late = np.array(rules.late_us) / 6e7
    print(f"\n{len(of)} faults of {len({one.what for one in of})} kinds in {len(months)} months; "
          f"not due: {_told(undue)}")  # fmt: skip
    print(f"recall {faults.recall:.3f}: {faults.found} of {faults.due} faults")
    print(f"recall of pairs of a rule and a fault {rules.recall:.3f}: {rules.found} of {rules.due}")
    right = rules.kinds[Kind.RIGHT]
    alone = right / (right + sum(rules.kinds[kind] for kind in WRONG))
    print(
        f"precision {rules.precision:.3f} of {rules.episodes} alarms: {_told(rules.kinds)}; "
        f"without consequences {alone:.3f}"
    )
    print(
        f"within delays and two scans of the effect: {(late <= 2).mean():.3f} (p95 {np.percentile(late, 95):.0f}"
        " min late)"
    )


def main() -> None:
    """Live through the months, two at a time, and print the tables."""
    given = [*sys.argv[1:], *GIVEN[len(sys.argv) - 1 :]]
    days, per_day, seed, first, last = int(given[0]), float(given[1]), *map(int, given[2:])
    with ProcessPoolExecutor(2) as pool:
        plans = [Plan(YEAR, month, days, per_day, seed) for month in range(first, last + 1)]
        months = list(pool.map(live_through, plans))
    verdict = judge(months)
    _table("Rule", verdict.rules)
    _table("Fault", verdict.faults)
    _sums(verdict, months)
    notes = [
        note | {"us": datetime.fromtimestamp(int(note["us"]) / 1e6, ZONE).isoformat(timespec="minutes")}
        for note in verdict.notes
    ]
    listed = Path(tempfile.gettempdir(), "labelled_year.jsonl")
    listed.write_text("\n".join(json.dumps(note) for note in notes), "utf-8")
    print(f"one by one: {listed}")


if __name__ == "__main__":
    main()
