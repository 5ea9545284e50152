"""Asset Administration Shells: changes of properties that Eclipse BaSyx publishes.

    sm-repository/repo-1/submodels/aHR0…/submodelElements/Motor.Speed/value/updated
        {"modelType":"Property","idShort":"Speed","valueType":"xs:double","value":"12000.0"}

The submodel's id is base64url in the topic: its last readable part names the machine (`--machine ID=PATH`: another).
Values are texts, with their type beside them. Before 2026 a topic ended in `…/updated` alone.
"""

import binascii
from base64 import b64decode
from typing import Any, Final

from broker.contract.errors import ContractError, shown
from broker.contract.events import AnyEvent
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names
from edge.dialects.parts import Parts
from edge.dialects.values import Stamp

_HOLDERS: Final = ("SubmodelElementCollection", "SubmodelElementList")
_DEEPEST: Final = 8
_NUMBERS: Final = frozenset(
    f"xs:{name}"
    for name in (
        *("double", "float", "decimal", "integer", "int", "long", "short", "byte"),
        *("unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte"),
        *("nonNegativeInteger", "positiveInteger", "negativeInteger", "nonPositiveInteger"),
    )
)


class Aas(Dialect):
    """Submodels, each a machine."""

    filters = ("sm-repository/+/submodels/+/submodelElements/#",)

    def __init__(self, setup: Setup) -> None:
        self._names = Names()
        self._machines = Machines(setup, self._names)

    def translate(self, message: Message) -> Translation:
        """Translate an update of an element; that one was created or deleted means nothing."""
        levels = message.topic.split("/")
        if (
            len(levels) < 7
            or levels[0] != "sm-repository"
            or levels[4] != "submodelElements"
            or levels[-1] != "updated"
        ):
            return NOTHING
        if not message.payload:
            return NOTHING
        path = levels[5:-2] if levels[-2] == "value" else levels[5:-1]
        submodel = _decoded(levels[3])
        stamp = Stamp.of(message, self._machines.asset(_short(submodel, self._machines.knows(submodel))))
        parts = Parts()
        self._element(parts, stamp, " ".join(path), values.json_object(message.payload), 0)
        return parts.translation()

    def _element(self, parts: Parts, stamp: Stamp, path: str, element: dict[str, Any], depth: int) -> None:
        """Add an element, and those in it."""
        value = element.get("value")
        if element.get("modelType") in _HOLDERS and isinstance(value, list):
            for number, one in enumerate(value):
                if isinstance(one, dict) and depth < _DEEPEST:
                    name = one.get("idShort") or number
                    self._element(parts, stamp, f"{path} {name}", one, depth + 1)
        elif element.get("modelType", "Property") == "Property":
            parts.add(path, lambda: self._property(stamp, path, value, str(element.get("valueType"))))

    def _property(self, stamp: Stamp, path: str, value: Any, kind: str) -> list[AnyEvent]:
        name = self._names.name(path, stamp.asset)
        if kind == "xs:boolean":
            return stamp.sample(name, values.flag(value))
        if kind in _NUMBERS:
            return stamp.sample(name, values.number(value))
        return stamp.sample(name, value)


def _decoded(text: str) -> str:
    """Return the id of a submodel, which is base64url without padding.

    Raises:
        ContractError: it is none.
    """
    try:
        return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise ContractError(f"{shown(text)} is not base64url of a submodel's id", "see the topics of BaSyx") from error


def _short(submodel: str, is_known: bool) -> str:
    """Return the name of a submodel: its last part with a letter, unless the user has named it as a whole."""
    if is_known:
        return submodel
    parts = [part for part in submodel.replace("#", "/").split("/") if any(map(str.isalpha, part))]
    return parts[-1] if parts else submodel


DIALECT: Final = Entry(
    "aas",
    "Asset Administration Shells (Eclipse BaSyx)",
    Aas,
    loses=(
        "Elements other than properties, such as files, ranges and texts in several languages.",
        "Units: a submodel has them in its descriptions, which are not published.",
    ),
    seen=("BaSyx Java server 2.0 of 2024 and 2026",),
    device="""\
1. In BaSyx's `application.yml`: `basyx.submodelrepository.feature.mqtt.enabled: true`, `mqtt.hostname: HOST`,
   `mqtt.port: PORT`.
""",
)
