"""EDE files as controllers' makers write them."""

import pytest

from cityhall_bms.commissioning.ede import read_ede
from cityhall_bms.domain.errors import SiteError

HEAD = """\
# Engineering-Data-Exchange - B.I.G.-EU
PROJECT_NAME;City hall
VERSION_OF_REFERENCEFILE;1
TIMESTAMP_OF_LAST_CHANGE;19.12.2025
AUTHOR_OF_LAST_CHANGE;somebody
VERSION_OF_LAYOUT;2.3
#mandatory;mandatory;mandatory;mandatory;mandatory;optional;optional;optional;optional;optional
"""
TITLES = (
    "# keyname;device obj.-instance;object-name;object-type;object-instance;description;present-value-default;"
    "min-present-value;max-present-value;settable;supports COV;hi-limit;low-limit;state-text-reference;unit-code;"
    "vendor-specific-address\n"
)
ROWS = (
    "SAT;1001;AHU1.SAT;0;1;Supply air;;-20,5;60;N;Y;;;;62;\n"
    "FAN;1001;AHU1.FAN;4;3;Fan command;;;;Y;Y;;;1;95;\n"
    "MODE;1001;AHU1.MODE;19;7;Mode;;;;Y;N;;;2;;\n"
    "SCHED;1001;AHU1.SCHED;17;1;Schedule;;;;N;N;;;;;\n"
    "T;1002;VAV.T;0;1;;;;;N;Y;;;;62;\n"
)
STATES = "#State Text Reference;Text 1;Text 2;Text 3\n1;Off;On\n2;Auto;Hand;Off\n"


def test_objects_become_points_with_unit_range_states_and_whether_they_can_be_commanded() -> None:
    devices, skipped = read_ede("x_EDE.csv", HEAD + TITLES + ROWS, STATES, "192.168.1.20")
    assert skipped == 1  # a schedule has a present value of its own kind; it is no point of ours
    first, second = devices
    assert first.settings == {"host": "192.168.1.20", "device_instance": 1001}
    sat, fan, mode = first.points
    assert (sat.address, sat.text, sat.kind, sat.unit, sat.low, sat.high) == (
        "analog-input,1", "Supply air", "AI", "°C", -20.5, 60.0
    )  # fmt: skip
    assert (fan.address, fan.kind, fan.writable, fan.states) == ("binary-output,3", "DO", True, {0: "Off", 1: "On"})
    assert (mode.kind, mode.states) == ("MO", {1: "Auto", 2: "Hand", 3: "Off"})
    assert (second.points[0].text, second.points[0].kind) == ("VAV.T", "AI")


def test_commas_a_byte_order_mark_and_columns_in_another_order_are_read() -> None:
    text = (
        "\ufeff#keyname,object-type,object-instance,object-name,device-object-instance,unit-code\nA,2,5,Setpoint,7,62\n"
    )
    ((device,), _) = read_ede("x.csv", text, "", "10.0.0.1")
    assert (device.settings["device_instance"], device.points[0].address) == (7, "analog-value,5")


def test_without_titles_the_columns_are_those_of_layout_2() -> None:
    ((device, _), _) = read_ede("x.csv", HEAD + ROWS, STATES, "10.0.0.1")
    assert device.points[0].unit == "°C"


def test_every_row_that_cannot_be_understood_is_named_and_nothing_is_half_imported() -> None:
    broken = HEAD + TITLES + ROWS + "X;abc;n;0;1\nY;1001;n;0;\n"
    with pytest.raises(SiteError) as refused:
        read_ede("x_EDE.csv", broken, "", "10.0.0.1")
    assert [(one.file, one.line, one.field) for one in refused.value.problems] == [
        ("x_EDE.csv", 14, "device"),
        ("x_EDE.csv", 15, "instance"),
    ]


def test_a_file_without_objects_says_which_one_to_give() -> None:
    with pytest.raises(SiteError, match="_EDE"):
        read_ede("x_ObjTypes.csv", "#Object-Types;Text\n", "", "10.0.0.1")


def test_a_state_without_a_text_does_not_move_the_texts_behind_it() -> None:
    ((device, _), _) = read_ede("x_EDE.csv", HEAD + TITLES + ROWS, "2;Auto;;Off\n", "10.0.0.1")
    assert device.points[2].states == {1: "Auto", 3: "Off"}


@pytest.mark.parametrize("digits", ["²", "9" * 5000, "-1", ""])
def test_what_only_looks_like_a_number_is_named(digits: str) -> None:
    with pytest.raises(SiteError) as refused:
        read_ede("x_EDE.csv", TITLES + f"X;{digits};n;0;1\n", "", "10.0.0.1")
    assert [one.field for one in refused.value.problems] == ["device"]


@pytest.mark.parametrize("rest", [ROWS, "x" * 200_000])
def test_a_quote_that_is_never_closed_swallows_no_rows_in_silence(rest: str) -> None:
    with pytest.raises(SiteError, match="quotes"):
        read_ede("x_EDE.csv", TITLES + 'A;1001;"Fan;0;1\n' + rest, "", "10.0.0.1")


def test_quotes_around_separators_and_line_ends_are_read() -> None:
    ((device,), _) = read_ede("x_EDE.csv", TITLES + 'A;1001;n;0;1;"Fan; ""6\n inch"""\n', "", "10.0.0.1")
    assert device.points[0].text == 'Fan; "6\n inch"'
