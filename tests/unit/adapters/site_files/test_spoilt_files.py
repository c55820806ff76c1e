"""Whatever is done to the files of a site, the answer is a site or problems that say where and what to do."""

import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.sites import SITE_FILES, CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site, render_problems
from cityhall_bms.domain.errors import Problem, SiteError

FILES = st.sampled_from(sorted(SITE_FILES))
PIECES = st.sampled_from(
    [
        "",
        '"',
        "'",
        "\n",
        ",",
        ";",
        "[",
        "]]",
        "=",
        "#",
        "\0",
        "\x1b",
        "\ufeff",
        "\\",
        "{equipment}",
        "nan",
        "1e999",
        '"""',
        "　",
        "💥",
    ]
) | st.text(max_size=5).filter(lambda text: text.isprintable())


@given(FILES, st.integers(0, 2000), st.integers(0, 30), PIECES)
@example("points.csv", 140, 0, '"a\nb')
def test_a_piece_replaced_anywhere_is_survived(file: str, start: int, length: int, piece: str) -> None:
    text = SITE_FILES[file]
    spoil(file, (text[:start] + piece + text[start + length :]).encode())


@given(FILES, st.integers(0, 2000), st.binary(max_size=6))
def test_bytes_put_anywhere_are_survived(file: str, start: int, piece: bytes) -> None:
    data = SITE_FILES[file].encode()
    spoil(file, data[:start] + piece + data[start:])


def spoil(file: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = write_site(Path(name))
        (folder / file).write_bytes(data)
        for problem in problems_of(folder):
            assert problem.file
            assert problem.message
            assert problem.remedy
            assert 0 <= problem.line <= data.count(b"\n") + 60
            assert "\n" not in render_problems([problem]).removesuffix("\n共 1 個問題 / 1 problem")


def problems_of(folder: Path) -> list[Problem]:
    try:
        load_site(folder, {"modbus": CheckingFactory()})
    except SiteError as error:
        return error.problems
    return []
