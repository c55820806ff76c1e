"""A replay reads ahead: the next stretch comes from history while one is run."""

from collections.abc import Sequence

import numpy as np
import pytest
from tests.support.rule_trial import START_US, point, rule, site_of

from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_history import PastSamples
from cityhall_bms.rules import replay as replays
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.replay import Replay

MINUTE = 60_000_000
SITE = site_of({"U1": "Unit"}, [point("U1", "T")])


class Told:
    """A history without samples that notes what it is asked, and goes away after some answers."""

    def __init__(self, answers: int) -> None:
        self.asked: list[Window] = []
        self._answers = answers

    async def samples_of(self, points: Sequence[int], window: Window) -> PastSamples:
        self.asked.append(window)
        if len(self.asked) > self._answers:
            msg = "away"
            raise HistoryUnavailableError(msg)
        return PastSamples(np.full(1, points[0], np.int64), np.full(1, window.start), np.ones(1), np.zeros(1, np.uint8))


def replay(history: Told, monkeypatch: pytest.MonkeyPatch) -> Replay:
    monkeypatch.setattr(replays, "TICKS_MAX", 60)
    binding = bind([rule(equipment_class="Unit", condition="T > 25 °C")], SITE, {"U1.T": 1})
    return Replay(binding, history, MINUTE)


async def test_every_moment_is_asked_for_once_and_its_stretch_is_run_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    history = Told(answers=4)
    ran = [part async for part in replay(history, monkeypatch).run(Window(START_US, START_US + 200 * MINUTE))]
    assert [len(part.block) for part in ran] == [60, 60, 60, 20]
    assert [part.samples for part in ran] == [1, 1, 1, 1]
    assert np.concatenate([part.block.at for part in ran]).tolist() == [START_US + n * MINUTE for n in range(200)]
    assert [window.end for window in history.asked[:-1]] == [window.start for window in history.asked[1:]]
    assert history.asked[-1].end == START_US + 199 * MINUTE + 1


async def test_history_that_goes_away_while_reading_ahead_is_said_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HistoryUnavailableError):
        async for _ in replay(Told(answers=2), monkeypatch).run(Window(START_US, START_US + 200 * MINUTE)):
            pass
