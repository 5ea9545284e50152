"""Sparkplug's name-space: `spBv1.0/<group>/<kind>/<edge node>[/<device>]`, and `spBv1.0/STATE/<host>` of hosts."""

from typing import Final, NamedTuple

from broker.contract.errors import ContractError, shown

NAMESPACE: Final = "spBv1.0"
OF_NODES: Final = frozenset({"NBIRTH", "NDATA", "NDEATH", "NCMD"})
OF_DEVICES: Final = frozenset({"DBIRTH", "DDATA", "DDEATH", "DCMD"})


class Key(NamedTuple):
    """An edge node, or one of its devices; `device` is '' for the node itself.

    Two nodes may have a device of one name, so that a device is named by all three.
    """

    group: str
    node: str
    device: str = ""

    @property
    def of_node(self) -> "Key":
        """The edge node that it belongs to."""
        return Key(self.group, self.node)

    def __str__(self) -> str:
        return "/".join(filter(None, self))


class Topic(NamedTuple):
    """A parsed topic: the kind of message, and of whom it is."""

    kind: str
    key: Key


def parse(topic: str) -> Topic:
    """Read the topic of a node's or device's message.

    Raises:
        ContractError: it is none.
    """
    levels = topic.split("/")
    if levels[0] == NAMESPACE and len(levels) >= 4 and all(levels):
        group, kind, *names = levels[1:]
        if (kind in OF_NODES and len(names) == 1) or (kind in OF_DEVICES and len(names) == 2):
            return Topic(kind, Key(group, *names))
    raise ContractError(
        f"topic {shown(topic)} is not of Sparkplug B",
        f"publish to {NAMESPACE}/<group>/<NBIRTH, DDATA …>/<edge node>[/<device>]",
    )


def build(kind: str, key: Key) -> str:
    """Write a topic; the inverse of `parse`."""
    levels = (NAMESPACE, key.group, kind, key.node, key.device)
    return "/".join(filter(None, levels))


def state(host: str) -> str:
    """Return the topic of a host application's state."""
    return f"{NAMESPACE}/STATE/{host}"
