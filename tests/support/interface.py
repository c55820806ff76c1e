"""The interface as it describes itself, for the tests that go through all of it: making it takes a second."""

from typing import Any, Final

from cityhall_bms.api.app import openapi_document

DOCUMENT: Final[dict[str, Any]] = openapi_document()
"""To be read only."""
