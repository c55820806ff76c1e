"""A site folder as the service takes it: the building, its rules, and what its figures rest on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_diff import fingerprint
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.site_files.label import read_label
from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.adapters.site_files.rules import rule_files
from cityhall_bms.adapters.site_files.suppression import suppression_rows
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.label import LabelPlan
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.domain.topology import Topology
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.files import library, read_rules, rules_in_force
from cityhall_bms.rules.model import Rule


def read_site(folder: Path) -> Site:
    """Read and check a site folder; :class:`SiteError` with every mistake."""
    return load_site(folder, find_factories(), find_profile_folders())


def described_rules(folder: Path) -> dict[str, Rule]:
    """Rules of the files by id, disabled ones too: the shipped ones, replaced by the site's own of the same id."""
    return {rule.id: rule for rule in [*library(), *read_rules(rule_files(folder))]}


def read_site_rules(folder: Path) -> list[Rule]:
    """Rules in force at a site: the shipped ones, replaced by its own of the same id."""
    return rules_in_force(library(), read_rules(rule_files(folder)))


def check_rules_fit(site: Site, rules: Sequence[Rule]) -> None:
    """Check that rules fit the points of a site, units included; :class:`SiteError` with every one that does not."""
    problems = bind(rules, site, {name: number for number, name in enumerate(site.points)}).problems
    if problems:
        raise SiteError(list(problems))


def read_site_suppression(folder: Path, site: Site, rules: Sequence[Rule]) -> Suppression:
    """Table of suppression by design at a site with some rules; :class:`SiteError` with every mistake.

    It may name rules of the files that are not enabled: what is promoted while the service runs makes no mistake of it.
    """
    detects = {rule.id: rule.detects for rule in [*described_rules(folder).values(), *rules]}
    found = {name for names in detects.values() for name in names}
    return Suppression(suppression_rows(folder, detects, found), Topology.of(site), detects)


def read_site_label(folder: Path) -> LabelPlan:
    """Indicators of the Intelligent Building label at a site; :class:`SiteError` with every mistake of its file."""
    mistakes = Mistakes()
    plan = read_label(folder, mistakes)
    if mistakes:
        raise SiteError(mistakes.sorted())
    return plan


def in_force(folder: Path, site: Site) -> dict[str, Any]:
    """What the figures of a site rest on, for the manifests of exports: fingerprint, rules and tariffs."""
    rules = {rule.id: rule.version for rule in read_site_rules(folder)}
    return {"site_fingerprint": fingerprint(site), "rules": rules, "tariffs": site.tariffs.told()}
