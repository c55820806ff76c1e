"""A second opinion on a baseline: the same data, fitted by a library of somebody else."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.baselines import ModelKind, Observed


@dataclass(frozen=True, slots=True)
class ReferenceFit:
    """What the library's model tells for each interval (NaN where nothing), with how many fitted numbers."""

    software: str
    """Name and version of the library."""
    told: NDArray[np.float64]
    parameters: int


class ReferenceModels(Protocol):
    """Fits with a library that may not be there.

    ``MissingLibraryError`` where it is not installed, ``RefusedError`` where it cannot fit, or takes too long.
    """

    async def fit(self, kind: ModelKind, observed: Observed, time_zone: str) -> ReferenceFit:
        """Fit what our model was fitted to."""
        ...
