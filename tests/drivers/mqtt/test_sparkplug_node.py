"""Life and death of an edge node and its devices, message by message (Sparkplug 3.0, clauses 5 and 6.4)."""

from dataclasses import dataclass, field

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.manual_clock import ManualClock
from tests.support.mqtt_broker import mqtt_point
from tests.support.opcua_server import bound
from tests.support.sparkplug import BOOL, M, bd_seq, payload

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.mqtt.config import MqttConfig
from cityhall_drivers.mqtt.figures import Figures
from cityhall_drivers.mqtt.heard import Heard
from cityhall_drivers.mqtt.sparkplug_payload import decode
from cityhall_drivers.mqtt.sparkplug_topics import SparkplugTopics

NODE_KW, METER_KW, METER_KWH, PUMP_ON = 7, 8, 9, 10
ADDRESSES = ("G/E#kW", "G/E/Meter#kW", "G/E/Meter#kWh", "G/E/Pump#On")
CONFIG = MqttConfig(host="broker", payload="sparkplug")


@dataclass
class Host:
    """The driver's side of one broker, without the broker."""

    clock: ManualClock = field(default_factory=ManualClock)
    figures: Figures = field(default_factory=Figures)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    pushed: list[Readings] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heard = Heard(self.clock)
        self.topics = SparkplugTopics(
            CONFIG, self.heard, self.figures, self.clock, lambda topic, data: self.asked.append((topic, data))
        )
        points = bound([mqtt_point(address, f"P{n}") for n, address in enumerate(ADDRESSES)])
        assert self.topics.want(points) == ["spBv1.0/G/+/E/#"]
        self.rows = self.heard.add(points)

    def take(self, kind: str, *metrics: M, seq: int | None = None, device: str = "", retained: bool = False) -> None:
        topic = f"spBv1.0/G/{kind}/E" + (f"/{device}" if device else "")
        self.pushed += self.topics.take(topic, payload(*metrics, seq=seq), retained=retained)

    def birth(self, session: int = 0) -> None:
        """The whole birth: the node, then its devices; aliases 1 to 3."""
        self.take("NBIRTH", bd_seq(session), M("kW", 1.0, alias=1), seq=0)
        self.take("DBIRTH", M("kW", 2.0, alias=2), M("kWh", 3.0, alias=3), seq=1, device="Meter")
        self.take("DBIRTH", M("On", 1, BOOL, 11, alias=4), seq=2, device="Pump")

    @property
    def now(self) -> dict[int, tuple[float, Quality]]:
        readings = self.heard.readings(self.rows, self.clock.now())
        columns = zip(readings.point.tolist(), readings.value.tolist(), readings.quality.tolist(), strict=True)
        return {point: (value, Quality(quality)) for point, value, quality in columns}

    @property
    def qualities(self) -> list[Quality]:
        return [quality for _, quality in self.now.values()]


@pytest.fixture
def host() -> Host:
    return Host()


async def test_a_birth_gives_every_value_and_the_present_does_not_age(host: Host) -> None:
    host.birth()
    await host.clock.advance(100_000.0)

    assert [value for value, _ in host.now.values()] == [1.0, 2.0, 3.0, 1.0]
    assert host.qualities == [Quality.GOOD] * 4
    assert host.asked == []


def test_data_come_by_alias_or_by_name_and_only_for_what_they_mention(host: Host) -> None:
    host.birth()
    host.take("DDATA", M(None, 20.0, kind=None, alias=2), seq=3, device="Meter")
    host.take("NDATA", M("kW", 10.0, kind=None), seq=4)

    assert [value for value, _ in host.now.values()] == [10.0, 20.0, 3.0, 1.0]
    assert host.pushed[-2].point.tolist() == [METER_KW]


def test_before_a_birth_nothing_is_believed_and_a_birth_is_asked_for_once(host: Host) -> None:
    for seq in range(3):
        host.take("DDATA", M("kW", 20.0, alias=2), seq=seq, device="Meter")

    assert host.qualities == [Quality.BAD_NO_DATA] * 4
    ((topic, data),) = host.asked
    assert topic == "spBv1.0/G/NCMD/E"
    (metric,) = decode(data).metrics
    assert (metric.name, metric.field, metric.value) == ("Node Control/Rebirth", "boolean_value", True)
    assert decode(data).sequence is None, "a command has no sequence number"


async def test_a_node_is_not_asked_again_within_half_a_minute(host: Host) -> None:
    host.topics.ask()
    await host.clock.advance(29.0)
    host.topics.ask()
    assert len(host.asked) == 1
    await host.clock.advance(2.0)
    host.topics.ask()
    assert len(host.asked) == 2


