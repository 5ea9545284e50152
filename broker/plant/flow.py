"""How pieces pass a line: its stages and the buffers between them, read by the same rules for real and simulated lines.

A line's stages stand at its asset, or in the simulator's table of the line, whose other keys the simulator validates.
"""

from itertools import chain

import msgspec

from broker.contract.names import is_name
from broker.plant.toml_tables import Table, shown


class Flow(msgspec.Struct, frozen=True):
    """How pieces pass a line.

    Attributes:
        stages: the machines of each step, in the order of the flow, those of one step side by side: the last level of
            their paths.
        buffers: pieces that fit between two steps, one number fewer than stages; nothing where they are not known.
    """

    stages: tuple[tuple[str, ...], ...] = ()
    buffers: tuple[int, ...] = ()


def read_flows(lines: Table) -> dict[str, Flow]:
    """Read the flows of the simulated lines; the other keys of these tables are for the simulator."""
    found = {}
    for path in lines:
        line = lines.table(path)
        if stages := read_stages(path, line):
            found[path] = Flow(stages, _buffers(line))
    return found


def read_stages(path: str, table: Table) -> tuple[tuple[str, ...], ...]:
    """Read the stages of a line; nothing where the table has none, or has mistakes in them."""
    found = table.array("stages")
    if found and path.count("/") != 2:
        table.wrong("stages", "only a line has stages", "write them at a path of three levels, site/area/line")
    good = all(isinstance(stage, list) and stage and all(isinstance(name, str) for name in stage) for stage in found)
    if not good:
        table.wrong("stages", "these are not stages", 'write stages = [["mill-1", "mill-2"], ["cmm-1"]]')
        return ()
    machines = list(chain.from_iterable(found))
    for name in dict.fromkeys(machines):
        if not is_name(name):
            table.wrong("stages", f"{shown(name)} is not a machine's name", "write the last level of its path, mill-1")
        if machines.count(name) > 1:
            table.wrong("stages", f"{shown(name)} stands in it twice", "name each machine in one stage, once")
    return tuple(map(tuple, found))


def _buffers(table: Table) -> tuple[int, ...]:
    found = table.array("buffers")
    if not all(isinstance(places, int) and not isinstance(places, bool) and places > 0 for places in found):
        table.wrong("buffers", "these are not buffers", "write how many pieces fit between two stages, as in [8, 8]")
        return ()
    return tuple(found)
