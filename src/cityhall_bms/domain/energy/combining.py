"""Amounts of virtual meters from those of the meters that they are made of (pure, over columns)."""

from collections.abc import Mapping, Sequence

import numpy as np

from cityhall_bms.domain.energy.amounts import Amounts


def combined(read: Amounts, rows: Sequence[str], factors: Sequence[Mapping[str, float]]) -> Amounts:
    """One row per entry of ``factors``: the sum of the meters in it; ``rows`` names those of ``read``.

    A sum is known where each of its meters is, and has the least of their coverages. What is estimated of it is added
    up without signs: an estimate that is taken away is one, too.
    """
    place = {name: row for row, name in enumerate(rows)}
    shape = len(factors), len(read.at)
    value, estimated, coverage = np.empty(shape), np.empty(shape), np.empty(shape)
    for row, wanted in enumerate(factors):
        chosen = [place[name] for name in wanted]
        weight = np.fromiter(wanted.values(), np.float64, len(wanted))
        value[row] = weight @ read.value[chosen]
        estimated[row] = np.abs(weight) @ read.estimated[chosen]
        coverage[row] = read.coverage[chosen].min(axis=0)
    return Amounts(read.at, read.end, value, estimated, coverage)
