"""The historian's role: telemetry into history, views of the event log, seals and upkeep."""

from zoneinfo import ZoneInfo

from cityhall_bms.adapters.postgres.counter_record import PostgresCounterRecord
from cityhall_bms.adapters.postgres.lease import Fence
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.postgres.record_heads import PostgresRecordHeads
from cityhall_bms.adapters.seal_files import FOLDER, SealFiles
from cityhall_bms.adapters.signing import Signer, key_ring
from cityhall_bms.historian.counter_teller import CounterTeller
from cityhall_bms.historian.day_sealing import DaySealer
from cityhall_bms.historian.historian import Historian
from cityhall_bms.roles.parts import Loop, Parts, led, together
from cityhall_bms.upkeep import history_keeper


def loops(parts: Parts) -> list[Loop]:
    """Give what a historian runs."""
    historian = Historian(parts.telemetry, parts.history, parts.events, parts.clock)
    projector = Projector(parts.events, parts.pool, PROJECTIONS, parts.clock)
    parts.metrics.watch("historian_samples", "Samples stored.", lambda: historian.samples)
    parts.metrics.watch("historian_position", "Telemetry position that history reflects.", lambda: historian.position)

    async def work(fence: Fence) -> None:
        parts.history.write_behind(fence)
        teller = CounterTeller(PostgresCounterRecord(parts.pool), parts.site, parts.events, parts.clock)
        keepers = _day_sealer(parts), _history_keeper(parts), teller.run()
        await together(historian.run(), projector.run(), *keepers)

    return [led(parts, "historian", work)]


async def _history_keeper(parts: Parts) -> None:
    async with history_keeper(parts.settings, parts.site, parts.ids, parts.events, parts.clock) as keeper:
        watch = parts.metrics.watch
        watch("history_days_packed", "Days packed into the cold form.", lambda: keeper.days_packed)
        watch("history_days_archived", "Days written to the archive.", lambda: keeper.days_archived)
        watch("history_rows_expired", "Rows that were kept long enough.", lambda: keeper.rows_expired)
        await keeper.run()


def _day_sealer(parts: Parts) -> Loop:
    folder = parts.settings.key_folder
    signer = Signer.load_or_create(folder)
    copies = SealFiles(parts.settings.data_dir / FOLDER, key_ring(folder))
    heads, zone = PostgresRecordHeads(parts.pool), ZoneInfo(parts.site.time_zone)
    return DaySealer(heads, signer, copies, parts.events, parts.clock, site=parts.site.code, zone=zone).run()
