"""Decisions of the supervisor that need no process."""

from pathlib import Path

import pytest

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError
from cityhall_bms.adapters.embedded.folder_lock import FolderLock, lock_for_child
from cityhall_bms.adapters.embedded.service import LOG_BYTES_KEPT, LOG_BYTES_MAX, restart_delay_s
from cityhall_bms.adapters.system_clock import SystemClock


@pytest.mark.parametrize(("deaths", "delay_s"), [(1, 0.0), (2, 0.1), (3, 0.2), (5, 0.8), (8, 5.0), (1000, 5.0)])
def test_the_first_restart_is_at_once_and_the_next_ones_wait_longer(deaths: int, delay_s: float) -> None:
    assert restart_delay_s(deaths) == pytest.approx(delay_s)


def test_a_log_is_cut_to_its_end(tmp_path: Path) -> None:
    service = EmbeddedPostgres(tmp_path, SystemClock())
    service.log_file.write_bytes(b"old\n" * (LOG_BYTES_MAX // 4) + b"the last line\n")

    service._trim_log()

    assert service.log_file.stat().st_size == 0
    kept = (tmp_path / "postgres.log.1").read_bytes()
    assert len(kept) == LOG_BYTES_KEPT
    assert kept.endswith(b"the last line\n")


async def test_a_lock_that_stays_taken_ends_the_wait_with_an_explanation(tmp_path: Path) -> None:
    holder = FolderLock(tmp_path / "child.lock")
    holder.take()

    with pytest.raises(EmbeddedServiceError, match="an earlier service still works"):
        await lock_for_child(tmp_path / "child.lock", SystemClock(), patience_s=0.05)
    holder.release()
