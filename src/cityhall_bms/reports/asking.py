"""Addresses of the questions that give figures again. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from cityhall_bms.ports.history import Window

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
API: Final = "/api/v1"


def utc_text(at: int) -> str:
    """µs UTC as ``2015-06-30T16:00:00Z``; with parts of a second where there are some."""
    return (EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def address(path: str, known_at: int | None = None, **parameters: str | list[str] | bool) -> str:
    """Address of a question below the interface; a list gives the parameter several times."""
    asked = {name.rstrip("_"): str(v).lower() if isinstance(v, bool) else v for name, v in parameters.items()}
    if known_at is not None:
        asked["as_known_at"] = utc_text(known_at)
    return f"{API}{path}" + (f"?{urlencode(asked, doseq=True, safe=':')}" if asked else "")


def between(window: Window) -> dict[str, str]:
    """Parameters ``from`` and ``to``."""
    return {"from_": utc_text(window.start), "to": utc_text(window.end)}
