"""MQTT: plain JSON and Sparkplug B."""

from typing import Final

from cityhall_drivers.mqtt.driver import MqttFactory

DRIVER: Final = MqttFactory
