"""Every refusal is a problem document that says what to do (RFC 9457)."""

from tests.support.api_rig import CHILLER, ApiRig

SUPPLY = f"/api/v1/points/{CHILLER}.CHWS_T/samples"
DAY = "from=2026-07-01T00:00:00Z&to=2026-07-02T00:00:00Z"

CASES = [
    ("GET", "/api/v1/points/NO.SUCH.POINT.X1.Y", 404, "no point is named NO.SUCH.POINT.X1.Y"),
    ("GET", "/api/v1/nothing", 404, "Not Found"),
    ("GET", f"{SUPPLY}?from=2026-07-02T00:00:00Z&to=2026-07-01T00:00:00Z", 400, "`to` must be later than `from`"),
    ("GET", f"{SUPPLY}?{DAY}&interval=7m", 400, "interval '7m' is unknown"),
    ("GET", f"{SUPPLY}?{DAY}&agg=median", 422, "query/agg"),
    ("GET", f"{SUPPLY}?from=2026-07-01T00:00:00&to=2026-07-02T00:00:00Z", 422, "query/from"),
    ("GET", "/api/v1/points?limit=0", 422, "query/limit"),
    ("GET", "/api/v1/points?cursor=%25%25", 400, "not one of ours"),
    ("GET", "/api/v1/alarms?state=ringing", 422, "query/state"),
    ("GET", "/api/v1/alarms?cursor=abc", 400, "cursor"),
    ("GET", "/api/v1/alarms/H99~NOBODY", 404, "no alarm is named H99~NOBODY"),
    ("POST", "/api/v1/alarms/H99~NOBODY/acknowledge", 422, "body"),
    ("GET", "/api/v1/events?after=-1", 422, "query/after"),
    ("GET", f"/api/v1/exports/samples.csv?points=NO.SUCH&{DAY}", 404, "no point is named NO.SUCH"),
    ("GET", f"/api/v1/exports/samples.csv?{DAY}", 422, "query/points"),
    ("GET", f"/api/v1/exports/samples.csv?points=,&{DAY}", 400, "names no point"),
    ("GET", "/api/v1/points/stream?names=NO.SUCH", 404, "no point is named NO.SUCH"),
    ("DELETE", "/api/v1/points", 405, "Method Not Allowed"),
]


async def test_a_refusal_is_a_problem_document(rig: ApiRig) -> None:
    for method, path, status, words in CASES:
        answer = await rig.client.request(method, path)

        problem = answer.json()
        assert (answer.status_code, problem["status"]) == (status, status), (path, problem)
        assert answer.headers["content-type"] == "application/problem+json", path
        assert words in problem["detail"], path
        assert problem["type"].startswith("/problems/"), path
        assert problem["instance"] == path.partition("?")[0]
        if status == 405:
            assert "GET" in answer.headers["allow"]


async def test_a_place_in_a_stream_that_is_none_is_refused(rig: ApiRig) -> None:
    for place in ("minus one", "-1", "1.5", "9" * 40, "１"):
        for path in ("/api/v1/alarms/feed", "/api/v1/points/stream"):
            answer = await rig.client.get(path, headers={"Last-Event-ID": place.encode()})

            assert answer.status_code == 400, (path, place)
            assert "Last-Event-ID" in answer.json()["detail"]


async def test_a_page_of_another_site_may_look_but_not_touch(rig: ApiRig) -> None:
    body = {"comment": "eve"}

    answer = await rig.client.post(
        "/api/v1/alarms/X~Y/acknowledge", json=body, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/forbidden"


async def test_a_service_on_loopback_answers_only_under_its_own_names(rig: ApiRig) -> None:
    answer = await rig.client.get("/api/v1/site", headers={"Host": "evil.example"})

    assert answer.status_code == 400


async def test_answers_forbid_foreign_script_and_frames(rig: ApiRig) -> None:
    headers = (await rig.client.get("/api/v1/site")).headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_text_that_the_log_cannot_keep_is_refused(rig: ApiRig) -> None:
    bodies = (
        b'{"comment": "a\\u0000b"}',
        b'{"comment": 1}',
        b'{"comment": "\\ud800"}',
        b'{"by": "somebody else"}',
        b"{",
    )
    for body in bodies:
        answer = await rig.client.post(
            "/api/v1/alarms/X~Y/acknowledge", content=body, headers={"Content-Type": "application/json"}
        )

        assert answer.status_code == 422, (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_is_too_large_is_refused(rig: ApiRig) -> None:
    answer = await rig.client.post("/api/v1/alarms/X~Y/acknowledge", json={"comment": "x" * 600_000})

    assert answer.status_code == 413


async def test_an_address_names_every_method_that_it_takes(rig: ApiRig) -> None:
    answer = await rig.client.patch("/api/v1/rules/H13/draft")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, PUT")


async def test_a_parameter_that_a_route_does_not_know_is_refused_with_those_it_takes(rig: ApiRig) -> None:
    """Passed over, ``aggregation=delta`` would answer with means where consumption is meant."""
    asked = await rig.client.get(f"/api/v1/points/{CHILLER}.CHWS_T/samples", params={"aggregation": "delta"})
    assert asked.status_code == 422
    [error] = asked.json()["errors"]
    assert error["pointer"] == "query/aggregation"
    assert "agg, " in error["detail"]
    assert (await rig.client.get("/api/v1/site?x=1")).json()["errors"][0]["detail"].endswith("this takes none")


async def test_who_is_not_signed_in_is_told_that_first(rig: ApiRig) -> None:
    async with rig.nobody() as stranger:
        assert (await stranger.get("/api/v1/site?x=1")).status_code == 401