async def test_after_a_missed_message_values_are_doubtful_and_no_alias_is_believed(host: Host) -> None:
    host.birth()
    host.take("DDATA", M(None, 99.0, kind=None, alias=3), seq=4, device="Meter")

    assert host.figures.sequence_gaps == 1
    assert host.qualities == [Quality.UNCERTAIN_STALE] * 4
    assert host.now[METER_KWH][0] == 3.0, "alias 3 may mean something else by now"
    assert len(host.asked) == 1
    await host.clock.advance(901.0)
    assert host.qualities == [Quality.BAD_STALE] * 4, "and they grow old"
    host.take("DDATA", M("kWh", 99.0), seq=5, device="Meter")
    assert host.now[METER_KWH] == (99.0, Quality.GOOD), "a name means what it says"
    host.birth()
    assert host.qualities == [Quality.GOOD] * 4


def test_the_sequence_begins_again_after_255(host: Host) -> None:
    host.take("NBIRTH", bd_seq(0), M("kW", 1.0, alias=1), seq=254)
    host.take("NDATA", M(None, 2.0, alias=1), seq=255)
    host.take("NDATA", M(None, 3.0, alias=1), seq=0)
    assert host.figures.sequence_gaps == 0
    assert host.now[NODE_KW] == (3.0, Quality.GOOD)


def test_a_dead_node_takes_all_its_metrics_with_it(host: Host) -> None:
    host.birth(session=4)
    host.take("NDEATH", bd_seq(4))

    assert host.qualities == [Quality.BAD_DEVICE_LOST] * 4
    assert host.pushed[-1].point.tolist() == [7, 8, 9, 10]
    assert host.pushed[-1].quality.tolist() == [Quality.BAD_DEVICE_LOST] * 4
    host.take("DDATA", M(None, 20.0, alias=2), seq=3, device="Meter")
    assert host.qualities == [Quality.BAD_DEVICE_LOST] * 4
    host.birth(session=5)
    assert host.qualities == [Quality.GOOD] * 4


def test_the_will_of_an_older_session_changes_nothing(host: Host) -> None:
    host.birth(session=5)
    host.take("NDEATH", bd_seq(4))

    assert host.qualities == [Quality.GOOD] * 4
    assert host.figures.deaths_ignored == 1


def test_sessions_that_nobody_heard_of_are_counted(host: Host) -> None:
    for session in (254, 255, 2):
        host.birth(session)
    assert host.figures.sessions_missed == 2
    host.birth(2)
    assert host.figures.sessions_missed == 2, "a rebirth is in the same session"


def test_a_dead_device_takes_its_own_metrics_only(host: Host) -> None:
    host.birth()
    host.take("DDEATH", seq=3, device="Meter")

    assert host.qualities == [Quality.GOOD, Quality.BAD_DEVICE_LOST, Quality.BAD_DEVICE_LOST, Quality.GOOD]
    host.take("DBIRTH", M("kW", 5.0, alias=12), M("kWh", 6.0, alias=13), seq=4, device="Meter")
    assert host.qualities == [Quality.GOOD] * 4
    host.take("DDATA", M(None, 7.0, alias=2), seq=5, device="Meter")
    assert host.now[METER_KW][0] == 5.0, "the old alias was buried with it"


def test_a_metric_that_no_birth_names_is_refused(host: Host) -> None:
    host.take("NBIRTH", bd_seq(0), M("kW", 1.0, alias=1), seq=0)
    host.take("DBIRTH", M("kW", 2.0, alias=2), seq=1, device="Meter")

    assert host.now[METER_KWH][1] is Quality.BAD_REFUSED
    assert host.now[PUMP_ON][1] is Quality.BAD_NO_DATA, "its device may still be born"


def test_a_device_whose_birth_is_missing_after_the_nodes_is_doubtful(host: Host) -> None:
    host.birth()
    host.take("NBIRTH", bd_seq(0), M("kW", 1.0, alias=1), seq=0)
    assert host.qualities == [Quality.GOOD, *[Quality.UNCERTAIN_STALE] * 3]


def test_two_metrics_of_one_alias_are_read_by_name_only(host: Host) -> None:
    host.take("NBIRTH", bd_seq(0), M("kW", 1.0, alias=1), seq=0)
    host.take("DBIRTH", M("kW", 2.0, alias=2), M("kWh", 3.0, alias=2), seq=1, device="Meter")
    host.take("DDATA", M(None, 50.0, alias=2), seq=2, device="Meter")

    assert [host.now[point][0] for point in (METER_KW, METER_KWH)] == [2.0, 3.0]
    assert host.figures.unknown_metrics == 1


def test_an_alias_of_another_device_is_not_believed(host: Host) -> None:
    host.birth()
    host.take("DDATA", M(None, 50.0, alias=4), seq=3, device="Meter")
    assert host.now[PUMP_ON][0] == 1.0


