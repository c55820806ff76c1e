"""Which passwords are good enough.

Length before mixture, no forced change, and what everybody tries is refused (NIST SP 800-63B-4 §3.1.1.2); the number
of failures, the time of the lock and the passwords that are remembered are those of the building's own rules.
"""

from typing import Final

from cityhall_bms.domain.access.accounts import key_of
from cityhall_bms.domain.access.rules import PasswordRules
from cityhall_bms.domain.errors import RefusedError

DISTINCT_MIN: Final = 5
COMMON: Final = frozenset(
    {
        "", "abc", "abcd", "abcdefgh", "abcdefghijkl", "admin", "administrator", "adminadmin", "bms", "building",
        "changeme", "cityhall", "default", "dragon", "engineer", "football", "guest", "iloveyou", "kaohsiung",
        "letmein", "letmeinplease", "manager", "master", "monkey", "operator", "pass", "passw", "password",
        "passwordpassword",
        "princess", "qazwsx", "qazwsxedc", "qwerty", "qwertyqwerty", "qwertyuiop", "root", "secret", "sunshine",
        "superuser", "supervisor", "system", "taipei", "taiwan", "temporary", "test", "testtest", "user",
        "welcome", "welcometo", "asdfghjkl", "zxcvbnm", "qwertyuiopasdf", "asdfasdf", "qweasdzxc",
        "高雄市政府", "市政大樓", "密碼",
    }
)  # fmt: skip
"""What remains of common passwords without the digits and signs around them."""
LEET: Final = str.maketrans("0134578@$!", "oieastbasi")
SEQUENCES: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm")


def check_password(password: str, name: str, rules: PasswordRules) -> None:
    """``RefusedError`` saying what is wrong with a password for an account of this name."""
    if not rules.characters_min <= len(password) <= rules.characters_max:
        msg = (
            f"密碼長度須為 {rules.characters_min}–{rules.characters_max} 個字元 / "
            f"a password has {rules.characters_min} to {rules.characters_max} characters"
        )
        raise RefusedError(msg)
    plain = password.casefold()
    if key_of(name).replace(" ", "") in plain.replace(" ", ""):
        msg = "密碼不可含帳號名稱 / a password does not contain the account's name"
        raise RefusedError(msg)
    if is_common(plain):
        msg = "這個密碼太常見，容易被猜到 / this password is a common one, and easily guessed"
        raise RefusedError(msg)


def is_common(plain: str) -> bool:
    """Whether a password (in small letters) is one that everybody tries: few characters, a sequence, a known word."""
    if len(set(plain)) < DISTINCT_MIN:
        return True
    if any(plain in run * 2 or plain in run[::-1] * 2 for run in SEQUENCES):
        return True
    around = "0123456789 !@#$%^&*()-_=+.,?~"
    bare = plain.strip(around)
    return bare in COMMON or bare.translate(LEET) in COMMON or plain.translate(LEET).strip(around) in COMMON
