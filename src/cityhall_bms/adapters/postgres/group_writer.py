"""One writer per process, which commits everybody's events together.

A commit costs a flush of the disk whatever it holds; gathered into one, a hundred callers cost as much as one. The
lock is PostgreSQL's, so that several processes may each have a writer.
"""

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import asyncpg

from cityhall_bms.adapters.event_chain import Draft, Head, chain
from cityhall_bms.adapters.postgres.connection import connect, translated
from cityhall_bms.adapters.postgres.lease import Fence
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import CityHallError, ConcurrencyError, EventLogUnavailableError, LeaseLostError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Checkpoint

QUERIES: Final = load("event_log.sql")
WAITING_APPENDS_MAX: Final = 4_096
"""Callers beyond it wait for a place in the queue."""
GROUP_EVENTS_MAX: Final = 1_000
KNOWN_STREAMS_MAX: Final = 20_000
COMMAND_TIMEOUT_S: Final = 10.0
RESOLVE_ATTEMPTS: Final = 10
RESOLVE_PAUSE_S: Final = 0.5

Answer: TypeAlias = "asyncio.Future[list[StoredEvent]]"


@dataclass(frozen=True, slots=True)
class Request:
    """What one caller wants to append, and where it waits for the answer."""

    drafts: Sequence[Draft]
    checkpoint: Checkpoint | None
    answer: Answer
    fence: Fence | None = None
    """Of the lease without which this must not be appended."""


@dataclass(slots=True)
class Group:
    """What one commit will do for the requests that it gathers."""

    head: Head
    versions: dict[str, int]
    """Of the streams that are concerned, after the commit."""
    entries: list[StoredEvent] = field(default_factory=list)
    payloads: list[str] = field(default_factory=list)
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    accepted: list[tuple[Answer, list[StoredEvent]]] = field(default_factory=list)
    refused: list[tuple[Answer, CityHallError]] = field(default_factory=list)

    def answer(self) -> None:
        """Tell the callers, once the commit is certain. One who was cancelled in the meantime hears nothing."""
        for answer, entries in self.accepted:
            if not answer.done():
                answer.set_result(entries)
        for answer, error in self.refused:
            if not answer.done():
                answer.set_exception(error)


def decide(head: Head, versions: dict[str, int], requests: Sequence[Request], now: int) -> Group:
    """Chain the requests one after the other; one that expects another version is refused alone."""
    group = Group(head, versions)
    for request in requests:
        try:
            group.head, changed, entries = chain(group.head, group.versions, request.drafts, now)
        except ConcurrencyError as error:
            group.refused.append((request.answer, error))
            continue
        group.versions |= changed
        group.entries += entries
        group.payloads += [item.payload for item in request.drafts]
        group.accepted.append((request.answer, entries))
        if request.checkpoint is not None:
            group.checkpoints[request.checkpoint.name] = request.checkpoint
    return group


