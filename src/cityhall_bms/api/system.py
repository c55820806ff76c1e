"""How the service itself is doing, and what it is made of: for administrators."""

from functools import cache
from importlib.metadata import Distribution, distributions, version

from fastapi import APIRouter
from pydantic import Field

from cityhall_bms.api.health import checks
from cityhall_bms.api.models import Model
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services

router = APIRouter(tags=["system"])

LICENCE_CLASSIFIER = "License :: "
LICENCE_CHARACTERS_MAX = 60
"""Some packages give the whole text where its name belongs."""


class Component(Model):
    """A library that the service is made of."""

    name: str = Field(examples=["fastapi"])
    version: str = Field(examples=["0.160.0"])
    licence: str = Field(description="As the package says itself; empty where it says nothing.", examples=["MIT"])


class SystemView(Model):
    """Version, parts and components of the running service."""

    version: str
    site: str = Field(examples=["TCH"])
    checks: dict[str, str] = Field(description="`ok`, or what is wrong, by part; as `/readyz` sees them.")
    events: int = Field(description="Position of the newest event of the log.")
    components: list[Component] = Field(description="Name, version and licence of what is installed, by name.")


@router.get("/system", responses=responses(503))
async def get_system(services: Services) -> SystemView:
    """How the service is doing, and what it is made of."""
    return SystemView(
        version=version("cityhall-bms"),
        site=services.site.code,
        checks=await checks(services),
        events=await services.events.end(),
        components=_components(),
    )


@cache
def _components() -> list[Component]:
    found = {each.name.lower(): each for each in distributions()}
    return [
        Component(name=each.name, version=each.version, licence=_licence(each)) for _, each in sorted(found.items())
    ]


def _licence(package: Distribution) -> str:
    """By its expression (PEP 639), its classifiers, or the first line of what it says."""
    told = package.metadata
    if "License-Expression" in told:
        return told["License-Expression"]
    classified = [line for line in told.get_all("Classifier") or [] if line.startswith(LICENCE_CLASSIFIER)]
    if classified:
        return "; ".join(line.rpartition(" :: ")[2] for line in classified)
    return told["License"].partition("\n")[0][:LICENCE_CHARACTERS_MAX] if "License" in told else ""
