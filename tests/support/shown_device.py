"""A device whose driver shows its work: every register holds 7.25, and answers unless it is told to be silent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.sites import CheckingFactory

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.capabilities import Candidate, Examined, PlannedRequest
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint

SILENT = "silent"
"""A device of this name never answers."""


@dataclass
class ShowingDriver:
    """Only what the bench asks of a driver."""

    device: str

    async def open(self) -> None:
        if self.device == SILENT:
            msg = "no answer within 2.0 s"
            raise DeviceUnreachableError(msg)

    async def close(self) -> None:
        return

    def explain(self, points: Sequence[BoundPoint]) -> Sequence[PlannedRequest]:
        return [PlannedRequest(f"input, {len(points)} registers", len(points), 8 + 5 + 2 * len(points))]

    async def examine(self, points: Sequence[BoundPoint]) -> Sequence[Examined]:
        other = Candidate("float32 CDAB", float("nan"), plausible=False)
        return [
            Examined(one.point.name, one.point.address, "40e8 0000", 7.25, Quality.GOOD, "", [other]) for one in points
        ]


class ShowingFactory(CheckingFactory):
    """Makes such drivers."""

    def create(self, device: Device, clock: Clock) -> Any:
        return ShowingDriver(device.name)
