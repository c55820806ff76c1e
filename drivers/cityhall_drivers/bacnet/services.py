"""What a BACnet device offers beside reading."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from cityhall_bms.domain.commands import CommandTarget, check_priority
from cityhall_bms.domain.errors import DeviceRefusedError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.capabilities import Examined, PlannedRequest, ReadBack
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import Item, MistakeError, item_of
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.examining import Shown, examined, planned
from cityhall_drivers.bacnet.library import LibraryPeer
from cityhall_drivers.bacnet.library_properties import read_property, write_property
from cityhall_drivers.bacnet.plan import BacnetPlan
from cityhall_drivers.bacnet.refusals import UNKNOWN_PROPERTY, ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.tags import TagError
from cityhall_drivers.bacnet.writing import NULL, is_same, present_value, slots_of
