"""Which air goes where: facts of the building as index arrays, worked out once."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Column, Mask
from cityhall_simulators.plants.site import whole_site

Index = NDArray[np.intp]


@cache
def east() -> Column:
    """1 for air handlers of the east half, 0 for those of the west half."""
    return np.array([float(zone == "E") for zone in whole_site().zones["AHU"]])


@cache
def outdoor_shares() -> Column:
    """Rows: zones of the air handlers; columns: outdoor-air units; values: the part of its air that a zone gets.

    The units of the east and the west roof serve their half, all others the whole building.
    """
    zones = np.array(whole_site().zones["AHU"])
    units = whole_site().zones["OAH"]
    serves = np.stack([zones == unit if unit in {"E", "W"} else np.ones(len(zones)) for unit in units], axis=1)
    return np.asarray(serves / serves.sum(axis=0), dtype=np.float64)


@cache
def box_handlers() -> Index:
    """For each box the air handler that feeds it: the east one of its floor for the core, else the west one."""
    site = whole_site()
    places = list(zip(site.floors["VAV"], site.zones["VAV"], strict=True))
    return np.array([site.where("AHU", floor, "E" if zone == "CN" else "W")[0] for floor, zone in places])


@cache
def boxes_of_handlers() -> Column:
    """Rows: air handlers; columns: boxes; 1 where one feeds the other."""
    return np.asarray(box_handlers() == np.arange(whole_site().units["AHU"])[:, None], dtype=np.float64)


@cache
def fan_coil_handlers() -> tuple[Index, Index, Mask]:
    """For each fan coil the east and the west air handler of its floor, and whether it is in a basement.

    A basement has no air handlers; its indices mean nothing.
    """
    site = whole_site()
    basement = np.array([floor.startswith("B") for floor in site.floors["FCU"]])
    floors = [floor if not floor.startswith("B") else "01" for floor in site.floors["FCU"]]
    east_west = [np.array([site.where("AHU", floor, zone)[0] for floor in floors]) for zone in ("E", "W")]
    return east_west[0], east_west[1], basement


@cache
def node_rooms() -> tuple[Index, Index, Mask]:
    """For each indoor-air node its zone's air handler, the fan coil beside it, and whether it is in a basement.

    Upstairs the index of the fan coil means nothing, downstairs that of the air handler.
    """
    site = whole_site()
    places = list(zip(site.floors["IAQ"], site.zones["IAQ"], strict=True))
    basement = np.array([floor.startswith("B") for floor, _ in places])
    handlers = [site.where("AHU", "01" if floor.startswith("B") else floor, zone)[0] for floor, zone in places]
    coils = [site.where("FCU", floor, "CS" if zone == "E" else "CN")[0] for floor, zone in places]
    return np.array(handlers), np.array(coils), basement


@cache
def fire_zones() -> Mask:
    """Rows: air handlers; columns: fire zones; true where both are on one floor."""
    floors = np.array(whole_site().floors["AHU"])
    return np.asarray(floors[:, None] == np.array(whole_site().floors["FZN"])[None, :])
