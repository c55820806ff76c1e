"""How a BACnet device turns a question down, in numbers and in plain words. Pure; knows no library.

Classes, codes and reasons are those of ANSI/ASHRAE 135, clauses 18 and 21 (BACnetErrorCode, BACnetAbortReason,
BACnetRejectReason).
"""

from typing import Final

from cityhall_drivers.bacnet.codec import Remedy, remedy_for_abort, remedy_for_reject

OBJECT_CLASS: Final = 1
PROPERTY_CLASS: Final = 2
NO_RESPONSE: Final = 65
"""What our own library says when nobody answered; no device sends it."""
WITHOUT_PROPERTY: Final = {32, 42}
"""Codes by which a device says that an object has no such property; some take a whole array for its missing index."""
ERROR_CODES: Final = {
    0: "other",
    2: "configuration-in-progress",
    3: "device-busy",
    7: "inconsistent-parameters",
    9: "invalid-data-type",
    14: "invalid-time-stamp",
    19: "no-space-to-add-list-element",
    20: "no-space-to-write-property",
    22: "property-is-not-a-list",
    25: "operational-problem",
    26: "password-failure",
    27: "read-access-denied",
    29: "service-request-denied",
    30: "timeout",
    31: "unknown-object",
    32: "unknown-property",
    37: "value-out-of-range",
    40: "write-access-denied",
    42: "invalid-array-index",
    44: "not-cov-property",
    45: "optional-functionality-not-supported",
    47: "datatype-not-supported",
    50: "property-is-not-an-array",
    72: "value-not-initialized",
    73: "invalid-event-state",
    74: "no-alarm-configured",
    75: "log-buffer-full",
    79: "unknown-subscription",
    80: "parameter-out-of-range",
    82: "busy",
    83: "communication-disabled",
    85: "access-denied",
    132: "not-configured",
    133: "out-of-memory",
    138: "invalid-value-in-this-state",
}
ABORT_REASONS: Final = {
    0: "other",
    1: "buffer-overflow",
    2: "invalid-apdu-in-this-state",
    3: "preempted-by-higher-priority-task",
    4: "segmentation-not-supported",
    5: "security-error",
    6: "insufficient-security",
    7: "window-size-out-of-range",
    8: "application-exceeded-reply-time",
    9: "out-of-resources",
    10: "tsm-timeout",
    11: "apdu-too-long",
}
REJECT_REASONS: Final = {
    0: "other",
    1: "buffer-overflow",
    2: "inconsistent-parameters",
    3: "invalid-parameter-datatype",
    4: "invalid-tag",
    5: "missing-required-parameter",
    6: "parameter-out-of-range",
    7: "too-many-arguments",
    8: "undefined-enumeration",
    9: "unrecognized-service",
}


class ErrorAnswerError(Exception):
    """The device answered Error: it understood the question, and will not or cannot."""

    def __init__(self, error_class: int, error_code: int) -> None:
        super().__init__(ERROR_CODES.get(error_code, f"error class {error_class} code {error_code}"))
        self.error_class, self.error_code = error_class, error_code

    @property
    def is_about_an_object(self) -> bool:
        """Whether one object or property is to blame, so that others may still be read."""
        return self.error_class in {OBJECT_CLASS, PROPERTY_CLASS}


class TurnedDownError(Exception):
    """The device answered Abort or Reject: it did not even look at what was asked."""

    def __init__(self, reason: int, *, is_abort: bool) -> None:
        words = (ABORT_REASONS if is_abort else REJECT_REASONS).get(reason, f"reason {reason}")
        super().__init__(f"{'abort' if is_abort else 'reject'}: {words}")
        self.reason, self.is_abort = reason, is_abort

    @property
    def remedy(self) -> Remedy:
        """What might help."""
        return remedy_for_abort(self.reason) if self.is_abort else remedy_for_reject(self.reason)


_RESOURCES_CLASS: Final = 3
_FULL_CODES: Final = {18, 19, 20, 133}
"""No space for an object, a list element or a value; out of memory."""
_ABORTS_OF_FULL: Final = {1, 9}
"""Buffer overflow, out of resources."""
_UNRECOGNIZED_SERVICE: Final = 9


def is_full(error: ErrorAnswerError | TurnedDownError) -> bool:
    """Whether a device has no room for one more subscription."""
    if isinstance(error, ErrorAnswerError):
        return error.error_class == _RESOURCES_CLASS or error.error_code in _FULL_CODES
    return error.is_abort and error.reason in _ABORTS_OF_FULL


def knows_no_cov(error: ErrorAnswerError | TurnedDownError) -> bool:
    """Whether a device does not know what a subscription is."""
    return isinstance(error, TurnedDownError) and not error.is_abort and error.reason == _UNRECOGNIZED_SERVICE
