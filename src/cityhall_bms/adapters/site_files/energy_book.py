"""Read what a site says of its energy beside its meters."""

from pathlib import Path

from cityhall_bms.adapters.site_files.carbon import read_carbon
from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.adapters.site_files.references import read_references
from cityhall_bms.adapters.site_files.targets import read_energy_targets
from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.meters import Metering


def read_energy_book(folder: Path, metering: Metering, mistakes: Mistakes) -> EnergyBook:
    """``references.toml``, the targets of years in ``targets.toml``, and ``carbon.toml``; each is optional."""
    return EnergyBook(
        read_references(folder, metering, mistakes),
        read_energy_targets(folder, metering, mistakes),
        read_carbon(folder, mistakes),
    )
