"""OpenDSM (the library of CalTRACK) as a second opinion, in a process of its own: see :mod:`.opendsm_child`."""

import asyncio
import importlib.util
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from cityhall_bms.domain.energy.baselines import ModelKind, Observed
from cityhall_bms.domain.errors import MissingLibraryError, RefusedError
from cityhall_bms.ports.reference_models import ReferenceFit

CHILD: Final = Path(__file__).with_name("opendsm_child.py")
TIMEOUT_S: Final = 300.0
"""Its first fit compiles for half a minute on a quiet machine."""
MODELS: Final = {ModelKind.CALTRACK: "caltrack", ModelKind.COOLING: "daily", ModelKind.TIME_OF_WEEK: "hourly"}
"""Which of its models answers for which of ours: CalTRACK 2.0, its newest of days, and CalTRACK's of hours."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger(__name__)


class OpendsmReference:
    """See :class:`~cityhall_bms.ports.reference_models.ReferenceModels`; one fit at a time."""

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python
        self._one = asyncio.Lock()

    async def fit(self, kind: ModelKind, observed: Observed, time_zone: str) -> ReferenceFit:
        """Fit what is known; ``MissingLibraryError`` without the extra ``mv``."""
        if self._python == sys.executable and importlib.util.find_spec("opendsm") is None:
            msg = "opendsm is not installed here: pip install 'cityhall-bms[mv]'"
            raise MissingLibraryError(msg)
        question = {
            "model": MODELS[kind],
            "time_zone": time_zone,
            "at": [(_EPOCH + timedelta(microseconds=int(at))).isoformat() for at in observed.at],
            "used": _numbers(observed.used),
            "temperature": _numbers(observed.conditions.temperature),
        }
        async with self._one:
            answer = await self._ask(json.dumps(question).encode())
        told = np.array([np.nan if value is None else value for value in answer["told"]], np.float64)
        return ReferenceFit(answer["library"], told, answer["parameters"])

    async def _ask(self, question: bytes) -> dict[str, Any]:
        child = await asyncio.create_subprocess_exec(
            self._python, str(CHILD), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(TIMEOUT_S):
                out, err = await child.communicate(question)
        except TimeoutError as error:
            msg = f"opendsm gave no answer in {TIMEOUT_S:g} s"
            raise RefusedError(msg) from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            log.warning("opendsm failed", errors=err.decode(errors="replace")[-2_000:])
            msg = "opendsm could not fit these data; the log has its words"
            raise RefusedError(msg)
        answer: dict[str, Any] = json.loads(out)
        return answer


def _numbers(column: NDArray[np.float64]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in column.tolist()]
