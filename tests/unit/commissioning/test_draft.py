"""A draft site folder passes the check, whatever devices call their points."""

import tempfile
import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.commissioning.draft import Draft, draft_site
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.capabilities import FoundDevice, FoundPoint


def written(draft: Draft) -> Site:
    """The draft as the service reads it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in draft.files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        return load_site(folder, find_factories(), find_profile_folders())


def controller(*points: FoundPoint, name: str = "AHU 1 (north)", text: str = "空調箱控制器") -> FoundDevice:
    return FoundDevice(name, text, "bacnet", {"host": "192.168.1.20", "device_instance": 1001}, points, "ACME", "C-9")


def test_what_a_device_said_of_its_points_is_kept() -> None:
    site = written(
        draft_site(
            [
                controller(
                    FoundPoint("analog-input,1", "Supply air temp", "AI", "°C", low=-20.0, high=60.0),
                    FoundPoint("binary-output,3", "Fan", "DO", states={0: "Off", 1: "On"}, writable=True),
                )
            ]
        )
    )
    (device,) = site.devices.values()
    assert (device.name, device.protocol, device.settings["device_instance"]) == ("ahu-1-north", "bacnet", 1001)
    first, second = site.points.values()
    assert (first.role, first.unit, first.low, first.high, first.address) == (
        "Supply_air_temp", "°C", -20.0, 60.0, "analog-input,1"
    )  # fmt: skip
    assert (second.kind.value, {number: text.en for number, text in second.states.items()}) == (
        "DO",
        {0: "Off", 1: "On"},
    )


def test_points_and_devices_of_one_name_are_numbered() -> None:
    same = FoundPoint("analog-input,1", "Temp")
    site = written(draft_site([controller(same, FoundPoint("analog-input,2", "TEMP"), name="a"), controller(name="A")]))
    assert set(site.devices) == {"a", "a-2"}
    assert [point.role for point in site.points.values()] == ["Temp", "TEMP_2"]


def test_units_that_we_do_not_know_and_limits_that_mean_nothing_are_left_out() -> None:
    odd = FoundPoint("analog-input,1", "x", unit="furlong", low=-3.4e38, high=3.4e38)
    upside_down = FoundPoint("analog-input,2", "y", low=5.0, high=5.0)
    points = list(written(draft_site([controller(odd, upside_down)])).points.values())
    assert [(point.unit, point.low, point.high) for point in points] == [("", None, None)] * 2


def test_limits_keep_all_their_digits_and_what_is_no_number_is_left_out() -> None:
    counter = FoundPoint("analog-input,1", "x", low=1234567.0, high=4294967295.0)
    odd = FoundPoint("analog-input,2", "y", low=float("nan"), high=float("inf"))
    points = list(written(draft_site([controller(counter, odd)])).points.values())
    assert [(point.low, point.high) for point in points] == [(1234567.0, 4294967295.0), (None, None)]


def test_ten_thousand_points_of_one_name_are_ten_thousand_points() -> None:
    found = controller(*(FoundPoint(f"analog-input,{number}", "Value") for number in range(10_000)))
    rows = draft_site([found]).files["points.csv"].splitlines()[1:]
    assert len({row.split(",")[0] for row in rows}) == 10_000


def test_settings_that_devices_told_are_written_so_that_they_are_read_back() -> None:
    settings = {"host": 'a"\x7f\\b\n', "port": 47808, "password": None, "confirmed": True}
    draft = draft_site([FoundDevice("x", "x", "bacnet", settings)])
    assert tomllib.loads(draft.files["devices/x.toml"])["bacnet"] == {
        "host": 'a"\x7f\\b\n',
        "port": 47808,
        "confirmed": True,
    }


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


@given(
    st.lists(
        st.tuples(
            texts, st.sampled_from(["AI", "DI", "MO", "??"]), st.dictionaries(st.integers(0, 5), texts, max_size=3)
        ),
        max_size=4,
    ),
    texts,
)
def test_whatever_a_device_calls_itself_and_its_points_the_draft_has_no_mistakes(
    points: list[tuple[str, str, dict[int, str]]], name: str
) -> None:
    found = [
        FoundPoint(f"analog-input,{number}", text, kind, states=states)
        for number, (text, kind, states) in enumerate(points)
    ]
    assert len(written(draft_site([controller(*found, name=name, text=name)])).points) == len(points)
