"""Every link of every page leads somewhere, and no page is forgotten."""

from pathlib import Path

import pytest
from tests.support.pages import DOCS, ROOT, anchors, links, pages, text_of


def broken(page: Path, target: str) -> str | None:
    """Say what is wrong with a link of a page; none when it leads somewhere."""
    place, _, anchor = target.partition("#")
    path = (page.parent / place).resolve() if place else page
    if not path.exists():
        return "no such file"
    if anchor and anchor not in anchors(path.read_text(encoding="utf-8")):
        return "no such heading"
    return None


def inner_links(page: Path) -> list[str]:
    return [target for target in links(page.read_text(encoding="utf-8")) if "://" not in target]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_page_and_a_heading_that_exist(page: Path) -> None:
    assert {target: broken(page, target) for target in inner_links(page) if broken(page, target)} == {}


def test_a_link_that_leads_nowhere_is_noticed() -> None:
    page = DOCS / "README.md"

    assert broken(page, "nowhere.md") == "no such file"
    assert broken(page, "glossary.md#nothing") == "no such heading"
    assert broken(page, "how-to/find-a-problem.md#數值被劃掉-a-value-is-struck-out") is None


def test_every_page_below_docs_is_in_the_index() -> None:
    index = {(DOCS / target).resolve() for target in inner_links(DOCS / "README.md")}
    for contents in [page for page in index if page.name == "README.md" and page.is_relative_to(DOCS)]:
        index |= {(contents.parent / target.partition("#")[0]).resolve() for target in inner_links(contents)}
    decisions = set((DOCS / "adr").glob("0*.md"))

    assert sorted(set(DOCS.rglob("*.md")) - decisions - index - {DOCS / "README.md"}) == []


def test_every_decision_is_in_its_index_under_its_own_title() -> None:
    index = text_of("adr/README.md")
    for page in sorted((DOCS / "adr").glob("0*.md")):
        number, _, title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").partition(". ")
        assert int(number) == int(page.name[:4]), page
        assert f"| [{number}]({page.name}) | {title} |" in index
