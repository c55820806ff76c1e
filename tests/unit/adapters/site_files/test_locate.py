"""The locator finds the line of every key, whatever stands around it."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.adapters.site_files.locate import TomlPath, line_of, locate

KEYS = st.sampled_from(["a", "b-1", "c_2", '"quoted key"', "'single'", "x.y"])
VALUES = st.sampled_from(
    [
        "1",
        '"text # no comment"',
        "'[not a header]'",
        '"""\n[fake]\nkey = 1\n"""',
        "'''\nkey = 2\n'''",
        "[\n  1, # ]\n  [2],\n]",
        '{ inner = "}" }',
        '["]", "["]',
        '1 # comment with " and [',
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[TomlPath, int]]:
    """A TOML text and the lines on which its keys were written."""
    lines: list[str] = []
    expected: dict[TomlPath, int] = {}

    def assignments(table: TomlPath) -> None:
        for key in draw(st.lists(KEYS, unique=True, max_size=4)):
            expected[(*table, *(part.strip("\"'") for part in key.split(".")))] = len(
                "\n".join([*lines, ""]).split("\n")
            )
            lines.append(f"{key} = {draw(VALUES)}")

    assignments(())
    for number in range(draw(st.integers(0, 3))):
        name = f"table{number}"
        line = len("\n".join([*lines, ""]).split("\n"))
        if draw(st.booleans()):
            for element in range(draw(st.integers(1, 3))):
                line = len("\n".join([*lines, ""]).split("\n"))
                lines.append(f"[[{name}]]  # one of them")
                expected[name, element] = line
                assignments((name, element))
        else:
            lines.append(f" [ {name} . 'sub' ]")
            expected[name, "sub"] = line
            assignments((name, "sub"))
    return "\n".join(lines), expected


@given(documents())
def test_every_key_is_found_on_its_line(document: tuple[str, dict[TomlPath, int]]) -> None:
    text, expected = document
    tomllib.loads(text)

    found = locate(text)

    assert {path: found.get(path) for path in expected} == expected


def test_a_missing_key_is_placed_at_its_table() -> None:
    places = locate("[a]\nx = 1\n\n[[b]]\ny = 1\n[[b]]\ny = 2\n")

    assert line_of(places, ("b", 1, "z")) == 6
    assert line_of(places, ("a", "x", 3, "deep")) == 2
    assert line_of(places, ("nowhere", "at", "all")) == 1


def test_an_array_within_an_array_element_counts_for_itself() -> None:
    places = locate("[[a]]\n[[a.b]]\nx = 1\n[[a]]\n[[a.b]]\nx = 2\n[[a.b]]\nx = 3\n")

    assert places["a", 0, "b", 0, "x"] == 3
    assert places["a", 1, "b", 1, "x"] == 8
