"""The telemetry log as a JetStream stream: on disk before it is confirmed, repeated without harm, read by position."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError, NoStreamResponseError, NotFoundError, ServerError

from cityhall_bms.adapters.nats.reader import JetStreamReader
from cityhall_bms.domain.batch import BatchFormatError, SampleBatch
from cityhall_bms.domain.errors import LeaseLostError, TelemetryLogUnavailableError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.telemetry_log import LoggedBatch

STREAM: Final = "TELEMETRY"
MAX_BYTES_DEFAULT: Final = 4 * 1024**3
DUPLICATE_WINDOW_S: Final = 600.0
"""How long the server remembers message ids; a repetition after that is recognised by :meth:`publish` itself."""
CONNECT_TIMEOUT_S: Final = 5.0
ACK_TIMEOUT_S: Final = 3.0
MAKE_ATTEMPTS_MAX: Final = 10
MAKE_RETRY_S: Final = 0.1
UNCERTAIN_MAX: Final = 1_000
MESSAGE_ID_PARTS: Final = 3
WRONG_LAST_SEQUENCE: Final = 10071
"""The server's number for: another message is the newest of this subject."""
TOKEN_FORBIDDEN: Final = frozenset(" .*>/\\\t\r\n")

log = structlog.get_logger(__name__)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """No exception of the library leaves this package."""
    try:
        yield
    except (nats.errors.Error, OSError, TimeoutError) as error:
        msg = f"telemetry log: {what}: {str(error) or type(error).__name__}"
        raise TelemetryLogUnavailableError(msg) from error


