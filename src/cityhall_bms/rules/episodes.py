"""Episodes: from the engine's proposals, each time that a rule was true of a subject, from beginning to end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cityhall_bms.domain.alarms import alarm_id
from cityhall_bms.domain.annunciations import NEVER
from cityhall_bms.domain.quality import is_good
from cityhall_bms.rules.binding import Binding
from cityhall_bms.rules.engine import Change, Proposal
from cityhall_bms.rules.grid import Block


@dataclass(frozen=True, slots=True)
class Episode:
    """One occurrence, times µs UTC. ``priority`` is the most severe it reached; ``ended`` none while it lasts."""

    rule: str
    subject: str
    equipment: str
    began: int
    ended: int | None
    priority: int
    value: float | None
    limit: float | None
    peak: float | None
    """Good value of the subject's main point that was farthest from the limit meanwhile; none where it has none."""
    unit: str = ""

    def overlaps(self, first: int, until: int) -> bool:
        """Tell whether any of it lies in a stretch of time."""
        return self.began < until and (self.ended is None or self.ended > first)


class EpisodeBook:
    """Collects episodes block by block; ``ids`` are the numbers of points by name."""

    def __init__(self, binding: Binding, ids: Mapping[str, int]) -> None:
        columns = {int(number): place for place, number in enumerate(binding.point_ids)}
        self._main: dict[str, int] = {}
        for bound in binding.rules:
            for subject in bound.subjects:
                column = columns.get(ids.get(subject.point, -1))
                if column is not None:
                    self._main[alarm_id(bound.rule.id, subject.name)] = column
        self._open: dict[str, Episode] = {}
        self._done: list[Episode] = []

    def take(self, proposals: Iterable[Proposal], block: Block) -> None:
        """Take in a block and what the engine proposed of it."""
        for item in proposals:
            self._change(item, block)
        for name, episode in self._open.items():
            self._open[name] = self._peaked(name, episode, block)

    def episodes(self) -> list[Episode]:
        """All of them, by begin."""
        return sorted([*self._done, *self._open.values()], key=lambda item: (item.began, item.rule, item.subject))

    def _change(self, item: Proposal, block: Block) -> None:
        name = alarm_id(item.rule.id, item.subject.name)
        standing = self._open.get(name)
        if item.kind is Change.RETURNED:
            if standing is not None:
                ended = replace(standing, ended=max(item.observed_at, standing.began))
                self._done.append(self._peaked(name, ended, block))
                del self._open[name]
        elif standing is not None:
            self._open[name] = replace(standing, priority=min(standing.priority, item.priority))
        else:
            self._open[name] = Episode(
                rule=item.rule.id,
                subject=item.subject.name,
                equipment=item.subject.equipment,
                began=item.observed_at,
                ended=None,
                priority=item.priority,
                value=item.value,
                limit=item.limit,
                peak=None,
                unit=item.subject.unit,
            )

    def _peaked(self, name: str, episode: Episode, block: Block) -> Episode:
        """Episode with the extreme of a block's ticks that lie in it."""
        column = self._main.get(name)
        if column is None or episode.value is None or episode.limit is None:
            return episode
        until = block.at[-1] + 1 if episode.ended is None else episode.ended
        ticks = slice(*np.searchsorted(block.at, (episode.began, until)))
        value = block.value[ticks, column][is_good(block.quality[ticks, column])]
        value = value[np.isfinite(value)]
        if not len(value):
            return episode
        farthest = max if episode.value >= episode.limit else min
        found = [float(farthest(value)), *([] if episode.peak is None else [episode.peak])]
        return replace(episode, peak=farthest(found))


@dataclass(frozen=True, slots=True)
class Difference:
    """Episodes of two wordings of a rule: of the same subject and overlapping ones are the same."""

    both: int
    only_new: tuple[Episode, ...]
    only_old: tuple[Episode, ...]


def difference(new: Sequence[Episode], old: Sequence[Episode]) -> Difference:
    """Compare the episodes of a draft with those of the active wording."""
    return Difference(
        both=sum(_met(item, old) for item in new),
        only_new=tuple(item for item in new if not _met(item, old)),
        only_old=tuple(item for item in old if not _met(item, new)),
    )


def _met(episode: Episode, others: Sequence[Episode]) -> bool:
    until = NEVER if episode.ended is None else episode.ended + 1
    return any(other.subject == episode.subject and other.overlaps(episode.began, until) for other in others)
