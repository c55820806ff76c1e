"""``tariffs.toml`` of a simulated building: what it is supplied under, and the meters that the utility reads."""

from typing import Final

from cityhall_simulators.description import Building
from cityhall_simulators.toml_text import quoted

CONTRACT_KW: Final = 5_000
"""Contract capacity of the city hall."""
_TARIFF: Final = "taipower-hv-three-stage"
_VALID_FROM: Final = "2014-01-01"


def tariffs_toml(building: Building) -> str:
    """Text of the file; empty for a building that no utility meter feeds."""
    mains = [item for item in building.equipment if item.type.code == "HVM"]
    if not mains:
        return ""
    meters = ", ".join(quoted(f"{building.code}.ELEC.{item.short}") for item in mains)
    reactive = ", ".join(quoted(f"{item.name}.kVARh") for item in mains if f"{item.name}.kVARh" in building.by_name)
    return (
        f"[billing]\nmeters = [{meters}]\nreactive_points = [{reactive}]\n\n"
        # A day is no string in TOML.
        f"[[contract]]\nvalid_from = {_VALID_FROM}\ntariff = {quoted(_TARIFF)}\nregular_kw = {CONTRACT_KW}\n"
    )
