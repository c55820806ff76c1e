"""Questions for the priority array that a device keeps of a point: request and reply over core NATS, kept nowhere."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from cityhall_bms.domain.errors import CityHallError, CollectorUnavailableError

ANSWER_WITHIN_S: Final = 6.0
"""A device is asked in its turn, after the scan that is under way."""

Ask = Callable[[str], Awaitable[Mapping[int, float] | None]]
"""The array of a point by its name, none where its device keeps none; ``KeyError`` for a point that is not here."""

log = structlog.get_logger(__name__)


class NatsArrays:
    """``DeviceArrays`` of one site over a connection that somebody else keeps.

    The subject is ``arrays.<site>``, the question a point's name, the answer a JSON object with ``slots`` (null: the
    device keeps none) or ``error``. Only the collector that has the point answers.
    """

    def __init__(self, client: Client, site: str) -> None:
        self._client = client
        self._subject = f"arrays.{site}"

    async def of(self, point: str) -> Mapping[int, float] | None:
        """Ask; :class:`CollectorUnavailableError` when nobody answers in time, or the device cannot be reached."""
        try:
            reply = await self._client.request(self._subject, point.encode(), timeout=ANSWER_WITHIN_S)
        except nats.errors.NoRespondersError as error:
            msg = "沒有採集器在執行 / no collector is running"
            raise CollectorUnavailableError(msg) from error
        except (nats.errors.Error, OSError, TimeoutError) as error:
            msg = f"採集器未回應 / no collector answered for {point} within {ANSWER_WITHIN_S:g} s"
            raise CollectorUnavailableError(msg) from error
        told = json.loads(reply.data)
        if "error" in told:
            raise CollectorUnavailableError(told["error"])
        slots: Mapping[str, float] | None = told["slots"]
        return None if slots is None else {int(priority): value for priority, value in slots.items()}

    async def answer(self, ask: Ask) -> None:
        """Answer what is asked, until cancelled; a broken connection comes back by itself."""

        async def asked(question: Msg) -> None:
            told = await _told(ask, question.data.decode("utf-8", "replace"))
            if told is not None:
                await question.respond(json.dumps(told).encode())

        subscription = await self._client.subscribe(self._subject, cb=asked)
        try:
            await asyncio.Event().wait()
        finally:
            with suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()


async def _told(ask: Ask, point: str) -> dict[str, object] | None:
    """What to answer; none where somebody else has the point."""
    try:
        found = await ask(point)
    except KeyError:
        return None
    except CityHallError as error:
        return {"error": str(error)}
    except Exception as error:
        log.exception("driver failed to tell its priorities", point=point)
        return {"error": f"{type(error).__name__}: {error}"}
    return {"slots": None if found is None else {str(priority): value for priority, value in found.items()}}
