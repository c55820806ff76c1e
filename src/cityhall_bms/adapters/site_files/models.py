"""The closed tables of ``site.toml``, ``devices/*.toml`` and ``profiles/*.toml``."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

NonEmpty = Annotated[str, Field(min_length=1)]
Code = Annotated[str, Field(pattern=r"^[A-Z0-9]+$")]
Role = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SiteTable(_Table):
    """``[site]``: which building this is."""

    code: Code
    name_zh: NonEmpty
    name_en: NonEmpty
    time_zone: NonEmpty
    simulated: bool = False


class PlaceTable(_Table):
    """One of ``[[floors]]`` (bottom to top) or ``[[zones]]``."""

    code: Code
    name_zh: NonEmpty
    name_en: NonEmpty


class SiteFile(_Table):
    """``site.toml``."""

    site: SiteTable
    floors: Annotated[list[PlaceTable], Field(min_length=1)]
    zones: Annotated[list[PlaceTable], Field(min_length=1)]


class DeviceTable(_Table):
    """``[device]`` of a device file; times in seconds."""

    protocol: NonEmpty
    text_zh: NonEmpty
    text_en: NonEmpty
    profile: NonEmpty | None = None
    timeout_s: Annotated[float, Field(gt=0.0, le=60.0)] = 2.0
    retry_min_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 0.5
    retry_max_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 30.0
    maintenance: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.retry_min_s > self.retry_max_s:
            msg = f"retry_min_s ({self.retry_min_s:g}) is greater than retry_max_s ({self.retry_max_s:g})"
            raise ValueError(msg)
        return self


class ProfileTable(_Table):
    """``[profile]``: what the map is of, and where it comes from."""

    protocol: NonEmpty
    text_zh: str = ""
    text_en: NonEmpty
    source: str = ""


class ProfilePoint(_Table):
    """One ``[[point]]`` of a profile. What it leaves out takes the point's own cell, or the default."""

    role: Role
    address: NonEmpty
    type: str | None = None
    word_order: str | None = None
    scale: Finite | None = None
    offset: Finite | None = None
    unit: str | None = None
    low: Finite | None = None
    high: Finite | None = None


class ProfileFile(_Table):
    """``profiles/NAME.toml``."""

    profile: ProfileTable
    point: Annotated[list[ProfilePoint], Field(min_length=1)]
