"""Which equipment is related to which, as expressions name it."""

from collections.abc import Iterable, Mapping
from typing import Final

from cityhall_bms.domain.site import Equipment, Site

DEPTH_MAX: Final = 10
"""How far a relation is followed."""


class Topology:
    """Relations of a site's equipment.

    A relation leads to the nearest members of a class: through other equipment, if need be, to the first that are
    reached. ``site`` leads to all of the class.
    """

    def __init__(self, site: Site) -> None:
        self._equipment = site.equipment
        items = site.equipment.values()
        self._next: dict[str, Mapping[str, tuple[str, ...]]] = {
            "fed_by": {item.name: item.fed_by for item in items},
            "part_of": {item.name: item.part_of for item in items},
            "feeds": _inverse((item.name, item.fed_by) for item in items),
            "has_part": _inverse((item.name, item.part_of) for item in items),
        }

    def related(self, name: str, relation: str, brick_class: str) -> tuple[Equipment, ...]:
        """Give the related of a class, in the site's order; none when there are none."""
        if relation == "site":
            return tuple(item for item in self._equipment.values() if item.brick_class == brick_class)
        step, seen, reached = self._next[relation], {name}, [name]
        for _ in range(DEPTH_MAX):
            reached = [other for one in reached for other in step.get(one, ()) if other not in seen]
            seen.update(reached)
            found = [self._equipment[other] for other in dict.fromkeys(reached) if other in self._equipment]
            chosen = tuple(item for item in found if item.brick_class == brick_class)
            if chosen or not reached:
                return chosen
        return ()


def _inverse(pairs: Iterable[tuple[str, tuple[str, ...]]]) -> Mapping[str, tuple[str, ...]]:
    inverse: dict[str, list[str]] = {}
    for name, others in pairs:
        for other in others:
            inverse.setdefault(other, []).append(name)
    return {name: tuple(others) for name, others in inverse.items()}
