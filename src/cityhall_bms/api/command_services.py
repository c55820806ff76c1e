"""What the routes of commands need from the rest of the service."""

from dataclasses import dataclass

from cityhall_bms.api.command_feed import CommandFeed
from cityhall_bms.ports.commands import BulkDesk, CommandDesk, CommandView, DeviceArrays


@dataclass(frozen=True, slots=True)
class CommandServices:
    """The view, the desks, the feed of this process, and what devices keep themselves."""

    view: CommandView
    desk: CommandDesk
    bulks: BulkDesk
    feed: CommandFeed
    arrays: DeviceArrays
