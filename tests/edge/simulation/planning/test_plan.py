import tomllib

import pytest

from edge.simulation import districts
from edge.simulation.planning import plan
from edge.simulation.planning.plan_tables import PlanError

GOOD = """
    [line."a/b/c"]
    stages = [["m-1", "m-2"], ["m-3"]]
    buffers = [4]
    orders = [{ product = "x", pieces = 5 }]
    [machine."a/b/c/m-1"]
    model = "washer"
    cell = "cmm"
    [machine."a/b/c/m-2"]
    model = "washer"
    cell = "cmm"
    losses = { wait = 0.1, setup-min = 5 }
    [machine."a/b/c/m-3"]
    model = "washer"
    cell = "cmm"
"""


def test_the_shipped_plant_is_good() -> None:
    floor = plan.read(districts.plant(districts.names()).simulate)
    assert len(floor.line) >= 2
    for line in floor.line.values():
        machines = [name for stage in line.stages for name in stage]
        assert machines


def test_what_is_not_given_has_a_default() -> None:
    floor = plan.read(tomllib.loads(GOOD))
    assert floor.profile == "lively"
    assert floor.machine["a/b/c/m-1"].crew == 1


def test_losses_change_single_figures_of_a_cell() -> None:
    floor = plan.read(tomllib.loads(GOOD))
    plain = plan.cell_of(floor.machine["a/b/c/m-1"], "plain")
    changed = plan.cell_of(floor.machine["a/b/c/m-2"], "plain")
    assert (changed.wait, changed.setup_min) == (0.1, 5)
    assert changed.mtbf_h == plain.mtbf_h


def test_the_lively_profile_fails_six_times_as_often_and_is_repaired_as_much_faster() -> None:
    machine = plan.read(tomllib.loads(GOOD)).machine["a/b/c/m-1"]
    plain, lively = plan.cell_of(machine, "plain"), plan.cell_of(machine, "lively")
    assert lively.mtbf_h == plain.mtbf_h / 6
    assert lively.mttr_h == plain.mttr_h / 6


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('["m-3"]]', '["m-4"]]', "m-4 is not described; add"),
        ('["m-3"]]', "[]]", "a stage is empty"),
        ('["m-3"]]', '["m-1"]]', "m-1 stands in it twice"),
        ("buffers = [4]", "buffers = []", "0 buffers for 2 stages"),
        ("buffers = [4]", "buffers = [0]", "less than one piece"),
        ("pieces = 5", "pieces = 0", "give at least 1"),
        ('[{ product = "x", pieces = 5 }]', "[]", "there are no orders"),
        ('product = "x"', 'product = ""', "1 to 64 characters"),
        ('[line."a/b/c"]', '[line."a/c"]', "write <site>/<area>/<line>"),
        ('cell = "cmm"', 'cell = "cnn"', "there is no cell 'cnn'; use one of"),
        ('model = "washer"', 'model = "dryer"', "there is no model 'dryer'; use one of"),
        ("wait = 0.1", "weight = 0.1", "losses.weight: this key is not known here; did you mean wait?"),
        ("wait = 0.1", "wait = 1.5", "losses.wait: 1.5 is not possible; it goes from 0 to 0.95"),
        ("wait = 0.1", 'wait = "a"', "simulate.machine.\"a/b/c/m-2\".losses.wait: 'a' is not a number"),
        ("[4]", '["4"]', "simulate.line.\"a/b/c\".buffers[1]: '4' is not a whole number"),
        (
            '[line."a/b/c"]',
            'profil = "plain"\n[line."a/b/c"]',
            "profil: this key is not known here; did you mean profile?",
        ),
        ('[line."a/b/c"]', 'profile = "real"\n[line."a/b/c"]', "'real' is not allowed here; use one of lively, plain"),
        ('[line."a/b/c"]', 'seed = "7"\n[line."a/b/c"]', "simulate.seed: '7' is not a whole number"),
        ("pieces = 5", 'pieces = "5"', "orders[1].pieces: '5' is not a whole number"),
        ("pieces = 5", "peaces = 5", "orders[1].peaces: this key is not known here; did you mean pieces?"),
        ("losses = {", "crew = -1\n    losses = {", "crew: -1 is not possible"),
        ("losses = {", 'load = "6"\n    losses = {', "load: '6' is not a whole number"),
        ("buffers = [4]", 'buffers = [4]\n    rework = { m-3 = "m-9" }', "rework.m-3: m-9 stands in no stage"),
        (
            "buffers = [4]",
            'buffers = [4]\n    rework = { m-1 = "m-3" }',
            "rework.m-1: rework goes from m-1 forward",
        ),
        ('[machine."a/b/c/m-3"]', '[machine."a/b/d/m-3"]', "m-3"),
    ],
)
def test_a_mistake_is_reported_with_its_place_and_a_hint(old: str, new: str, named: str) -> None:
    assert old in GOOD
    with pytest.raises(PlanError, match=r"plant\.toml: simulate") as caught:
        plan.read(tomllib.loads(GOOD.replace(old, new)), "plant.toml")
    assert named in str(caught.value)


def test_a_machine_outside_every_line_is_rejected() -> None:
    more = GOOD + '\n[machine."a/b/c/m-9"]\nmodel = "washer"\ncell = "cmm"\n'
    with pytest.raises(PlanError, match="stands in no line"):
        plan.read(tomllib.loads(more))


def test_every_mistake_is_reported_and_none_that_only_follows_from_another() -> None:
    wrong = GOOD.replace('cell = "cmm"', 'cel = "cmm"', 1).replace("wait = 0.1", "wait = 2").replace("[4]", "[4, 4]")
    with pytest.raises(PlanError) as caught:
        plan.read(tomllib.loads(wrong))
    assert {(fault.path[-1], fault.problem) for fault in caught.value.faults} == {
        ("cel", "this key is not known here"),
        ("a/b/c/m-1", "cell is missing"),
        ("wait", "2 is not possible"),
        ("buffers", "2 buffers for 2 stages"),
    }


@pytest.mark.parametrize("key", ["line", "machine", "shared", "flow"])
@pytest.mark.parametrize("value", [5, {"a/b/c": 5}])
def test_what_is_no_table_is_a_mistake(key: str, value: object) -> None:
    with pytest.raises(PlanError, match="5 is not a table"):
        plan.read({key: value})
