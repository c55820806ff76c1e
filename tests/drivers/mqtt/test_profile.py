"""The shipped MQTT profile, seen by a site that uses it."""

from pathlib import Path

from tests.drivers.profiles.test_profiles import PROFILES, site_with
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.installed_drivers import find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.mqtt import DRIVER
from cityhall_drivers.mqtt.config import MqttConfig
from cityhall_drivers.mqtt.figures import Figures
from cityhall_drivers.mqtt.heard import Heard
from cityhall_drivers.mqtt.json_topics import JsonTopics

NAME = "shelly-pro-3em"
EM = (
    b'{"id":0,"a_current":4.029,"a_voltage":236.1,"a_act_power":951.2,"a_aprt_power":951.9,"a_pf":1,"a_freq":50,'
    b'"b_current":4.027,"b_voltage":236.201,"b_act_power":-951.1,"b_aprt_power":951.8,"b_pf":-1,"b_freq":50,'
    b'"c_current":3.03,"c_voltage":236.402,"c_act_power":715.4,"c_aprt_power":716.2,"c_pf":0.99,"c_freq":50,'
    b'"n_current":11.029,"total_current":11.083,"total_act_power":2484.782,"total_aprt_power":2486.7}'
)
"""As the maker's documentation shows it."""
EM_DATA = b'{"id":0,"a_total_act_energy":0,"total_act":5000.5,"total_act_ret":12.25}'


def site_of(folder: Path) -> Site:
    site_with(folder, NAME, 1883)
    device = folder / "devices/d.toml"
    device.write_text(device.read_text().replace("modbus", "mqtt") + 'topic = "hall/meter-1"\n')
    return load_site(folder, {"mqtt": DRIVER()}, find_profile_folders())


def test_the_meter_of_the_profile_is_read_as_its_maker_describes_it(tmp_path: Path) -> None:
    site, clock = site_of(tmp_path / "site"), ManualClock()
    points = [BoundPoint(number, point) for number, point in enumerate(site.points.values(), 1)]
    heard = Heard(clock)
    topics = JsonTopics(MqttConfig.model_validate(dict(site.devices["d"].settings)), heard, Figures(), clock)
    assert topics.want(points) == ["hall/meter-1/status/em:0", "hall/meter-1/status/emdata:0"]
    assert list(topics.take("hall/meter-1/status/em:0", EM, retained=False))
    assert list(topics.take("hall/meter-1/status/emdata:0", EM_DATA, retained=False))

    readings = heard.readings(heard.add(points), clock.now())
    assert not readings.quality.any()
    found = {bound.point.role: round(float(value), 6) for bound, value in zip(points, readings.value, strict=True)}
    assert set(found) == {point["role"] for point in PROFILES[NAME]["point"]}
    assert (found["kW"], found["V2"], found["kW2"], found["PF2"]) == (2.484782, 236.201, -0.9511, -1.0)
    assert (found["Hz"], found["kWh"], found["kWhExp"]) == (50.0, 5.0005, 0.01225)
