"""The live loop: from the telemetry log through the engine to alarms.

Its place in the telemetry log is stored with its events, so that a crash anywhere repeats nothing and misses nothing:
no event is ever appended without the checkpoint of the state that it came from.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

import structlog

from cityhall_bms.domain.errors import TelemetryLogUnavailableError
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Checkpoint, EventLog
from cityhall_bms.ports.read_models import AlarmView
from cityhall_bms.ports.telemetry_log import LoggedBatch, TelemetryLog, TelemetryReader
from cityhall_bms.rules.binding import Binding
from cityhall_bms.rules.checkpoint import CheckpointCodec, CheckpointFormatError, overruled, rows_by_alarm
from cityhall_bms.rules.engine import Columns, Engine, Proposal, RuleFailure
from cityhall_bms.rules.recorder import RETRY_S, RuleRecorder
from cityhall_bms.rules.warming import Warmth

CHECKPOINT: Final = "rules"
CHECKPOINT_EVERY_S: Final = 60.0
"""Full windows make a checkpoint some megabytes; a minute of telemetry is repeated in less than a second."""
FETCH_BATCHES_MAX: Final = 50
FETCH_WAIT_S: Final = 1.0
IDLE_AFTER_S: Final = 5.0
"""Silence of the telemetry log after which the engine steps by the clock."""
PATIENCE_S: Final = 30.0
"""How long after the start, or while the log is away, silence is not yet held against the devices."""
CLOCK_SET_BACK_US: Final = 60_000_000
"""From one batch of a source to the next: by so much less, its clock was set back; a little less is jitter."""

log = structlog.get_logger(__name__)


class Hand(Protocol):
    """What writes down what an engine proposes, with its checkpoint; waits while the event log is away."""

    @property
    def active(self) -> Mapping[str, int]:
        """Priority of each that this hand has raised and not ended."""
        ...

    async def recover(self, name: str) -> Checkpoint | None:
        """Find out what stands, and the latest checkpoint of that name."""
        ...

    async def is_in_order(self, at: int) -> bool:
        """Tell whether nothing has to be recorded at a step without proposals."""
        ...

    async def record(
        self, at: int, proposals: Sequence[Proposal], failures: Sequence[RuleFailure], checkpoint: Checkpoint
    ) -> None:
        """Append what the proposals come to."""
        ...

    async def abandon(self, names: Collection[str], at: int, checkpoint: Checkpoint) -> None:
        """End what no rule is watching any more."""
        ...

    async def save(self, checkpoint: Checkpoint) -> None:
        """Store a checkpoint alone."""
        ...


class LiveEngine:
    """Runs one binding live; ``name`` is that of its checkpoints.

    ``position`` is that of the last batch whose consequences are recorded.
    """

    def __init__(
        self,
        binding: Binding,
        hand: Hand,
        telemetry: TelemetryLog,
        clock: Clock,
        *,
        name: str = CHECKPOINT,
        warmth: Warmth | None = None,
    ) -> None:
        self._binding = binding
        self._engine = Engine(binding)
        self._codec = CheckpointCodec(self._engine)
        self._telemetry = telemetry
        self._recorder = hand
        self._name = name
        self._warmth = warmth
        self._clock = clock
        self._live = LiveTable({int(point): 0.0 for point in binding.point_ids})
        self._reader: TelemetryReader | None = None
        self._saved_at = 0
        self._silent_since_s = 0.0
        self._patience_s = PATIENCE_S
        self._away = False
        self._recorded_at: dict[str, int] = {}
        """Of the last batch of each source."""
        self.engine_state = self._engine.start()
        self.position = self._taken = 0
        self.steps = 0

    async def run(self) -> None:
        """Recover, then follow the telemetry log without end; outages of either log are waited for."""
        await self._recover()
        self._silent_since_s = self._clock.monotonic()
        try:
            while True:
                await self._turn()
        finally:
            if self._reader is not None:
                await self._reader.close()

    async def _turn(self) -> None:
        batches = await self._fetch()
        for logged in batches:
            await self._take(logged)
            # Catching up a backlog must not starve the others of this process.
            await self._clock.sleep(0.0)
        if batches:
            self._silent_since_s, self._patience_s = self._clock.monotonic(), IDLE_AFTER_S
        elif self._idle():
            self._mind_clock(self.engine_state.at, self._clock.now())
            await self._step(self._clock.now())

    def _idle(self) -> bool:
        now, last = self._clock.now(), self.engine_state.at
        quiet_s = self._clock.monotonic() - self._silent_since_s
        return quiet_s >= self._patience_s and abs(now - last) >= IDLE_AFTER_S * 1e6

    async def _fetch(self) -> list[LoggedBatch]:
        try:
            if self._reader is None:
                self._reader = await self._telemetry.reader(after=self._taken)
            batches = list(await self._reader.fetch(FETCH_BATCHES_MAX, FETCH_WAIT_S))
        except TelemetryLogUnavailableError as error:
            if not self._away:
                log.warning("rules wait for the telemetry log", reason=str(error))
            self._away, self._patience_s = True, PATIENCE_S
            await self._clock.sleep(RETRY_S)
            return []
        self._away = False
        return batches

    async def _take(self, logged: LoggedBatch) -> None:
        batch = logged.batch
        self._live.apply(batch)
        self._taken = logged.position
        self._mind_clock(self._recorded_at.get(batch.source, self.engine_state.at), batch.recorded_at)
        self._recorded_at[batch.source] = batch.recorded_at
        await self._step(batch.recorded_at)
        self.position = logged.position

    def _mind_clock(self, before: int, at: int) -> None:
        """Go back with a clock that was set back: else no timer would run until it is as late again."""
        if at < before - CLOCK_SET_BACK_US:
            log.warning("clock was set back", seconds=round((before - at) / 1e6))
            self.engine_state = self._engine.set_back(self.engine_state, at)
            self._saved_at = 0

    async def _step(self, at: int) -> None:
        step = self._engine.step(self.engine_state, at, self._columns())
        self.engine_state = step.state
        self.steps += 1
        for failure in step.failures:
            log.error("rule parked", rule=failure.rule, reason=failure.reason)
        if step.proposals or step.failures or not await self._recorder.is_in_order(step.state.at):
            await self._recorder.record(step.state.at, step.proposals, step.failures, self._checkpoint())
        elif step.state.at - self._saved_at >= CHECKPOINT_EVERY_S * 1e6:
            await self._recorder.save(self._checkpoint())

    def _columns(self) -> Columns:
        points = self._binding.point_ids
        return Columns(self._live.value[points], self._live.quality[points], self._live.observed_at[points])

    def _checkpoint(self) -> Checkpoint:
        self._saved_at = self.engine_state.at
        return Checkpoint(self._name, self._taken, self._codec.encode(self.engine_state, self._columns()))

    async def _recover(self) -> None:
        """Go on from the checkpoint; what the event log says about an alarm overrules it."""
        checkpoint = await self._recorder.recover(self._name)
        if checkpoint is not None:
            self.position = self._taken = checkpoint.position
            if checkpoint.state:
                self._restore(checkpoint.state)
        rows = rows_by_alarm(self._binding)
        self.engine_state = overruled(self.engine_state, self._binding, self._recorder.active)
        # Where nothing was ever recorded, all that the telemetry log holds is gone through anyway.
        if self._warmth is not None and checkpoint is not None:
            self.engine_state = await self._warmth.warm(self._engine, self.engine_state)
        # Alarms that no rule and subject stand for any more.
        gone = [name for name in self._recorder.active if name not in rows]
        if gone:
            at = self.engine_state.at or self._clock.now()
            await self._recorder.abandon(gone, at, self._checkpoint())

    def _restore(self, data: bytes) -> None:
        try:
            remembered = self._codec.decode(data)
        except CheckpointFormatError as error:
            log.warning("rules start their timers again", reason=str(error))
            return
        samples = remembered.columns
        self._live.load(remembered.point, samples.observed_at, samples.value, samples.quality)
        self.engine_state = remembered.state
        self._saved_at = remembered.state.at


class RulesRunner(LiveEngine):
    """Runs one binding live, and rings."""

    def __init__(
        self,
        binding: Binding,
        suppression: Suppression,
        telemetry: TelemetryLog,
        events: EventLog,
        view: AlarmView,
        clock: Clock,
        *,
        warmth: Warmth | None = None,
    ) -> None:
        hand = RuleRecorder(events, view, suppression, clock)
        super().__init__(binding, hand, telemetry, clock, warmth=warmth)
