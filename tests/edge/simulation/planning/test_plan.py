import tomllib

import pytest

from edge.simulation import districts
from edge.simulation.planning import plan

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
        ('["m-3"]]', '["m-4"]]', "m-4, which is not described; add"),
        ('["m-3"]]', "[]]", "a stage is empty"),
        ('["m-3"]]', '["m-1"]]', "m-1 twice"),
        ("buffers = [4]", "buffers = []", "0 buffers for 2 stages"),
        ("buffers = [4]", "buffers = [0]", "less than one piece"),
        ("pieces = 5", "pieces = 0", "give at least 1"),
        ('[{ product = "x", pieces = 5 }]', "[]", "there are no orders"),
        ('product = "x"', 'product = ""', "1 to 64 characters"),
        ('[line."a/b/c"]', '[line."a/c"]', "write <site>/<area>/<line>"),
        ('cell = "cmm"', 'cell = "cnn"', "unknown cell 'cnn'; use one of"),
        ('model = "washer"', 'model = "dryer"', "unknown model 'dryer'; use one of"),
        ("wait = 0.1", "weight = 0.1", "use names of a cell"),
        ("wait = 0.1", "wait = 1.5", "it goes from 0.0 to 0.95"),
        ("wait = 0.1", 'wait = "a"', 'simulate.machine."a/b/c/m-2": losses'),
        ("[4]", '["4"]', 'simulate.line."a/b/c".buffers'),
        ('[line."a/b/c"]', 'profil = "plain"\n[line."a/b/c"]', "simulate.profil: "),
        ('[machine."a/b/c/m-3"]', '[machine."a/b/d/m-3"]', "m-3"),
    ],
)
def test_a_mistake_is_reported_with_its_place_and_a_hint(old: str, new: str, named: str) -> None:
    assert old in GOOD
    with pytest.raises(plan.PlanError, match=r"plant\.toml: simulate") as caught:
        plan.read(tomllib.loads(GOOD.replace(old, new)), "plant.toml")
    assert named in str(caught.value)


def test_a_machine_outside_every_line_is_rejected() -> None:
    more = GOOD + '\n[machine."a/b/c/m-9"]\nmodel = "washer"\ncell = "cmm"\n'
    with pytest.raises(plan.PlanError, match="stands in no line"):
        plan.read(tomllib.loads(more))
