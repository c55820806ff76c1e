"""Control network and telephones."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant

PLANTS: Final[Mapping[str, Plant]] = {}
"""In the order in which one acts on the next within a step."""
