"""Why an agent could not be asked, in words that tell an engineer what to do. Pure."""

from typing import Final

_WORDS: Final = {
    "unknownUserName": "the agent does not know this user: check 'user' (usmStatsUnknownUserNames)",
    "wrongDigest": "the agent finds our signature wrong: check 'auth' and its password (usmStatsWrongDigests)",
    "authenticationFailure": "the agent's signature is wrong: check 'auth' and its password",
    "decryptionError": "the messages cannot be decrypted: check 'priv' and its password (usmStatsDecryptionErrors)",
    "unsupportedSecurityLevel": "the agent does not offer this user 'auth' or 'priv' as the device file has them",
    "notInTimeWindow": (
        "the agent's count of restarts or its clock does not fit what it said before: two devices with one engine id, "
        "or an agent that forgot its restarts (usmStatsNotInTimeWindows)"
    ),
    "unknownEngineID": "the agent does not keep the engine id that it gives (usmStatsUnknownEngineIDs)",
    "noSuchContext": "the agent has no such context: check 'context'",
    "unknownContextName": "the agent has no such context: check 'context'",
    "badResponse": "the answer is not one to our question",
}


def in_words(name: str, within_s: float) -> str:
    """An error indication of the library, or the text of an error, for people."""
    if name == "requestTimedOut":
        return (
            f"no answer within {within_s:g} s: the device is off, or it ignores us (check the address, the community, "
            "and the agent's list of who may ask)"
        )
    return _WORDS.get(name, name)
