"""What a restatement changes, as text for people."""

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from cityhall_bms.historian.intervals import EPOCH
from cityhall_bms.historian.restating import Findings, Restatement


def render_findings(found: Findings, request: Restatement, time_zone: str, *, dry_run: bool) -> str:
    """A line per point that changes with some of its samples before and after, and the sums."""
    zone = ZoneInfo(time_zone)
    begin, end = _time(request.window.start, zone), _time(request.window.end, zone)
    head = f"{request.device}: {begin} - {end}: {found.scans:,} 次掃描 scans"
    if found.unreadable:
        head += f", {found.unreadable:,} 次無法解讀 unreadable"
    elif not found.scans:
        head += "；這段時間沒有保存的位元組 nothing that was sent is kept of that time (historian.raw_days)"
    verb = "將更正 would be restated" if dry_run else "已更正 restated"
    total = f"{verb}: {found.total:,} 筆 samples, {len(found.affected)} 點 points"
    return "\n".join([head, *_points(found, request, zone), total])


def _points(found: Findings, request: Restatement, zone: ZoneInfo) -> Iterator[str]:
    for bound in request.points:
        number, point = bound.point_id, bound.point
        if not found.changed(number):
            continue
        old, new = found.encodings[point.name]
        added = f" (+{found.added[number]:,} 新增 added)" if found.added[number] else ""
        yield f"  {point.name}: {found.replaced[number]:,} / {found.compared[number]:,}{added}  {old} -> {new}"
        for example in found.examples[number]:
            yield f"    {_time(example.at, zone)}  {example.old:g} -> {example.new:g}"


def _time(at: int, zone: ZoneInfo) -> str:
    return f"{(EPOCH + timedelta(microseconds=at)).astimezone(zone):%Y-%m-%d %H:%M:%S}"
