"""Which busbars carry voltage."""

from collections.abc import Mapping

from cityhall_simulators.plants.common import Columns, Supply


def supply_of(plants: Mapping[str, Columns]) -> Supply:
    """As the main meters find it: without the utility nothing but the essential busbars is fed."""
    return Supply(normal=float(plants["HVM"]["V12"].min() > 0.0))
