"""Roles permit what the table of the reference says, where they hold, and nowhere else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pages import table, text_of

from cityhall_bms.domain.access.accounts import check_grants, check_name, key_of
from cityhall_bms.domain.access.grants import (
    GRANTABLE,
    PERMISSIONS_OF,
    Grant,
    Permission,
    Role,
    may_everywhere,
    role_for,
)
from cityhall_bms.domain.access.passwords import check_password
from cityhall_bms.domain.access.rules import PasswordRules
from cityhall_bms.domain.errors import RefusedError

PLACES = frozenset({"05", "05.W", "06", "06.E"})
EQUIPMENT = "TCH.05.W.AHU01"
GRANTS = st.lists(
    st.builds(Grant, st.sampled_from(GRANTABLE), st.lists(st.sampled_from([*PLACES, "*"]), min_size=1).map(tuple)),
    max_size=5,
)


def test_the_reference_tells_what_each_role_permits() -> None:
    told: dict[str, set[str]] = {}
    for role, _, words in table(text_of("reference/access.md"), "Role"):
        found = {word for word in re.findall(r"\w+", words) if word in set(Permission)}
        told[role] = found | (told["operator"] if "an operator may" in words else set())
    assert told == {role.value: {each.value for each in PERMISSIONS_OF[role]} for role in GRANTABLE}


@given(GRANTS, st.sampled_from(Permission))
def test_a_permission_holds_where_a_role_with_it_holds(grants: list[Grant], permission: Permission) -> None:
    expected = [
        grant for grant in grants if permission in PERMISSIONS_OF[grant.role] and {"05", "05.W", "*"} & set(grant.zones)
    ]
    assert (role_for(grants, permission, EQUIPMENT) is not None) == bool(expected)
    if may_everywhere(grants, permission):
        assert role_for(grants, permission, EQUIPMENT) is not None


@given(GRANTS)
def test_checked_grants_permit_the_same_and_name_each_role_once(grants: list[Grant]) -> None:
    checked = check_grants(grants, PLACES)
    assert len({grant.role for grant in checked}) == len(checked)
    for permission in Permission:
        for equipment in (EQUIPMENT, "TCH.06.E.AHU01", "TCH.06.W.AHU01", None):
            one, other = role_for(grants, permission, equipment), role_for(checked, permission, equipment)
            assert (one is None) == (other is None)
    assert check_grants(checked, PLACES) == checked


def test_automation_s_role_is_granted_to_nobody() -> None:
    with pytest.raises(RefusedError):
        check_grants([Grant(Role.SERVICE)], PLACES)


@pytest.mark.parametrize("name", ["王小明", "O'Brien", "ann.lee@city.gov.tw", "Müller-Öz", "能源 入口 1"])
def test_names_of_any_script_are_names(name: str) -> None:
    assert check_name(f" {name} ") == name


@pytest.mark.parametrize(
    "name", ["", "a", "x" * 65, "-ab", "ab/", "a\nb", "a\x00b", "<b>", "System", "a..", "ｓｙｓｔｅｍ"]
)
def test_what_is_no_name_or_the_service_s_own_is_refused(name: str) -> None:
    with pytest.raises(RefusedError):
        check_name(name)


def test_names_that_look_the_same_are_the_same() -> None:
    assert key_of("Ann Lee") == key_of(" ＡＮＮ　ＬＥＥ ") == key_of("ann lee")


@pytest.mark.parametrize(
    "password",
    ["short", "x" * 129, "aaaaaaaaaaaa", "123456789012", "Password1234", "P@ssw0rd!!!!", "qwertyuiop12", "王小明是值班員沒錯吧啊呀", "abcdefghijkl"],
)  # fmt: skip
def test_passwords_that_everybody_tries_are_refused(password: str) -> None:
    with pytest.raises(RefusedError):
        check_password(password, "王小明", PasswordRules())


@pytest.mark.parametrize("password", ["correct horse battery", "冷卻水塔在頂樓，很吵的那一台", "x7!kQ2#mP9zL"])
def test_sentences_and_mixtures_are_good(password: str) -> None:
    check_password(password, "王小明", PasswordRules())