def test_historical_values_are_told_at_their_time_and_leave_the_present_alone(host: Host) -> None:
    host.birth()
    old = M(None, 77.0, kind=None, alias=2, at_ms=1_782_860_000_000, historical=True)
    host.take("DDATA", old, M(None, 21.0, kind=None, alias=2), seq=3, device="Meter")

    assert host.now[METER_KW] == (21.0, Quality.GOOD)
    past, present = host.pushed[-2:]
    assert (past.value.tolist(), past.observed_at.tolist()) == ([77.0], [1_782_860_000_000_000])
    assert present.value.tolist() == [21.0]
    assert host.figures.historical == 1


def test_a_null_has_no_value(host: Host) -> None:
    host.birth()
    host.take("DDATA", M(None, None, kind=None, alias=2, null=True), seq=3, device="Meter")
    assert host.now[METER_KW][1] is Quality.BAD_NO_DATA


def test_what_the_broker_kept_is_of_another_time(host: Host) -> None:
    host.take("NBIRTH", bd_seq(0), M("kW", 1.0), seq=0, retained=True)
    assert host.qualities == [Quality.BAD_NO_DATA] * 4


def test_nonsense_is_counted_and_does_no_harm(host: Host) -> None:
    host.birth()
    host.pushed += host.topics.take("spBv1.0/G/NDATA/E", b"\xff\xff", retained=False)
    host.pushed += host.topics.take("spBv1.0/G/NDATA/Other", payload(seq=1), retained=False)
    host.pushed += host.topics.take("spBv1.0/G/NCMD/E", payload(), retained=False)
    assert (host.figures.undecodable, host.figures.unasked) == (1, 2)
    assert host.qualities == [Quality.GOOD] * 4


class EdgeNodeLife(RuleBasedStateMachine):
    """Whatever is lost on the way: a good value is one that the node really holds, on the point it belongs to.

    Each birth deals the aliases anew, and messages may vanish. One thing no host can notice, and it is left out here: a
    birth that is lost whole, after which the numbers happen to go on where the host stopped counting.
    """

    def __init__(self) -> None:
        super().__init__()
        self.host = Host()
        self.names = ("kW", "kWh")
        self.truth = {"kW": 0.0, "kWh": 1000.0}
        self.deal = (2, 3)
        self.seq = self.heard_seq = -1
        self.birth_unheard = False
        self.count = 0
        self.node_born = False

    def send(self, kind: str, *metrics: M, device: str = "", lost: bool = False) -> None:
        self.seq = 0 if kind == "NBIRTH" else (self.seq + 1) % 256
        if not lost:
            goes_on = self.seq == (self.heard_seq + 1) % 256
            hypothesis.assume(kind == "NBIRTH" or not (self.birth_unheard and goes_on))
            self.birth_unheard = False
            self.heard_seq = self.seq
            self.host.take(kind, *metrics, seq=self.seq, device=device)

    @rule(lost=st.sets(st.integers(0, 1)), deal=st.permutations([2, 3]))
    def birth(self, lost: set[int], deal: list[int]) -> None:
        self.birth_unheard |= lost == {0, 1}
        self.deal = (deal[0], deal[1])
        self.node_born = True
        self.send("NBIRTH", bd_seq(1), M("kW", 1.0, alias=1), lost=0 in lost)
        metrics = [M(name, self.truth[name], alias=alias) for name, alias in zip(self.names, self.deal, strict=True)]
        self.send("DBIRTH", *metrics, device="Meter", lost=1 in lost)

    @precondition(lambda self: self.node_born)
    @rule(which=st.integers(0, 1), lost=st.booleans())
    def change(self, which: int, lost: bool) -> None:
        self.count += 1
        # kW stays below 1000, kWh above: a value on the wrong point is seen as such.
        self.truth[self.names[which]] = self.count % 900 + 1000.0 * which
        value = self.truth[self.names[which]]
        self.send("DDATA", M(None, value, kind=None, alias=self.deal[which]), device="Meter", lost=lost)

    @rule()
    def death(self) -> None:
        self.host.take("NDEATH", bd_seq(1))

    @invariant()
    def no_value_is_on_a_wrong_point(self) -> None:
        for readings in self.host.pushed:
            for point, value, quality in zip(readings.point, readings.value, readings.quality, strict=True):
                if quality == Quality.GOOD and point in {METER_KW, METER_KWH}:
                    assert (value >= 1000.0) == (point == METER_KWH)
        self.host.pushed.clear()
        for point in (METER_KW, METER_KWH):
            value, quality = self.host.now[point]
            if quality is Quality.GOOD:
                assert (value >= 1000.0) == (point == METER_KWH)


TestEdgeNodeLife = EdgeNodeLife.TestCase
TestEdgeNodeLife.settings = hypothesis.settings(max_examples=150, stateful_step_count=20, deadline=None)
