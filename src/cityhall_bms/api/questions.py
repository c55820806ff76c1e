"""A question is asked in the words of the description.

A parameter that a route does not know would be passed over: whoever writes ``aggregation=delta`` where ``agg`` is meant
would get means, and take them for consumption.
"""

from typing import Any, Final

from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import ParamTypes
from starlette.requests import HTTPConnection

OPEN: Final = frozenset({"finish_oidc"})
"""Routes to which others send what they like: the way back from a provider of identities."""

_names: Final[dict[str, tuple[str, ...]]] = {}


def refuse_unknown(connection: HTTPConnection) -> None:
    """:class:`RequestValidationError` for a parameter that the route does not have; it names those it has."""
    route = connection.scope["route"]
    if route.name not in _names:
        _names[route.name] = _known(route)
    known = _names[route.name]
    unknown = [name for name in connection.query_params if name not in known]
    if unknown and route.name not in OPEN:
        takes = f"this takes {', '.join(known)}" if known else "this takes none"
        raise RequestValidationError(
            [
                {"loc": ("query", name), "type": "unknown", "msg": f"there is no such parameter; {takes}"}
                for name in unknown
            ]
        )


def _known(route: Any) -> tuple[str, ...]:  # noqa: ANN401 - a route of either kind
    fields = get_flat_params(route.dependant)
    # What a model of questions brings with it says nothing of where it stands.
    return tuple(
        field.alias for field in fields if getattr(field.field_info, "in_", ParamTypes.query) is ParamTypes.query
    )
