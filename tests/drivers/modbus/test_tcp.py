"""Answers on a TCP connection: cut anywhere, in any order, with any byte wrong; none is taken for another."""

import asyncio
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_drivers.modbus.link import Answer
from cityhall_drivers.modbus.tcp import TcpLink
from cityhall_drivers.modbus.wire import ExceptionAnswerError, NonsenseError, data_of, read_question, tcp_frame

UNIT = 7
ENVELOPE_AND_HEAD = 9
"""MBAP (7 bytes), function and byte count: all that says whose answer it is. What follows is the value itself."""


class LoopLink(TcpLink):
    """A link whose other end is a function: it is given what is sent, and gives the pieces that come back."""

    def __init__(self, reply: Callable[[list[bytes]], Sequence[bytes]]) -> None:
        super().__init__("loop", 1, SystemClock())
        self._reply = reply

    @property
    def connected(self) -> bool:
        return True

    def send(self, data: bytes) -> None:
        questions = [data[place : place + 12] for place in range(0, len(data), 12)]
        for piece in self._reply(questions):
            asyncio.get_running_loop().call_soon(self.heard, piece)

    def drop(self) -> None:
        self._buffer.clear()


def answer_to(question: bytes) -> bytes:
    """The right answer: every register holds its address."""
    start, count = int.from_bytes(question[8:10], "big"), int.from_bytes(question[10:12], "big")
    words = b"".join(address.to_bytes(2, "big") for address in range(start, start + count))
    return tcp_frame(int.from_bytes(question[:2], "big"), question[6], bytes((3, len(words))) + words)


def cut(stream: bytes, places: Sequence[int]) -> list[bytes]:
    ends = [*sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]


def ask(link: LoopLink, questions: Sequence[bytes], timeout_s: float) -> list[Answer]:
    return asyncio.run(link.ask(UNIT, questions, timeout_s))


@settings(max_examples=50)
@given(st.permutations(range(6)), st.lists(st.integers(0, 2000), max_size=8), st.booleans())
def test_a_burst_answered_in_any_order_and_in_any_pieces_gives_each_question_its_own(
    order: list[int], cuts: list[int], twice: bool
) -> None:
    questions = [read_question(3, 100 * number, 5) for number in range(6)]

    def reply(asked: list[bytes]) -> list[bytes]:
        answers = [answer_to(asked[number]) for number in order]
        return cut(b"".join(answers[:1] * twice + answers), cuts)

    answers = ask(LoopLink(reply), questions, 5.0)
    firsts = [int.from_bytes(answer[2:4], "big") for answer in answers if isinstance(answer, bytes)]
    assert firsts == [0, 100, 200, 300, 400, 500]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, ENVELOPE_AND_HEAD - 1), st.integers(1, 255), st.lists(st.integers(0, 300), max_size=4))
def test_with_any_byte_of_its_head_wrong_an_answer_is_never_taken(place: int, flip: int, cuts: list[int]) -> None:
    question = read_question(3, 100, 5)

    def reply(asked: list[bytes]) -> list[bytes]:
        wrong = bytearray(answer_to(asked[0]))
        wrong[place] ^= flip
        return cut(bytes(wrong), cuts)

    (answer,) = ask(LoopLink(reply), [question], 0.001)
    if isinstance(answer, bytes):
        try:
            data_of(question, answer, 10)
        except (NonsenseError, ExceptionAnswerError):
            return
        raise AssertionError(answer)


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=1, max_size=300))
def test_of_noise_nothing_is_taken_and_a_burst_ends_all_the_same(noise: bytes) -> None:
    answers = ask(LoopLink(lambda _asked: [noise]), [read_question(3, 0, 1), read_question(3, 9, 1)], 0.001)
    assert len(answers) == 2
    assert not any(isinstance(answer, bytes) for answer in answers)
