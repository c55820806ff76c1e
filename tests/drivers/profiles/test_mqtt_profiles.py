"""The shipped MQTT profiles: each asks for the topics of its case, and understands the messages there."""

from pathlib import Path

import pytest
from tests.drivers.profiles.shelf import CASES, bound_points, expected, site_with, speaking
from tests.support.manual_clock import ManualClock

from cityhall_drivers.mqtt.config import MqttConfig
from cityhall_drivers.mqtt.figures import Figures
from cityhall_drivers.mqtt.heard import Heard
from cityhall_drivers.mqtt.json_topics import JsonTopics


@pytest.mark.parametrize("name", speaking("mqtt"))
def test_an_mqtt_profile_understands_the_messages_of_its_case(name: str, tmp_path: Path) -> None:
    messages = {message["topic"]: message["payload"].encode() for message in CASES[name]["message"]}
    site = site_with(tmp_path / "site", name, {"host": "127.0.0.1", "topic": CASES[name]["topic"]})
    points, clock = bound_points(site), ManualClock()
    heard = Heard(clock)
    topics = JsonTopics(MqttConfig.model_validate(dict(site.devices["d"].settings)), heard, Figures(), clock)
    assert sorted(topics.want(points)) == sorted(messages)
    for topic, payload in messages.items():
        assert list(topics.take(topic, payload, retained=False))
    readings = heard.readings(heard.add(points), clock.now())
    assert not readings.quality.any()
    assert readings.value.tolist() == pytest.approx(expected(name, points))
