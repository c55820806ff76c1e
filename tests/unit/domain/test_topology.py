"""What hangs together in a building."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.powered_building import TOPOLOGY, full

from cityhall_bms.domain.site import Equipment, System, Text
from cityhall_bms.domain.topology import Topology, _gathered


def dark(*lost: str) -> set[str]:
    return {name.rpartition(".")[2] for name in TOPOLOGY.without(full(short) for short in lost)}


def test_what_is_lost_takes_along_everything_that_it_alone_feeds() -> None:
    assert dark("HVM01") == {"LVP01", "CHC01", "AHU01", "ELV01"}


def test_what_has_another_source_of_the_same_kind_lasts() -> None:
    assert dark("HVM02") == {"LVP02", "CHC02", "AHU02"}
    assert dark("HVM02", "GEN01") == {"LVP02", "CHC02", "AHU02", "ATS01", "UPS01"}


def test_what_needs_two_kinds_of_supply_is_dark_without_either() -> None:
    assert dark("CHC01", "CHC02") == {"PLT01", "AHU01", "AHU02"}
    assert "AHU02" in dark("LVP02")


def test_it_is_told_through_which_of_the_lost() -> None:
    found = TOPOLOGY.without([full("HVM01"), full("LVP01")])
    assert found[full("LVP01")] == {full("HVM01")}
    assert found[full("AHU01")] == {full("HVM01"), full("LVP01")}


def test_names_that_nobody_knows_are_related_to_nothing() -> None:
    assert TOPOLOGY.without(["nowhere", ""]) == {}
    assert TOPOLOGY.parts_of("nowhere") == TOPOLOGY.fed_from("nowhere") == set()
    assert (TOPOLOGY.class_of("nowhere"), TOPOLOGY.zone_of("nowhere")) == ("", "")


def test_parts_and_zones() -> None:
    assert TOPOLOGY.parts_of(full("AHU01")) == {full("FAN01")}
    assert TOPOLOGY.zone_of(full("AHU01")) == "05.W"


@pytest.mark.parametrize(
    ("subject", "equipment", "device"),
    [
        ("TCH.05.W.AHU01.A", "TCH.05.W.AHU01", "panel-ahu01"),
        ("TCH.05.W.AHU01", "TCH.05.W.AHU01", "panel-ahu01"),
        ("panel-ahu01", "TCH.05.W.AHU01", "panel-ahu01"),
        ("panel-ahu01:analog-input,3", "", "panel-ahu01"),
        ("TCH.01.A.NEW01", "TCH.01.A.NEW01", ""),
    ],
)
def test_a_subject_is_known_through_one_device(subject: str, equipment: str, device: str) -> None:
    assert TOPOLOGY.device_of(subject, equipment) == device


NAMES = [f"e{number}" for number in range(8)]
FEEDS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)


@given(FEEDS, st.frozensets(st.sampled_from(NAMES), max_size=3))
def test_in_any_net_what_is_dark_has_lost_every_source_of_a_system(
    feeds: list[tuple[str, str]], lost: frozenset[str]
) -> None:
    fed_by = _gathered((fed, feeder) for feeder, fed in feeds)
    equipment = {
        name: Equipment(name, "X", System.POWER, Text(name, name), fed_by=tuple(sorted(fed_by.get(name, ()))))
        for name in NAMES
    }
    net = Topology(equipment, feeds=_gathered(feeds))

    found = net.without(lost)

    for name in NAMES:
        sources = equipment[name].fed_by
        is_dark = bool(sources) and all(source in lost or source in found for source in sources)
        # Only through itself, in a ring, is through nothing.
        assert (name in found) == (is_dark and found.get(name, frozenset()) != frozenset())
        assert found.get(name, frozenset()) <= lost - {name}
        for through in found.get(name, ()):
            assert name in net.fed_from(through)
