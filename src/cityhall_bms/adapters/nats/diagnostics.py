"""Questions for devices' diagnostics between processes: request and reply over core NATS, of which nothing is kept."""

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from cityhall_bms.domain.errors import CollectorUnavailableError
from cityhall_bms.ports.capabilities import Plain
from cityhall_bms.ports.diagnostics import Diagnosis

ANSWER_WITHIN_S: Final = 2.0

Figures = Callable[[str], Mapping[str, Plain]]
"""Diagnostics of a device by its name; ``KeyError`` for one that is not here."""

log = structlog.get_logger(__name__)


class NatsDiagnostics:
    """``DeviceDiagnostics`` of one site over a connection that somebody else keeps.

    The subject is ``diagnostics.<site>``, the question a device's name, the answer a JSON object with ``collector`` and
    ``figures``. Only the collector that has the device answers.
    """

    def __init__(self, client: Client, site: str) -> None:
        self._client = client
        self._subject = f"diagnostics.{site}"

    async def of(self, device: str) -> Diagnosis:
        """Ask; :class:`CollectorUnavailableError` when nobody answers within ``ANSWER_WITHIN_S``."""
        try:
            reply = await self._client.request(self._subject, device.encode(), timeout=ANSWER_WITHIN_S)
        except nats.errors.NoRespondersError as error:
            msg = "no collector is running"
            raise CollectorUnavailableError(msg) from error
        except (nats.errors.Error, OSError, TimeoutError) as error:
            msg = f"no collector answered for {device} within {ANSWER_WITHIN_S:g} s"
            raise CollectorUnavailableError(msg) from error
        told = json.loads(reply.data)
        return Diagnosis(told["collector"], told["figures"])

    async def answer(self, collector: str, figures: Figures) -> None:
        """Answer what is asked, until cancelled; a broken connection comes back by itself."""

        async def asked(question: Msg) -> None:
            device = question.data.decode("utf-8", "replace")
            try:
                found = figures(device)
            except KeyError:
                return
            except Exception:
                log.exception("driver failed to tell how it fares", device=device)
                return
            await question.respond(json.dumps({"collector": collector, "figures": _finite(found)}).encode())

        subscription = await self._client.subscribe(self._subject, cb=asked)
        try:
            await asyncio.Event().wait()
        finally:
            with suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()


def _finite(figures: Mapping[str, Plain]) -> dict[str, Plain]:
    """What is no number has none in JSON either."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }
