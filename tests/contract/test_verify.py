"""Whatever is changed in the record is found, and named; what was only lived through is sound."""

# ruff: noqa: S608 - statements of our own, by which a test does what nobody should
import os
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from tests.support.histories import T0
from tests.support.records import DAY, signed_record
from tests.support.verified import ALL, Record, fault, found_after

from cityhall_bms.adapters.signing import Signer
from cityhall_bms.domain.verification import Part, Wrong
from cityhall_bms.integrity_jobs import Trusted, check_record


async def test_a_record_that_nobody_touched_is_sound(record: Record) -> None:
    found = await found_after(record, copies=record.folder / "seals")

    assert [checked.fault for checked in found.values()] == [None] * len(found)
    assert found[Part.DAYS].count == 3
    assert found[Part.SAMPLES].count > 100
    assert found[Part.ROLLUPS].count > 500
    assert found[Part.CHAINS].count > 25
    assert sum(checked.unproven for checked in found.values()) == 0


EVENT_5 = "WHERE position = 5"


@pytest.mark.parametrize(
    ("statement", "wrong", "position"),
    [
        (f"UPDATE event SET recorded_at = recorded_at + 1 {EVENT_5}", Wrong.EVENT_CHANGED, 5),
        (f"UPDATE event SET stream = 'x' {EVENT_5}", Wrong.EVENT_CHANGED, 5),
        (f"UPDATE event SET version = version + 50 {EVENT_5}", Wrong.EVENT_CHANGED, 5),
        (f"UPDATE event SET type = 'DeviceRestored' {EVENT_5}", Wrong.EVENT_CHANGED, 5),
        (f"UPDATE event SET actor = 'nobody' {EVENT_5}", Wrong.EVENT_CHANGED, 5),
        (f"UPDATE event SET payload = '{{}}' {EVENT_5}", Wrong.EVENT_CHANGED, 5),
        (f"UPDATE event SET prev_hash = sha256('x') {EVENT_5}", Wrong.EVENT_CHAIN, 5),
        (f"UPDATE event SET hash = sha256('x') {EVENT_5}", Wrong.EVENT_CHANGED, 5),
        (f"UPDATE event SET position = 500 {EVENT_5}", Wrong.EVENT_MISSING, 5),
        (f"DELETE FROM event {EVENT_5}", Wrong.EVENT_MISSING, 5),
        ("DELETE FROM event WHERE position = 1", Wrong.EVENT_MISSING, 1),
        (
            (
                "INSERT INTO event SELECT position + 1, recorded_at, 'x', 1, type, actor, payload, hash, sha256('x') "
                "FROM event ORDER BY position DESC LIMIT 1"
            ),
            Wrong.EVENT_CHANGED,
            13,
        ),
    ],
)
async def test_a_changed_event_is_named(record: Record, statement: str, wrong: Wrong, position: int) -> None:
    found = fault(await found_after(record, statement, Part.EVENTS), Part.EVENTS)

    assert (found.wrong, found.place) == (wrong, str(position))


async def test_a_log_that_lost_its_tail_is_not_the_one_that_was_signed(record: Record) -> None:
    cut = await found_after(record, "DELETE FROM event WHERE position > 4 AND stream <> 'integrity/days'", Part.EVENTS)
    short = await found_after(
        record, "DELETE FROM event WHERE position > 4", Part.EVENTS, Part.DAYS, copies=record.folder / "seals"
    )

    assert fault(cut, Part.EVENTS).wrong is Wrong.EVENT_MISSING
    assert short[Part.EVENTS].fault is None
    assert (fault(short, Part.DAYS).wrong, fault(short, Part.DAYS).place) == (Wrong.DAY_GONE, "2026-07-02")


@pytest.mark.parametrize(
    "column", ["epoch", "sequence", "recorded_at", "first", "last", "samples", "digest", "hash", "number"]
)
async def test_a_changed_seal_is_named(record: Record, column: str) -> None:
    value = "sha256('x')" if column in {"digest", "hash"} else f"{column} + 1000"
    statement = f"UPDATE batch_seal SET {column} = {value} WHERE number = 3 AND chain = (SELECT chain FROM batch_chain WHERE source = 'c1')"
    found = fault(await found_after(record, statement, Part.CHAINS), Part.CHAINS)

    assert found.wrong is (Wrong.SEAL_MISSING if column == "number" else Wrong.SEAL_CHANGED)
    assert found.place == "c1 #3"


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        (
            "DELETE FROM batch_seal WHERE chain = (SELECT chain FROM batch_chain WHERE source = 'c1') AND number = 4",
            Wrong.SEAL_MISSING,
        ),
        (
            "DELETE FROM batch_seal WHERE chain = (SELECT chain FROM batch_chain WHERE source = 'c1') AND number >= 4",
            Wrong.SEAL_MISSING,
        ),
        ("UPDATE batch_chain SET number = 0 WHERE source = 'c2'", Wrong.CHAIN_HEAD),
        ("UPDATE batch_chain SET hash = sha256('x') WHERE source = 'c2'", Wrong.CHAIN_HEAD),
    ],
)
async def test_a_chain_that_was_cut_is_noticed(record: Record, statement: str, wrong: Wrong) -> None:
    assert fault(await found_after(record, statement, Part.CHAINS), Part.CHAINS).wrong is wrong


CUT_CHAIN = """
WITH cut AS (DELETE FROM batch_seal WHERE chain = (SELECT chain FROM batch_chain WHERE source = 'c1') AND number > 3)
UPDATE batch_chain c SET number = s.number, hash = s.hash FROM batch_seal s
WHERE s.chain = (SELECT chain FROM batch_chain WHERE source = 'c1') AND s.number = 3 AND c.chain = (SELECT chain FROM batch_chain WHERE source = 'c1')
"""


async def test_a_chain_that_was_cut_with_its_head_is_not_the_one_that_was_signed(record: Record) -> None:
    found = await found_after(record, CUT_CHAIN, Part.DAYS, Part.CHAINS, Part.SAMPLES)

    assert fault(found, Part.CHAINS).wrong is Wrong.CHAIN_TAIL
    assert (fault(found, Part.DAYS).wrong, fault(found, Part.DAYS).place) == (Wrong.DAY_CHAIN_HEAD, "2026-07-01")
    assert fault(found, Part.SAMPLES).wrong is Wrong.SAMPLES_UNSEALED


A_CHANCE = "WHERE set_id IS NULL AND recorded_at = (SELECT max(recorded_at) FROM scan WHERE set_id IS NULL)"
A_POLL = (
    "WHERE (observed_at, set_id) = (SELECT observed_at, set_id FROM scan WHERE set_id IS NOT NULL "
    'AND cardinality("values") = 5 ORDER BY observed_at OFFSET 4 LIMIT 1)'
)


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        (f'UPDATE scan SET "values"[3] = "values"[3] + 0.5 {A_POLL}', Wrong.SAMPLES_CHANGED),
        (f'UPDATE scan SET "values"[2] = NULL {A_POLL}', Wrong.SAMPLES_CHANGED),
        (f'UPDATE scan SET "values" = "values"[2:5] {A_POLL}', Wrong.SAMPLES_CHANGED),
        (f'UPDATE scan SET "values" = "values" || 1.0::float8 {A_POLL}', Wrong.SAMPLES_ADDED),
        (f"UPDATE scan SET quality = '\\x0000400000' {A_POLL}", Wrong.SAMPLES_CHANGED),
        (f"UPDATE scan SET quality = '\\x00' {A_POLL}", Wrong.SAMPLES_CHANGED),
        (f"UPDATE scan SET observed_at = observed_at - interval '1 us' {A_POLL}", Wrong.SAMPLES_MOVED),
        (f"UPDATE scan SET recorded_at = recorded_at + interval '1 us' {A_POLL}", Wrong.SAMPLES_UNSEALED),
        (f"UPDATE scan SET set_id = NULL, point_ids = '{{4,2,3,9,8}}' {A_POLL}", Wrong.SAMPLES_CHANGED),
        (f"UPDATE scan SET point_ids = array_append(point_ids[2:], 7) {A_CHANCE}", Wrong.SAMPLES_CHANGED),
        (f"DELETE FROM scan {A_POLL}", Wrong.SAMPLES_MISSING),
        (
            f"INSERT INTO scan SELECT observed_at, recorded_at, NULL, '{{77}}', '{{1.0}}', NULL FROM scan {A_POLL}",
            Wrong.SAMPLES_ADDED,
        ),
        (
            (
                "INSERT INTO scan SELECT observed_at, recorded_at + interval '3 us', set_id, point_ids, \"values\", quality "
                f"FROM scan {A_POLL}"
            ),
            Wrong.SAMPLES_UNSEALED,
        ),
    ],
)
async def test_a_changed_scan_is_named_by_its_batch(record: Record, statement: str, wrong: Wrong) -> None:
    connection = await asyncpg.connect(record.url)
    scan = A_CHANCE if A_CHANCE in statement else A_POLL
    batch = await connection.fetchrow(
        "SELECT c.source, s.number, s.recorded_at FROM batch_seal s JOIN batch_chain c USING (chain) WHERE s.recorded_at = "
        f"(SELECT (extract(epoch FROM recorded_at) * 1000000)::bigint FROM scan {scan} LIMIT 1) "
        "ORDER BY s.samples DESC, s.chain, s.number LIMIT 1"
    )
    await connection.close()
    found = await found_after(record, statement, Part.SAMPLES)

    assert fault(found, Part.SAMPLES).wrong is wrong
    if wrong is Wrong.SAMPLES_UNSEALED:
        assert fault(found, Part.SAMPLES).place.startswith(f"recorded_at {str(batch['recorded_at'])[:-2]}")
    else:
        assert fault(found, Part.SAMPLES).place.startswith(f"{batch['source']} #{batch['number']} ")


async def test_the_first_of_several_wrong_batches_is_named(record: Record) -> None:
    one = fault(await found_after(record, f"DELETE FROM scan {A_POLL}", Part.SAMPLES), Part.SAMPLES)
    many = fault(
        await found_after(
            record,
            "DELETE FROM scan WHERE observed_at >= "
            '(SELECT observed_at FROM scan WHERE set_id IS NOT NULL AND cardinality("values") = 5 '
            "ORDER BY observed_at OFFSET 4 LIMIT 1)",
            Part.SAMPLES,
        ),
        Part.SAMPLES,
    )

    assert many == one


async def test_values_exchanged_between_two_scans_are_noticed(record: Record) -> None:
    found = await found_after(
        record,
        'UPDATE scan a SET "values" = b."values" FROM scan b WHERE a.set_id = b.set_id '
        'AND cardinality(a."values") = 5 AND a.observed_at <> b.observed_at AND a."values" <> b."values"',
    )

    assert fault(found, Part.SAMPLES).wrong is Wrong.SAMPLES_CHANGED


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("UPDATE point_set SET point_ids[1] = 7 WHERE cardinality(point_ids) = 5", Wrong.SET_CHANGED),
        ("UPDATE point_set_member SET ordinal = 9 WHERE point_id = 3", Wrong.SET_MEMBERS),
        ("DELETE FROM point_set_member WHERE point_id = 3", Wrong.SET_MEMBERS),
    ],
)
async def test_a_changed_point_set_is_noticed(record: Record, statement: str, wrong: Wrong) -> None:
    assert fault(await found_after(record, statement, Part.SETS), Part.SETS).wrong is wrong


@pytest.mark.parametrize(
    ("level", "change", "wrong"),
    [
        ("1m", "UPDATE rollup_1m SET mean[5] = mean[5] + 1", Wrong.ROLLUP_CHANGED),
        ("15m", "UPDATE rollup_15m SET good_us[5] = good_us[5] - 1", Wrong.ROLLUP_CHANGED),
        ("1h", "UPDATE rollup_1h SET high[5] = 1000", Wrong.ROLLUP_CHANGED),
        ("1d", "UPDATE rollup_1d SET last[5] = 3", Wrong.ROLLUP_CHANGED),
        ("15m", "UPDATE rollup_15m SET count[8] = 1", Wrong.ROLLUP_ADDED),
        ("1m", "DELETE FROM rollup_1m", Wrong.ROLLUP_MISSING),
        ("1d", "DELETE FROM rollup_1d", Wrong.ROLLUP_MISSING),
    ],
)
async def test_a_changed_figure_is_named(record: Record, level: str, change: str, wrong: Wrong) -> None:
    row = f"WHERE block = 0 AND bucket = (SELECT min(bucket) FROM rollup_{level} WHERE block = 0 AND count[5] > 0)"
    found = fault(await found_after(record, f"{change} {row}", Part.ROLLUPS), Part.ROLLUPS)

    assert found.wrong is wrong
    assert found.place.split()[:2] == [level, "point"]


async def test_figures_that_were_kept_long_enough_are_not_missed(record: Record) -> None:
    connection = await asyncpg.connect(record.url)
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    await connection.execute("DELETE FROM rollup_1m")
    found = [
        (
            await check_record(
                connection, ALL, Trusted({}, {}), parts=[Part.ROLLUPS], every_rollup=True, kept_since=kept
            )
        )[0]
        for kept in ({}, {"1m": T0 + 3 * DAY})
    ]
    await transaction.rollback()
    await connection.close()

    assert found[0].fault is not None
    assert found[1].fault is None
    assert found[1].count > 0


async def test_whoever_signs_a_rewritten_day_needs_the_key(record: Record, tmp_path: Path) -> None:
    other = Signer.load_or_create(tmp_path / "keys")
    statement = (
        "UPDATE event SET payload = replace(payload::text, (payload->>'key'), '{key}')::json "
        "WHERE stream = 'integrity/days' AND payload->>'day' = '2026-07-02'"
    )
    foreign = await found_after(record, statement.format(key=other.key_id), Part.DAYS)
    broken = await found_after(
        record,
        "UPDATE event SET payload = replace(payload::text, '\"batches\":', '\"batches\":9')::json "
        "WHERE stream = 'integrity/days' AND payload->>'day' = '2026-07-02'",
    )

    assert (fault(foreign, Part.DAYS).wrong, fault(foreign, Part.DAYS).place) == (Wrong.DAY_KEY, "2026-07-02")
    assert (fault(broken, Part.DAYS).wrong, fault(broken, Part.DAYS).place) == (Wrong.DAY_SIGNATURE, "2026-07-02")


async def test_a_record_signed_anew_with_the_same_key_is_not_that_of_its_copies(record: Record, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(record.folder / "keys", other / "keys")
    connection = await asyncpg.connect(record.url)
    database = await connection.fetchval("SELECT current_database()")
    await connection.close()
    server = record.url.replace(f"/{database}", "/postgres")
    name = f"{database}_other"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
    try:
        forged = Record(record.url.replace(f"/{database}", f"/{name}"), other)
        await signed_record(forged.url, other, seed=2, batches=5)
        alone = await found_after(forged)
        compared = await found_after(forged, copies=record.folder / "seals")
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()

    assert [checked.fault for checked in alone.values()] == [None] * len(alone)
    assert (fault(compared, Part.DAYS).wrong, fault(compared, Part.DAYS).place) == (Wrong.DAY_OTHER, "2026-07-01")


def verify(record: Record, *options: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("cityhall-bms")
    return subprocess.run(
        [str(program), "verify", "--data-dir", str(record.folder), *options],
        env=os.environ | {"CITYHALL_DATABASE__URL": record.url},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


async def test_the_command_says_so_in_both_languages_and_by_its_status(record: Record) -> None:
    sound = verify(record, "--seals", str(record.folder / "seals"), "--from", "2026-07-01", "--until", "2026-07-09")
    connection = await asyncpg.connect(record.url)
    await connection.execute("ALTER TABLE event DISABLE TRIGGER USER")
    await connection.execute("UPDATE event SET actor = 'nobody' WHERE position = 5 AND actor = '王小明'")
    wrong = verify(record)
    await connection.execute("UPDATE event SET actor = '王小明' WHERE position = 5")
    await connection.execute("ALTER TABLE event ENABLE ALWAYS TRIGGER event_is_append_only")
    await connection.close()

    assert (sound.returncode, sound.stderr) == (0, "")
    assert "樣本 samples: 無誤 sound: " in sound.stdout
    assert wrong.returncode == 1
    assert "事件日誌 event log: 錯誤 WRONG: 5: 此事件被改過 / this event was changed" in wrong.stdout
    assert "每日簽章 signed days: 無誤 sound: 3 日 days" in wrong.stdout


def test_what_cannot_be_checked_is_refused_in_words(record: Record, tmp_path: Path) -> None:
    (tmp_path / "2026-07-01.json").write_text("{}")
    spoiled = verify(record, "--seals", str(tmp_path))
    empty = verify(record, "--seals", str(tmp_path / "nothing"))

    nowhere = verify(Record("", tmp_path))

    assert (nowhere.returncode, "there is no database" in nowhere.stderr) == (1, True)
    assert (spoiled.returncode, "2026-07-01.json" in spoiled.stderr) == (1, True)
    assert (empty.returncode, "no copy" in empty.stderr) == (1, True)
