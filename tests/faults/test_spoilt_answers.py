"""Answers that are none: of another question, of another unit, spoilt on the line. Nothing is ever taken from them."""

from random import Random

import pytest
from tests.support.spoiling import Fault
from tests.support.torture import Effort, tortured
from tests.support.torture_subjects import SUBJECTS, Pace

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("fault", [Fault.MISNUMBERED, Fault.GARBLED])
@pytest.mark.parametrize("protocol", ["modbus", "modbus-pipelined", "rtu", "bacnet", "opcua", "snmp", "snmp3"])
async def test_not_one_value_is_taken_from_answers_that_answer_nothing_we_asked(protocol: str, fault: Fault) -> None:
    random = Random(7)
    build, _ = SUBJECTS[protocol]
    async with build(Pace(random)) as (subject, wire), tortured(subject, wire, Effort(1), random) as one:
        assert await one.good_while(fault) == 0
        await wire.restore()
        await one.all_good(one.judge.counts())
    assert one.judge.wrong == []
