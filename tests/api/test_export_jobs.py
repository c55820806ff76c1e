"""Exports over HTTP: asked for, made, taken in parts, proven, withdrawn."""

import hashlib
import json
from typing import Any

from tests.support.api_rig import CHILLER, ME, ApiRig

from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.quality import Quality

SUPPLY, RUNS = f"{CHILLER}.CHWS_T", f"{CHILLER}.RunSts"
START = 1_782_864_000_000_000
ORDER = {
    "points": [f"{CHILLER}.*"],
    "from": to_rfc3339(START),
    "to": to_rfc3339(START + 60_000_000),
    "language": "en",
}


async def ask(rig: ApiRig, **changes: Any) -> dict[str, Any]:
    answer = await rig.client.post("/api/v1/exports", json=ORDER | changes)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/exports/{job['id']}"
    return job


async def make(rig: ApiRig, identity: str) -> None:
    """What a process of its own does in service."""
    folder = rig.folder / "exports"
    folder.mkdir(exist_ok=True)
    await rig.exports.maker(folder, 0).make(await rig.services.exports.get(identity))


async def test_a_job_is_made_taken_in_parts_and_proven(rig: ApiRig) -> None:
    await rig.measure(START, {SUPPLY: (7.25, Quality.GOOD), RUNS: (1.0, Quality.GOOD)})
    job = await ask(rig)
    assert (job["state"], job["progress"], job["file"], job["manifest"]) == ("waiting", 0.0, None, None)
    early = await rig.client.get(f"/api/v1/exports/{job['id']}/file")
    assert (early.status_code, early.headers["content-type"]) == (409, "application/problem+json")
    assert (await rig.client.get(f"/api/v1/exports/{job['id']}/manifest")).status_code == 409

    await make(rig, job["id"])

    done = (await rig.client.get(f"/api/v1/exports/{job['id']}")).json()
    assert (done["state"], done["progress"], done["rows"]) == ("done", 1.0, 2)
    whole = await rig.client.get(done["file"])
    assert whole.headers["etag"] == f'"{done["sha256"]}"'
    assert hashlib.sha256(whole.content).hexdigest() == done["sha256"]
    assert whole.headers["content-type"] == "text/csv; charset=utf-8"
    rest = await rig.client.get(done["file"], headers={"Range": "bytes=10-", "If-Range": whole.headers["etag"]})
    assert (rest.status_code, rest.content) == (206, whole.content[10:])
    changed = await rig.client.get(done["file"], headers={"Range": "bytes=10-", "If-Range": '"another"'})
    assert (changed.status_code, changed.content) == (200, whole.content)
    manifest = (await rig.client.get(done["manifest"])).json()
    assert (manifest["asked_by"], manifest["file"]["sha256"]) == (ME, done["sha256"])
    assert {point["name"] for point in manifest["query"]["points"]} >= {SUPPLY, RUNS}


async def test_a_stream_has_its_manifest_when_it_has_come_to_its_end(rig: ApiRig) -> None:
    await rig.measure(START, {SUPPLY: (7.25, Quality.GOOD)})
    window = {"from": to_rfc3339(START), "to": to_rfc3339(START + 60_000_000)}
    known = {"as_known_at": to_rfc3339(START + 120_000_000)}
    answers = [
        await rig.client.get("/api/v1/exports/samples.csv", params={"points": SUPPLY, **window, **known})
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    identity = answers[0].headers["x-export-id"]
    manifest = await rig.client.get(f"/api/v1/exports/{identity}/manifest")
    assert manifest.json()["file"]["sha256"] == hashlib.sha256(answers[0].content).hexdigest()
    assert manifest.text == json.dumps(manifest.json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    events = (await rig.client.get("/api/v1/events", params={"stream": f"export/{identity}"})).json()["items"]
    assert [event["type"] for event in events] == ["ExportMade"]
    listed = (await rig.client.get("/api/v1/exports", params={"limit": 1})).json()
    older = (await rig.client.get("/api/v1/exports", params={"limit": 1, "cursor": listed["next"]})).json()
    assert {listed["items"][0]["id"], older["items"][0]["id"]} == {answer.headers["x-export-id"] for answer in answers}
    assert listed["items"][0]["kind"] == "stream"
    assert (await rig.client.delete(f"/api/v1/exports/{identity}")).status_code == 409


async def test_a_job_is_withdrawn_and_a_file_removed_but_not_its_manifest(rig: ApiRig) -> None:
    waiting, done = await ask(rig), await ask(rig, format="parquet")
    cancelled = await rig.client.delete(f"/api/v1/exports/{waiting['id']}")
    assert cancelled.json()["state"] == "cancelled"
    await make(rig, done["id"])
    assert (await rig.client.get(f"/api/v1/exports/{done['id']}/file")).content.startswith(b"PAR1")
    removed = (await rig.client.delete(f"/api/v1/exports/{done['id']}")).json()
    assert (removed["state"], removed["file"]) == ("removed", None)
    assert (await rig.client.get(removed["manifest"])).status_code == 200
    assert (await rig.client.get(f"/api/v1/exports/{done['id']}/file")).status_code == 409


async def test_what_cannot_be_asked_is_a_problem(rig: ApiRig) -> None:
    async def status(**changes: Any) -> tuple[int, str]:
        answer = await rig.client.post("/api/v1/exports", json=ORDER | changes)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["detail"]

    assert (await status(points=["NO.SUCH"]))[0] == 404
    assert (await status(points=[]))[0] == 422
    assert (await status(to=ORDER["from"]))[0] == 400
    assert (await status(interval="7m"))[0] == 400
    assert "future" in (await status(as_known_at="2199-01-01T00:00:00Z"))[1]
    assert (await status(format="pdf"))[0] == 422
    assert (await status(by="somebody", colour="red"))[0] == 422
    assert (await rig.client.get("/api/v1/exports/none")).status_code == 404
    assert (await rig.client.get("/api/v1/exports/no%20name")).status_code == 422
