"""``targets.toml`` of a site; each mistake in it is reported where it stands."""

from datetime import date
from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.targets import Target

FILE = """\
[[target]]
name = "PLANT"
value = 0.9
unit = "kW/RT"
valid_from = 2026-01-01

[[target]]
name = "PLANT"
value = 0.85
unit = "kW/RT"
valid_from = 2026-07-01
text_zh = "冰水主機房效率"
"""


def load(folder: Path, text: str | None = FILE) -> tuple[Target, ...]:
    write_site(folder)
    if text is not None:
        (folder / "targets.toml").write_text(text, encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()}).targets.targets


def test_a_site_need_not_have_any(tmp_path: Path) -> None:
    assert load(tmp_path, None) == ()


def test_targets_are_read_with_the_day_from_which_they_are_valid(tmp_path: Path) -> None:
    assert load(tmp_path) == (
        Target("PLANT", 0.9, "kW/RT", date(2026, 1, 1)),
        Target("PLANT", 0.85, "kW/RT", date(2026, 7, 1), "冰水主機房效率"),
    )


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("kW/RT", "kW/RTT", "targets.toml:4: [[target]] unit: unknown unit 'kW/RTT' -> did you mean 'kW/RT'?"),
        ("0.85\nunit = \"kW/RT\"", "0.85\nunit = \"kW\"", "targets.toml:10: [[target]] unit: 'PLANT' is in 'kW/RT' above -> "),
        ("2026-07-01", "2026-01-01", "targets.toml:8: [[target]] name: 'PLANT' stands on line 2 for the same day -> "),
        ("value = 0.9", "", "targets.toml:1: [[target]] value: missing -> add 'value'"),
        ("value = 0.9", "value = 0.9\nvlaue = 1", "targets.toml:4: [[target]] vlaue: unknown key -> "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, before: str, after: str, says: str) -> None:
    with pytest.raises(SiteError) as caught:
        load(tmp_path, FILE.replace(before, after, 1))
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)
