"""Quality codes, held to OPC UA Part 8: the top two bits are the severity."""

import numpy as np
import pytest

from cityhall_bms.domain.quality import Quality, is_bad, is_good


@pytest.mark.parametrize("quality", list(Quality), ids=lambda quality: quality.name)
def test_the_name_begins_with_the_severity_of_the_top_two_bits(quality: Quality) -> None:
    severity = ("good", "uncertain", "bad", "bad")[quality >> 6]

    assert quality.severity == severity
    assert quality.name.lower().split("_", 1)[0] == severity
    assert 0 <= quality <= 0xFF


def test_a_reason_is_given_where_there_is_one() -> None:
    assert Quality.GOOD.reason is None
    assert Quality.BAD.reason is None
    assert Quality.BAD_DEVICE_LOST.reason == "device_lost"
    assert Quality.UNCERTAIN_STALE.reason == "stale"


def test_every_byte_is_either_good_uncertain_or_bad() -> None:
    every = np.arange(256, dtype=np.uint8)

    assert is_good(every).tolist() == [byte >> 6 == 0 for byte in range(256)]
    assert is_bad(every).tolist() == [byte >> 7 == 1 for byte in range(256)]


def test_the_codes_are_a_file_format() -> None:
    assert {quality.name: int(quality) for quality in Quality} == {
        "GOOD": 0x00,
        "UNCERTAIN": 0x40,
        "UNCERTAIN_STALE": 0x41,
        "UNCERTAIN_FLATLINE": 0x42,
        "UNCERTAIN_SPIKE": 0x43,
        "UNCERTAIN_CLOCK": 0x44,
        "UNCERTAIN_ESTIMATED": 0x45,
        "UNCERTAIN_OVERRIDDEN": 0x46,
        "UNCERTAIN_DEVICE_ALARM": 0x47,
        "UNCERTAIN_RATE": 0x48,
        "UNCERTAIN_CROSS": 0x49,
        "BAD": 0x80,
        "BAD_NO_DATA": 0x81,
        "BAD_DEVICE_LOST": 0x82,
        "BAD_TIMEOUT": 0x83,
        "BAD_REFUSED": 0x84,
        "BAD_DECODE": 0x85,
        "BAD_RANGE": 0x86,
        "BAD_STALE": 0x87,
        "BAD_DEVICE_FAULT": 0x88,
        "BAD_OUT_OF_SERVICE": 0x89,
    }


def test_a_reason_of_another_version_keeps_its_severity() -> None:
    severities = [Quality(byte).severity for byte in range(256)]

    assert severities == ["good"] * 64 + ["uncertain"] * 64 + ["bad"] * 128
    assert Quality(0x7F).reason is None
    with pytest.raises(ValueError, match="256"):
        Quality(256)
