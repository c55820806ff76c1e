"""What a stranger, another site's page or a curious colleague tries: headers, forgery, paths, secrets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api
from tests.support.databases import DatabaseServers
from tests.support.interface import DOCUMENT

from cityhall_bms.api.app import create_app

pytestmark = pytest.mark.asyncio(loop_scope="session")
SECRET = "root:x:0:0"
UNSAFE = [
    (method, path)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
    if method not in {"get", "head"}
]


@asynccontextmanager
async def serving_pages(servers: DatabaseServers, folder: Path) -> AsyncIterator[ApiRig]:
    """The interface with pages, and a secret beside their folder."""
    pages = folder / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("<!doctype html><title>ours</title>")
    (folder / "secret.txt").write_text(SECRET)
    async with (
        servers.empty_database("postgres") as url,
        running_api(url, folder / "site", dashboard=pages) as running,
    ):
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    async with serving_pages(database_servers, tmp_path_factory.mktemp("hardening")) as running:
        yield running


def filled(path: str, value: str = "x") -> str:
    """An operation's address with something in the place of every name."""
    return "/".join(value if part.startswith("{") else part for part in path.split("/"))


async def raw(rig: ApiRig, target: str) -> bytes:
    """What is answered for a target that no client would send as it is."""
    port = rig.client.base_url.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = rig.client.headers["authorization"]
    writer.write(f"GET {target} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n\r\n".encode())
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


async def test_every_kind_of_answer_tells_browsers_what_is_allowed(rig: ApiRig) -> None:
    async with rig.nobody() as client:
        answers = [await client.get(path) for path in ("/", "/api/v1/site", "/healthz", "/api/v1/nothing")]
        answers.append(await client.post("/api/v1/session", content=b"{", headers={"Content-Type": "application/json"}))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "camera=()" in answer.headers["permissions-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers, "not over plain HTTP"
    assert (await rig.client.get("/api/v1/site")).headers["cache-control"] == "no-store"


async def test_over_tls_browsers_are_told_to_stay_with_it(rig: ApiRig) -> None:
    transport = httpx.ASGITransport(create_app(rig.services))
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1") as client:
        answer = await client.get("/healthz")

    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_a_page_of_another_site_changes_nothing_by_any_route(rig: ApiRig, headers: dict[str, str]) -> None:
    cookie = {"Cookie": f"bms-session={await rig.session()}"}
    before = await rig.events.read(0, 100_000)
    async with rig.nobody() as client:
        for method, path in UNSAFE:
            answer = await client.request(method, filled(path), json={}, headers=cookie | headers)
            assert answer.status_code == 403, (method, path)

    assert len(await rig.events.read(0, 100_000)) == len(before)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_a_form_of_another_site_is_no_request_of_ours(rig: ApiRig, kind: str) -> None:
    """An old browser sends forms with cookies and says nothing of where they come from; it cannot send JSON."""
    cookie = {"Cookie": f"bms-session={await rig.session()}", "Content-Type": kind}
    takes_files = {"/api/v1/energy/documents", "/api/v1/energy/readings/import"}
    described = DOCUMENT["paths"]
    async with rig.nobody() as client:
        for method, path in UNSAFE:
            if method == "post" and path not in takes_files and "requestBody" in described[path][method]:
                answer = await client.post(filled(path), content=b'{"name": "a"}', headers=cookie)
                assert answer.status_code in {404, 415, 422}, (path, answer.text)


CLIMBS = [
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "..%5csecret.txt",
    "....//secret.txt",
    "%252e%252e/secret.txt",
]
PLACES = [
    "/",
    "/assets/",
    "/api/v1/energy/documents/",
    "/api/v1/exports/",
    "/api/v1/reports/x/files/",
    "/api/v1/shifts/hand-overs/",
    "/api/v1/rules/",
]


@pytest.mark.parametrize("place", PLACES)
async def test_no_path_climbs_out_of_its_folder(rig: ApiRig, place: str) -> None:
    for climb in [*CLIMBS, "../" + CLIMBS[0], "../../" + CLIMBS[0], quote("/etc/passwd", safe=""), "/etc/passwd"]:
        for end in ("", "/file", "/manifest", "/page"):
            answer = await raw(rig, place + climb + end)
            assert SECRET.encode() not in answer, climb
            assert b" 500 " not in answer.partition(b"\r\n")[0], climb


async def test_a_document_s_name_is_only_a_name(rig: ApiRig) -> None:
    for name in ("../../evil.pdf", "/etc/evil.pdf", "a\\b.pdf", ".pdf"):
        answer = await rig.client.post(
            "/api/v1/energy/documents",
            params={"name": name},
            content=b"%PDF-1.7 x",
            headers={"Content-Type": "application/pdf"},
        )
        if answer.status_code == 201:
            kept = await rig.client.get(f"/api/v1/energy/documents/{answer.json()['sha256']}")
            assert "attachment" in kept.headers["content-disposition"]
            assert "/" not in answer.json()["name"]
            assert "\\" not in answer.json()["name"]
    assert not list(rig.folder.parent.glob("**/evil*"))


async def test_an_error_says_nothing_of_the_inside(rig: ApiRig) -> None:
    answers = [
        await rig.client.get("/api/v1/points/%00"),
        await rig.client.get("/api/v1/events?stream=%27%3B%20DROP%20TABLE%20events%3B--"),
        await rig.client.get("/api/v1/alarms?cursor=%FF%FE"),
        await rig.client.post("/api/v1/commands", json={"point": "x" * 10_000}),
    ]
    for answer in answers:
        assert answer.status_code < 500, answer.text
        for word in ("Traceback", "asyncpg", "site-packages", "SELECT ", "/src/"):
            assert word not in answer.text


async def test_no_secret_is_in_what_the_service_tells_of_itself(rig: ApiRig) -> None:
    """Passwords of the database and tokens are in no event, no figure, no answer that describes the service."""
    token = rig.client.headers["authorization"].removeprefix("Bearer ")
    session = await rig.session()
    told = [
        (await rig.client.get(path)).text
        for path in ("/metrics", "/readyz", "/healthz", "/api/v1/site", "/api/v1/devices", "/api/v1/events?limit=1000",
                     "/api/v1/session", "/api/v1/session/tokens", "/api/v1/session/sessions")
    ]  # fmt: skip
    stored = [repr(each) for each in await rig.events.read(0, 100_000)]
    for text in [*told, *stored]:
        assert token not in text
        assert session not in text
        assert rig.dsn not in text
