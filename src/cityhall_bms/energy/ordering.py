"""Gets orders carried out through the command desk, point by point, whatever is restarted meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cityhall_bms.domain.commanding.control import OPTIMIZER, Command, CommandState
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, ReadOnlyPointError, RefusedError
from cityhall_bms.ports.access import Requester, Role
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import CommandDesk, CommandView, CommandWish

ENDED_BADLY: Final = frozenset(
    {CommandState.FAILED, CommandState.REFUSED, CommandState.CANCELLED, CommandState.REVERTED}
)
NO_FALLBACK: Final = "no-fallback"
PATIENCE_S: Final = 120.0
"""What is refused (the point is busy, was written or refused just now) is asked for again for so long; what nobody
carried out by then counts as not followed.
"""


@dataclass
class Outcome:
    """What became of orders so far."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    waiting: bool = False


class Ordering:
    """Orders of one author at the optimizer's priority. What was asked for before a restart is found in the record."""

    def __init__(self, desk: CommandDesk, view: CommandView, author: str, clock: Clock) -> None:
        self._desk = desk
        self._view = view
        self._who = Requester(author, Role.SERVICE)
        self._clock = clock
        self._asked: dict[str, str] = {}
        """Command of each point that was asked for."""
        self._ended: dict[str, str] = {}
        """Points that are settled: why not, or empty."""
        self._refused: dict[str, str] = {}
        """Why a point could not be asked for, when it was tried last."""
        self._given_back: set[str] = set()
        """Points that get back what they held, because nothing else would hold them."""
        self._begun_s = clock.monotonic()

    def begin(self) -> None:
        """Forget the orders before."""
        self._asked.clear()
        self._ended.clear()
        self._refused.clear()
        self._given_back.clear()
        self._begun_s = self._clock.monotonic()

    async def holds(self, point: str) -> bool:
        """Whether this author holds the point."""
        slot = (await self._view.control(point)).slots.get(OPTIMIZER)
        return slot is not None and slot.by == self._who.name

    async def go_on(
        self, orders: Mapping[str, float | None], before: Mapping[str, float | None], reason: str
    ) -> Outcome:
        """Ask for what is not asked for yet, and tell what became of the rest."""
        late = self._clock.monotonic() - self._begun_s >= PATIENCE_S
        for point, value in orders.items():
            if point not in self._ended:
                await self._settle(point, value, before.get(point), reason)
            if point not in self._ended and late:
                self._ended[point] = self._refused.get(point, "逾時未執行 / nobody carried it out in time")
        done = [point for point in orders if self._ended.get(point) == ""]
        failed = {point: self._ended[point] for point in orders if self._ended.get(point)}
        return Outcome(done, failed, len(done) + len(failed) < len(orders))

    async def _settle(self, point: str, value: float | None, before: float | None, reason: str) -> None:
        wanted = before if point in self._given_back else value
        try:
            command = await self._desk.get(self._asked[point]) if point in self._asked else None
            if command is None:
                command = await self._found_or_asked(point, wanted, reason)
            if command is None or command.state is CommandState.DONE:
                self._ended[point] = ""
            elif command.state in ENDED_BADLY:
                self._failed(point, before, command)
        except RefusedError as error:
            self._refused[point] = str(error)
        except ReadOnlyPointError as error:
            self._ended[point] = str(error)
        except (ConcurrencyError, NotFoundError):
            return  # somebody acts on the point just now, or the view lags behind: the next look tells

    async def _found_or_asked(self, point: str, value: float | None, reason: str) -> Command | None:
        """The command that is under way, or a new one; none where the point is as it should be."""
        control = await self._view.control(point)
        slot = control.slots.get(OPTIMIZER)
        ours = slot is not None and slot.by == self._who.name
        if (value is None and not ours) or (ours and slot is not None and slot.value == value):
            return None
        if control.open is not None and control.open.by == self._who.name:
            self._asked[point] = control.open.command
            return control.open
        return await self._ask(point, value, reason)

    async def _ask(self, point: str, value: float | None, reason: str) -> Command:
        command = await self._desk.request(CommandWish(point, value, OPTIMIZER, reason), self._who)
        self._asked[point] = command.command
        return command

    def _failed(self, point: str, before: float | None, command: Command) -> None:
        if command.relinquishes and command.code == NO_FALLBACK and before is not None:
            # A device without priorities, and nobody else holds the point: it gets back what it held.
            self._given_back.add(point)
            del self._asked[point]
            return
        self._ended[point] = command.result or command.state.value
