"""Where a point's value comes from, down to the bytes that its device sent."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import Field

from cityhall_bms.api.models import Model, PointName, Time
from cityhall_bms.api.points import find_point
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import Moment, to_rfc3339, to_us
from cityhall_bms.historian.restating import encoding_text
from cityhall_bms.ports.capabilities import Candidate
from cityhall_bms.ports.sent import Sent

router = APIRouter(prefix="/points", tags=["points"])


class Reading(Model):
    """One way to read the same bytes."""

    encoding: str = Field(examples=["float32 CDAB"])
    value: float | None = Field(description="Null: the bytes say no finite number that way.")
    plausible: bool = Field(description="Finite, and within the point's range.")

    @classmethod
    def of(cls, candidate: Candidate) -> "Reading":
        """Give the answer's form."""
        return cls(
            encoding=candidate.encoding,
            value=candidate.value if np.isfinite(candidate.value) else None,
            plausible=candidate.plausible,
        )


class RawBytes(Model):
    """What the device sent of a point."""

    at: Time
    bytes: str = Field(description="Hexadecimal, as they came; of a bit, 00 or 01.", examples=["40e3 3333"])
    candidates: list[Reading] = Field(description="Every way to read them, the plausible first.")

    @classmethod
    def of(cls, sent: Sent) -> "RawBytes":
        """Give the answer's form."""
        examined = sent.examined
        return cls(
            at=to_rfc3339(sent.at) or "",
            bytes=examined.raw,
            candidates=[Reading.of(candidate) for candidate in examined.candidates],
        )


class Source(Model):
    """Device, address and encoding of a point, and its last bytes."""

    point: PointName
    device: str
    protocol: str = Field(examples=["modbus"])
    endpoint: str = Field(examples=["127.0.0.1:502 unit 1"])
    address: str = Field(examples=["input:100"])
    encoding: str = Field(
        description="How the number is made; empty where the protocol says it.", examples=["int16 x0.1"]
    )
    deadband: float = Field(description="Changes up to this are not recorded, in the point's unit; 0: all are.")
    rollover: float | None = Field(description="Where a counter begins again at zero; null: nobody said.")
    raw: RawBytes | None = Field(description="Null: the protocol keeps none, or they are deleted by now.")


@router.get("/{name}/source", responses=responses(404, 422, 503))
async def get_source(
    services: Services,
    name: str,
    at: Annotated[Moment | None, Query(description="The bytes as of then (RFC 3339); the last by default.")] = None,
) -> Source:
    """Where a value comes from: the device, the address, and the bytes that the device sent."""
    point = find_point(services, name)
    sent = await services.sent.of(point, services.clock.now() if at is None else to_us(at))
    return Source(
        point=name,
        device=point.device,
        protocol=services.site.devices[point.device].protocol,
        endpoint=services.endpoints.get(point.device, ""),
        address=point.address,
        encoding=encoding_text("", point.encoding),
        deadband=point.deadband,
        rollover=point.rollover,
        raw=None if sent is None else RawBytes.of(sent),
    )
