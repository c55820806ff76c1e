"""What the routes of maintenance need."""

from dataclasses import dataclass

from cityhall_bms.domain.maintenance.book import MaintenanceBook
from cityhall_bms.ports.energy_readings import DocumentStore
from cityhall_bms.ports.maintenance import MaintenanceView, PatrolDesk, Planning, RegisterDesk, WorkDesk


@dataclass(frozen=True, slots=True)
class MaintenanceServices:
    """One field per part."""

    book: MaintenanceBook
    view: MaintenanceView
    planning: Planning
    work: WorkDesk
    patrol: PatrolDesk
    registers: RegisterDesk
    documents: DocumentStore
