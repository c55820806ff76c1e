"""No call of any route, by anybody, makes a command for life safety: bodies made from the interface's own description."""

import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from tests.api.test_life_safety import EQUIPMENT, FORBIDDEN, FREE, POINTS
from tests.support.api_rig import ApiRig, running_api
from tests.support.databases import DatabaseServers
from tests.support.interface import DOCUMENT

pytestmark = pytest.mark.asyncio(loop_scope="session")
SCHEMAS = DOCUMENT["components"]["schemas"]
ROUNDS = 5
OTHER_WORDS = ("TCH.B2.CN.FACP01", "B2.CN", "B2", "CHC_TRIP", "測試", "2026-12-01", "2199-01-01T00:00:00Z", "09:00")
CHANGES = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    # Of accounts and sessions only what could end the test itself.
    if method not in {"get", "head"} and not path.startswith(("/api/v1/session", "/api/v1/accounts", "/api/v1/tokens"))
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, tmp_path_factory.mktemp("safety") / "site", POINTS, more_equipment=EQUIPMENT) as running,
    ):
        yield running


def made(schema: dict[str, Any], random: Random, name: str = "") -> Any:
    """Some value of a schema, with a forbidden point wherever a text may stand that could name one."""
    while "$ref" in schema or "anyOf" in schema or "oneOf" in schema:
        choices = schema.get("anyOf") or schema.get("oneOf")
        schema = random.choice(choices) if choices else SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if "const" in schema or "enum" in schema:
        return schema.get("const", random.choice(schema.get("enum", [None])))
    makers = {"object": _object, "array": _array, "number": _number, "integer": _number, "string": _text}
    if schema.get("type") == "boolean":
        return random.random() < 0.5
    maker = makers.get(schema.get("type", ""))
    return None if maker is None else maker(schema, random, name)


def _object(schema: dict[str, Any], random: Random, _: str) -> Any:
    properties, required = schema.get("properties", {}), schema.get("required", ())
    found = {
        each: made(properties[each], random, each) for each in properties if each in required or random.random() < 0.6
    }
    if isinstance(schema.get("additionalProperties"), dict):
        found[random.choice(FORBIDDEN)] = made(schema["additionalProperties"], random)
    return found


def _array(schema: dict[str, Any], random: Random, name: str) -> Any:
    count = max(schema.get("minItems", 0), random.choice([1, 1, 2]))
    return [made(schema.get("items", {}), random, name) for _ in range(count)]


def _number(schema: dict[str, Any], _random: Random, _: str) -> Any:
    return schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else schema.get("minimum", 0)


def _text(schema: dict[str, Any], random: Random, name: str) -> str:
    if schema.get("format") == "date-time":
        return "2199-01-01T00:00:00Z"
    if schema.get("format") == "date":
        return "2026-12-01"
    words = FORBIDDEN if "point" in name or random.random() < 0.5 else [*OTHER_WORDS, FREE]
    return random.choice(words)


def address(path: str, random: Random) -> str:
    """The path with something in the place of every name."""
    names = [random.choice(FORBIDDEN) if random.random() < 0.7 else "x-1" for _ in range(5)]
    return "/".join(names.pop() if part.startswith("{") else part for part in path.split("/"))


async def test_no_route_makes_a_command_for_life_safety_whatever_is_asked(rig: ApiRig) -> None:
    random, refused, understood = Random(11), 0, 0
    for _ in range(ROUNDS):
        for method, path, operation in CHANGES:
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            body = None if schema is None else made(schema, random)
            answer = await rig.client.request(method, address(path, random), json=body)
            assert answer.status_code < 500 or answer.status_code in {501, 503}, (method, path, body, answer.text)
            refused += answer.status_code == 403
            understood += answer.status_code != 422
    assert refused, "some of them asked for what is forbidden"
    assert understood > ROUNDS * len(CHANGES) / 4, "and most were understood"

    stored = await rig.events.read(0, 1_000_000)
    commands = [each for each in stored if each.stream.startswith("command/")]
    assert {each.type for each in commands if each.stream.removeprefix("command/") in FORBIDDEN} <= {"CommandRefused"}
    for each in stored:
        if each.stream.split("/")[0] in {"schedule", "scene", "bulk"} and not each.type.endswith("Refused"):
            assert not any(name in json.dumps(each.payload, default=str) for name in FORBIDDEN), each