class GroupWriter:
    """Appends drafts. ``run`` does the work and belongs to the owner's task group."""

    def __init__(self, dsn: str, clock: Clock) -> None:
        self._dsn = dsn
        self._clock = clock
        self._requests: asyncio.Queue[Request] = asyncio.Queue(WAITING_APPENDS_MAX)
        self._connection: asyncpg.Connection | None = None
        self._known_head = Head()
        self._known_versions: dict[str, int] = {}
        self._stopped = False

    async def append(
        self, drafts: Sequence[Draft], checkpoint: Checkpoint | None, fence: Fence | None = None
    ) -> list[StoredEvent]:
        """Return once the drafts are on disk; ``EventLogUnavailableError`` when they are not.

        ``LeaseLostError`` when the lease of ``fence`` is somebody else's by then.

        Only when the connection broke during the commit itself and the server stays away can it not be told; the
        error says so. Callers that append again give an expected version, so that nothing is doubled.
        """
        answer: Answer = asyncio.get_running_loop().create_future()
        if not self._stopped:
            await self._requests.put(Request(drafts, checkpoint, answer, fence))
        if self._stopped:
            msg = "the event log was closed"
            raise EventLogUnavailableError(msg)
        return await answer

    async def run(self) -> None:
        """Commit group after group until cancelled; whoever still waits then is told so."""
        self._stopped = False
        try:
            while True:
                await self._serve(await self._gather())
        finally:
            self.close()

    def close(self) -> None:
        """Serve nobody any more; whoever still waits is told that nothing was appended."""
        self._stopped = True
        self._disconnect()
        while not self._requests.empty():
            _fail([self._requests.get_nowait()], "the event log was closed; nothing was appended")

    async def _gather(self) -> list[Request]:
        requests = [await self._requests.get()]
        events = len(requests[0].drafts)
        while events < GROUP_EVENTS_MAX and not self._requests.empty():
            requests.append(self._requests.get_nowait())
            events += len(requests[-1].drafts)
        return [request for request in requests if not request.answer.done()]

    async def _serve(self, requests: list[Request]) -> None:
        if not requests:
            return
        try:
            await self._commit(requests)
        except EventLogUnavailableError as error:
            self._disconnect()
            _fail(requests, str(error))
        finally:
            _fail(requests, "the event log was closed; it is not known whether this was appended")

    async def _commit(self, requests: list[Request]) -> None:
        with translated(EventLogUnavailableError):
            connection = await self._connected()
            await connection.execute(QUERIES["begin"])
            group = await self._decide(connection, requests)
            await connection.execute(QUERIES["append"], *_columns(group))
        try:
            with translated(EventLogUnavailableError):
                await connection.execute(QUERIES["commit"])
        except EventLogUnavailableError:
            await self._resolve(group)
        self._remember(group)
        group.answer()

    async def _decide(self, connection: asyncpg.Connection, requests: list[Request]) -> Group:
        lost = await _lost(connection, requests)
        group = await self._chained(connection, [request for request in requests if request.fence not in lost])
        for request in requests:
            if request.fence is not None and request.fence in lost:
                group.refused.append((request.answer, lost[request.fence]))
        return group

    async def _chained(self, connection: asyncpg.Connection, requests: list[Request]) -> Group:
        streams = {item.stream for request in requests for item in request.drafts}
        head, versions = await _state(connection, streams - self._known_versions.keys())
        if head.hash == self._known_head.hash:
            known = {stream: self._known_versions[stream] for stream in streams & self._known_versions.keys()}
        else:
            # Another process has appended since our last commit: what we knew may be old.
            _, known = await _state(connection, streams & self._known_versions.keys())
            self._known_versions.clear()
        return decide(head, versions | known, requests, self._clock.now())

    def _remember(self, group: Group) -> None:
        """Keep the versions of streams, which hold as long as the head of the log is the one we wrote."""
        if len(self._known_versions) > KNOWN_STREAMS_MAX:
            self._known_versions.clear()
        self._known_head = group.head
        self._known_versions |= group.versions

    async def _resolve(self, group: Group) -> None:
        """Find out what became of a commit whose confirmation was lost; returns only if it took place."""
        for _ in range(RESOLVE_ATTEMPTS):
            self._disconnect()
            await self._clock.sleep(RESOLVE_PAUSE_S)
            try:
                appended = await self._was_appended(group)
            except EventLogUnavailableError:
                continue
            if appended:
                return
            msg = "the connection broke before the commit; nothing was appended"
            raise EventLogUnavailableError(msg)
        msg = "the connection broke during the commit, and it is not known whether this was appended"
        raise EventLogUnavailableError(msg)

    async def _was_appended(self, group: Group) -> bool:
        if not group.entries:
            return False  # checkpoints alone: writing them again does no harm
        with translated(EventLogUnavailableError):
            connection = await self._connected()
            # Waits for the lost transaction's lock, after whose end the answer is final.
            await connection.execute(QUERIES["begin"])
            last = group.entries[-1]
            appended: bool = await connection.fetchval(QUERIES["was_appended"], last.position, last.hash)
            await connection.execute(QUERIES["rollback"])
            return appended

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn, command_timeout_s=COMMAND_TIMEOUT_S)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


async def _lost(connection: asyncpg.Connection, requests: list[Request]) -> dict[Fence | None, LeaseLostError]:
    """Fences of these requests whose lease is somebody else's now."""
    lost: dict[Fence | None, LeaseLostError] = {}
    for fence in {request.fence for request in requests if request.fence is not None}:
        try:
            await fence.check(connection)
        except LeaseLostError as error:
            lost[fence] = error
    return lost


async def _state(connection: asyncpg.Connection, streams: AbstractSet[str]) -> tuple[Head, dict[str, int]]:
    """Head of the log, and the versions of streams; to be asked under the lock."""
    names = sorted(streams)
    state = await connection.fetchrow(QUERIES["state"], names)
    head = Head() if state["position"] is None else Head(state["position"], state["recorded_at"], state["hash"])
    return head, dict(zip(names, state["versions"], strict=True))


def _columns(group: Group) -> tuple[Sequence[object], ...]:
    entries, checkpoints = group.entries, list(group.checkpoints.values())
    return (
        [entry.position for entry in entries],
        [entry.recorded_at for entry in entries],
        [entry.stream for entry in entries],
        [entry.version for entry in entries],
        [entry.type for entry in entries],
        [entry.actor for entry in entries],
        group.payloads,
        [entry.prev_hash for entry in entries],
        [entry.hash for entry in entries],
        [checkpoint.name for checkpoint in checkpoints],
        [checkpoint.position for checkpoint in checkpoints],
        [checkpoint.state for checkpoint in checkpoints],
    )


def _fail(requests: Sequence[Request], message: str) -> None:
    for request in requests:
        if not request.answer.done():
            request.answer.set_exception(EventLogUnavailableError(message))