class JetStreamTelemetryLog:
    """``TelemetryLog`` over one connection, for one site; positions are the stream's sequences.

    The server must run with ``sync_interval: always``: a client cannot see that setting, and with the default of two
    minutes confirmed batches are lost when the power fails. :meth:`connect` checks what a client can see.
    """

    def __init__(self, client: Client, site: str, clock: Clock, max_bytes: int) -> None:
        self._client = client
        self._js: JetStreamContext = client.jetstream(timeout=ACK_TIMEOUT_S)
        self._site = _token(site)
        self._clock = clock
        self._max_bytes = max_bytes
        self._uncertain: dict[str, None] = {}
        self._claimed: dict[str, int] = {}
        """Of each subject whose present life was claimed here: the sequence of our newest batch in it."""

    @classmethod
    async def connect(cls, url: str, site: str, clock: Clock, max_bytes: int = MAX_BYTES_DEFAULT) -> Self:
        """Connect and bring the stream into shape.

        ``max_bytes`` bounds the stream; when it is full publishing fails, and nothing old is dropped. The connection
        comes back by itself after an outage; ``TelemetryLogUnavailableError`` when there is no server now.
        """
        client = Client()
        try:
            with translated(f"connect to {_without_password(url)}"):
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await client.connect(
                        url,
                        name=f"cityhall-bms {site}",
                        error_cb=_on_error,
                        max_reconnect_attempts=-1,
                        reconnect_time_wait=0.25,
                        ping_interval=5,
                        connect_timeout=2,
                    )
            self = cls(client, site, clock, max_bytes)
            await self._shape_stream()
        except BaseException:
            await client.close()
            raise
        return self

    @property
    def client(self) -> Client:
        """Its connection, for what else the processes of a site tell each other; it ends with :meth:`close`."""
        return self._client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connection; never raises."""
        try:
            await self._client.close()
        except (nats.errors.Error, OSError) as error:
            log.debug("telemetry log closed badly", reason=str(error))

    async def publish(self, batch: SampleBatch) -> None:
        """Return once the batch is on disk; several may be published at once.

        Publishing the same batch again changes nothing: the server knows recent message ids, and a batch whose
        confirmation went missing is looked for at the end of its subject, however long ago that was. (Should other
        batches of its source have been published meanwhile, readers still know it by its sequence.)
        """
        message_id = batch.message_id
        subject = self._subject(batch.source)
        self._require_connection()
        with translated("publish"):
            if message_id in self._uncertain and await self._ends_with(subject, message_id):
                del self._uncertain[message_id]
                return
            self._note_uncertain(message_id)
            await self._send(subject, batch, self._claimed.get(subject))
        self._uncertain.pop(message_id, None)

    async def newest(self, source: str) -> LoggedBatch | None:
        """The newest batch of a source that is kept; one that cannot be read counts as none."""
        self._require_connection()
        with translated("ask for the newest batch"):
            last = await self._last(self._subject(source))
        if last is None or last.seq is None:
            return None
        try:
            return LoggedBatch(last.seq, SampleBatch.decode(last.data or b""))
        except BatchFormatError:
            return None

    async def claim(self, first: SampleBatch, after: int) -> None:
        """Publish the first batch of a life; the server itself then refuses what an earlier life still sends.

        Every batch of a claimed life says after which sequence of its subject it must come. So a holder that was
        frozen, or cut off, finds its place taken, whatever it believes.
        """
        self._require_connection()
        with translated("claim"):
            await self._send(self._subject(first.source), first, after, claiming=True)

    async def reader(self, after: int) -> JetStreamReader:
        """Read what comes after a position; from the oldest batch kept if ``after`` lies beyond :meth:`end`.

        The latter means that the stream is another one than the position was taken from: positions then *fall*, and
        the reader's owner sees a position at or below the one it had.
        """
        reader = JetStreamReader(self._client, self._js, STREAM, after, self._clock)
        with translated("read"):
            await reader.open()
        return reader

    async def end(self) -> int:
        """Position of the newest batch ever written to this stream; 0 when there is none."""
        self._require_connection()
        with translated("ask for the end"):
            return (await self._js.stream_info(STREAM)).state.last_seq

    async def forget(self, through: int) -> None:
        """Let go of everything up to a position; positions go on from where they were."""
        # A purge beyond the end would move the end.
        through = min(through, await self.end())
        if through <= 0:
            return
        with translated("forget"):
            await self._js.purge_stream(STREAM, seq=through + 1)

    async def fill_ratio(self) -> float:
        """Share of ``max_bytes`` in use, 0..1; at 1 publishing fails until something is forgotten."""
        self._require_connection()
        with translated("ask for the size"):
            info = await self._js.stream_info(STREAM)
        return info.state.bytes / (info.config.max_bytes or self._max_bytes)

    async def _shape_stream(self) -> None:
        wanted = api.StreamConfig(
            name=STREAM,
            subjects=[f"telemetry.{self._site}.*"],
            storage=api.StorageType.FILE,
            discard=api.DiscardPolicy.NEW,
            max_bytes=self._max_bytes,
            duplicate_window=DUPLICATE_WINDOW_S,
        )
        with translated("shape the stream"):
            found = await self._found_or_made(wanted)
            if _differs(found.config, wanted):
                found = await self._js.update_stream(wanted)
        if found.config.storage != api.StorageType.FILE:
            msg = f"telemetry log: stream {STREAM} is not kept on disk; delete it on the server, or name another server"
            raise TelemetryLogUnavailableError(msg)

    async def _found_or_made(self, wanted: api.StreamConfig) -> api.StreamInfo:
        """Stream as it is. Where another process makes it at the same moment, the server misses room for a second."""
        attempts = MAKE_ATTEMPTS_MAX
        while True:
            attempts -= 1
            try:
                return await self._js.stream_info(STREAM)
            except NotFoundError:
                try:
                    return await self._js.add_stream(wanted)
                except ServerError:
                    if not attempts:
                        raise
            await self._clock.sleep(MAKE_RETRY_S)

    async def _send(
        self, subject: str, batch: SampleBatch, expected: int | None = None, *, claiming: bool = False
    ) -> None:
        """Send a batch, of a claimed life only if ``expected`` is the newest sequence of its subject."""
        headers = {api.Header.MSG_ID.value: batch.message_id}
        if expected is not None:
            headers[api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value] = str(expected)
        try:
            confirmed = await self._js.publish(subject, batch.encode(), stream=STREAM, headers=headers)
        except NoStreamResponseError:
            # The server lost its disk or somebody deleted the stream: the next attempt finds a new one.
            await self._shape_stream()
            raise
        except nats.errors.MaxPayloadError:
            self._uncertain.pop(batch.message_id, None)
            raise
        except BadRequestError as error:
            if error.err_code != WRONG_LAST_SEQUENCE:
                raise
            await self._find_our_place(subject, batch, claiming=claiming)
        else:
            if expected is not None:
                self._claimed[subject] = confirmed.seq

    async def _find_our_place(self, subject: str, batch: SampleBatch, *, claiming: bool) -> None:
        """Another batch is the newest than the one we knew: this very one, that of a successor, or of a lost stream."""
        last = await self._last(subject)
        newest = (last.headers or {}).get(api.Header.MSG_ID.value, "") if last else ""
        if newest == batch.message_id:
            # It arrived before, and its confirmation did not.
            self._claimed[subject] = (last.seq or 0) if last else 0
            return
        if claiming or _epoch(newest) > batch.epoch:
            self._claimed.pop(subject, None)
            msg = f"telemetry log: another process writes as {batch.source}; nothing of ours is taken any more"
            raise LeaseLostError(msg)
        # Forgotten, or the stream was made anew: we are still the newest life of this source.
        await self._send(subject, batch, (last.seq or 0) if last else 0)

    async def _last(self, subject: str) -> api.RawStreamMsg | None:
        try:
            return await self._js.get_last_msg(STREAM, subject)
        except NotFoundError:
            return None

    async def _ends_with(self, subject: str, message_id: str) -> bool:
        last = await self._last(subject)
        if last is None or (last.headers or {}).get(api.Header.MSG_ID.value) != message_id:
            return False
        if subject in self._claimed:
            self._claimed[subject] = last.seq or 0
        return True

    def _subject(self, source: str) -> str:
        return f"telemetry.{self._site}.{_token(source)}"

    def _note_uncertain(self, message_id: str) -> None:
        self._uncertain[message_id] = None
        if len(self._uncertain) > UNCERTAIN_MAX:
            self._uncertain.pop(next(iter(self._uncertain)))

    def _require_connection(self) -> None:
        # Without this the library would keep what it cannot send and send it late, many times over.
        if not self._client.is_connected:
            msg = "telemetry log: not connected to its server"
            raise TelemetryLogUnavailableError(msg)


def _differs(found: api.StreamConfig, wanted: api.StreamConfig) -> bool:
    names = ("subjects", "discard", "max_bytes", "duplicate_window")
    return any(getattr(found, name) != getattr(wanted, name) for name in names)


def _epoch(message_id: str) -> int:
    """Epoch in the name of a batch; 0 when it is no name of ours."""
    parts = message_id.split(":")
    return int(parts[1]) if len(parts) == MESSAGE_ID_PARTS and parts[1].isdecimal() else 0


def _token(text: str) -> str:
    if not text or TOKEN_FORBIDDEN & set(text):
        msg = f"{text!r} cannot name a subject: no spaces, dots, slashes or wildcards"
        raise ValueError(msg)
    return text


def _without_password(url: str) -> str:
    scheme, _, rest = url.rpartition("://")
    return f"{scheme or 'nats'}://{rest.rpartition('@')[2]}"


async def _on_error(error: Exception) -> None:
    # The library calls this for every failed attempt; callers report the outage once.
    log.debug("telemetry log connection", reason=str(error) or type(error).__name__)
