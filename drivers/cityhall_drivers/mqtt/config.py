"""The ``[mqtt]`` table of a device file."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class MqttConfig(BaseModel):
    """Where the broker is, how it knows us, and what the payloads of this device mean."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    host: Annotated[str, Field(min_length=1, description="the address or name of the broker")]
    port: Annotated[int, Field(ge=1, le=65535, description="a TCP port (usually 1883, with TLS 8883)")] = 1883
    payload: Annotated[Literal["json", "sparkplug"], Field(description="'json' or 'sparkplug'")] = "json"
    topic: Annotated[
        str, Field(min_length=1, description="what {topic} stands for in addresses, without wildcards")
    ] | (None) = None
    time: Annotated[str, Field(min_length=1, description="where a JSON payload holds its time, like 'data.time'")] | (
        None
    ) = None
    time_unit: Annotated[
        Literal["s", "ms", "us", "iso"], Field(description="'s', 'ms' or 'us' since 1970 UTC, or 'iso' with an offset")
    ] = "s"
    availability: (
        Annotated[str, Field(min_length=1, description="where the device says that it is there: topic, or topic#path")]
        | None
    ) = None
    online: Annotated[str, Field(min_length=1, description="what it says there while it lives")] = "online"
    tls: Annotated[bool, Field(description="true or false")] = False
    ca_file: (
        Annotated[str, Field(min_length=1, description="certificates that we trust, in the site folder")] | None
    ) = None
    user: Annotated[str, Field(min_length=1, description="the user's name")] | None = None
    password_file: Annotated[str, Field(min_length=1, description="a file in the site folder")] | None = None
    password_in_clear: Annotated[
        bool, Field(description="true when the password may cross this network readable to all")
    ] = False
    version: Annotated[Literal["3.1.1", "5"], Field(description="'3.1.1' or '5'")] = "3.1.1"
    client_id: Annotated[str, Field(min_length=1, max_length=128, description="our name at the broker, unique")] | (
        None
    ) = None
    clean_start: Annotated[bool, Field(description="false when the broker is to keep messages while we are away")] = (
        True
    )
    keep_alive_s: Annotated[int, Field(ge=5, le=3600, description="seconds between signs of life, 5 to 3600")] = 15
    qos: Annotated[Literal[0, 1], Field(description="0, or 1 for messages that are repeated until confirmed")] = 1
