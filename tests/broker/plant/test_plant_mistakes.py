"""Mistakes in a plant file: each is reported with file, line, key and hint, and the reference's samples have none."""

import contextlib
import re
from pathlib import Path

import pytest

from broker.plant.plant_file import PlantError, load, parse

DOCS = Path(__file__).parents[3] / "docs" / "reference"
LINE = "sheffield/machining/line-1"
CALENDAR = '[calendar.c]\nshifts = [{ name = "day", start = "06:00", end = "14:00" }]\n'


def mistakes(text: str) -> list[str]:
    with pytest.raises(PlantError) as caught:
        parse(text, "plant.toml")
    lines = [str(mistake) for mistake in caught.value.mistakes]
    assert str(caught.value) == "\n".join(lines)
    assert all(mistake.problem and mistake.hint for mistake in caught.value.mistakes)
    return lines


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        # the file itself
        ("name = \n", "1", "not TOML"),
        ("\n\n[asset.sheffield/machining]\n", "3", 'in quotation marks, [asset."sheffield/machining"]'),
        ("[asset.a]\n[asset.a]\n", "2", "asset.a has a table already; leave one of the two out"),
        ('[asset.a]\ntitle = "A"\ntitle = "B"\n', "3", "stands here for the second time; leave one of the two out"),
        ("[calendar.c]\nshifts = [\nholidays = 1\n", "3", "the end of the one before"),
        ('nmae = "Corridor"\n', "1: nmae", "did you mean name?"),
        ('[assets.a]\ntitle = "A"\n', "1: assets", "did you mean asset?"),
        ("asset = 5\n", "1: asset", "is not a table"),
        ("simulate = 5\n", "1: simulate", "is not a table"),
        ('microstop-limit = "5 minutes"\n', "1: microstop-limit", "5min"),
        ("microstop-limit = 0\n", "1: microstop-limit", "above zero"),
        ("microstop-limit = nan\n", "1: microstop-limit", "above zero"),
        # assets
        ('[asset."a/B"]\n', '1: asset."a/B"', "area 'B' is not a name"),
        ('[asset."a/b/c/d/e"]\n', '1: asset."a/b/c/d/e"', "has 5 levels"),
        ('[asset.a]\ntitel = "A"\n', "2: asset.a.titel", "did you mean title?"),
        ('[asset.a]\n\ncalendar = "dbl"\n', "3: asset.a.calendar", "there is none yet"),
        (CALENDAR + '[asset.a]\ncalendar = "d"\n', "4: asset.a.calendar", "the calendars are c"),
        ('[asset.a]\ntime-zone = "Europe/Londn"\n', "2: asset.a.time-zone", "did you mean Europe/London"),
        ('[asset.a]\ntime-zone = "nowhere at all"\n', "2: asset.a.time-zone", "IANA"),
        ('[asset.a]\ntime-zone = "/etc/passwd"\n', "2: asset.a.time-zone", "there is no time zone"),
        ("[asset.a]\ntargets = { oee = 72 }\n", "2: asset.a.targets.oee", "0.72 for 72 %"),
        ("[asset.a]\ntargets = { quality_ratio = 97 }\n", "2: asset.a.targets.quality_ratio", "0.72 for 72 %"),
        ('[asset.a]\ntargets = { oee = "high" }\n', "2: asset.a.targets.oee", "is not a number"),
        ("[asset.a.targets]\noee = true\n", "2: asset.a.targets.oee", "true is not a number"),
        ("[asset.a]\ntitle = 5\n", "2: asset.a.title", "is not a text"),
        ("[asset.a]\nsector = [1]\n", "2: asset.a.sector", "array of texts"),
        ("[asset.a]\nideal-cycle = -1\n", "2: asset.a.ideal-cycle", "above zero"),
        ("[asset.a]\nload-size = 0.5\n", "2: asset.a.load-size", "0.5 is not at least 1"),
        ("[asset.a]\nmax-power = 0\n", "2: asset.a.max-power", "0 is not above zero"),
        ('[asset.a]\ncounter-max = "9999"\n', "2: asset.a.counter-max", "is not a number"),
        ("[asset.a]\nsignals.t = { hihg = 5 }\n", "2: asset.a.signals.t.hihg", "did you mean high"),
        (
            "[asset.a]\nsignals.t = { low = 5, high = 4 }\n",
            "2: asset.a.signals.t",
            "alarm-low ≤ low ≤ high ≤ alarm-high",
        ),
        ('[asset.a]\nsignals.t = { type = "string" }\n', "2: asset.a.signals.t.type", "number, text"),
        ('[asset.a]\nsignals.t = { type = "text", low = 5 }\n', "2: asset.a.signals.t.type", "leave them out"),
        ("[asset.a]\nsignals.Temp = { low = 5 }\n", "2: asset.a.signals.Temp", "is not a name"),
        # products and reasons
        ('[product.p]\nideal-cycle = { "a/B" = 5 }\n', '2: product.p.ideal-cycle."a/B"', "is not a name"),
        ('[product.p]\nideal-cycle = "fast"\n', "2: product.p.ideal-cycle", "above zero"),
        ('[reason.r]\nloss = "breakdwon"\n', "2: reason.r.loss", "did you mean breakdown?"),
        ('[reason.Overheat]\ntitle = "x"\n', "1: reason.Overheat", "is not a name"),
    ],
)
def test_a_mistake_is_reported_with_file_line_key_and_hint(text: str, place: str, words: str) -> None:
    (line,) = mistakes(text)
    assert line.startswith(f"plant.toml:{place}: ")
    assert words in line


@pytest.mark.parametrize("table", ["asset", "simulate.line"])
@pytest.mark.parametrize(
    "stages",
    ["3", '"mill-1"', "[3]", '["mill-1"]', "[[]]", "[[3]]", "{ a = 1 }", '[["a", "a"]]', '[["a"], ["a"]]', '[["A B"]]'],
)
def test_stages_that_are_none_are_found_where_they_are_declared(table: str, stages: str) -> None:
    (mistake,) = mistakes(f'[{table}."{LINE}"]\nstages = {stages}\n')
    assert mistake.startswith(f'plant.toml:2: {table}."{LINE}".stages')


@pytest.mark.parametrize("line", ["3", "[]", '{ "a/b/c" = 3 }', '{ "a/b/c" = { stages = [["m"]], buffers = ["x"] } }'])
def test_a_simulated_line_that_is_none_is_a_mistake(line: str) -> None:
    assert mistakes(f"[simulate]\nline = {line}\n")


def shift(rest: str) -> str:
    return f'[calendar.c]\nshifts = [\n  {{ name = "day", start = "06:00", end = "14:00" }},\n  {{ {rest} }},\n]\n'


def special(key: str, rest: str) -> str:
    return f"{CALENDAR}{key} = [{{ {rest} }}]\n"


def rotation(rest: str) -> str:
    return f"{CALENDAR}[calendar.c.rotation]\n{rest}\n"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (shift('start = "15:00", end = "16:00"'), "4: calendar.c.shifts[2]", "a shift needs a name"),
        (shift('name = "Late", start = "15:00", end = "16:00"'), "4: calendar.c.shifts[2].name", "is not a name"),
        (shift('name = "late one", start = "15:00", end = "16:00"'), "4: calendar.c.shifts[2].name", "is not a name"),
        (shift('name = "-", start = "15:00", end = "16:00"'), "4: calendar.c.shifts[2].name", "is not a name"),
        (shift('name = "late", start = "15:00"'), "4: calendar.c.shifts[2]", "needs start and end"),
        (shift('name = "late", start = "15:00", end = "25:00"'), "4: calendar.c.shifts[2].end", '"00:00" to "24:00"'),
        (shift('name = "late", start = "15.00", end = "16:00"'), "4: calendar.c.shifts[2].start", "not a time of day"),
        (shift('name = "late", start = "24:00", end = "16:00"'), "4: calendar.c.shifts[2].start", '"00:00"'),
        (
            shift('name = "late", start = "15:00", end = "16:00", days = "mon-fir"'),
            "4: calendar.c.shifts[2].days",
            "'mon-fir' is not a weekday",
        ),
        (
            shift('name = "late", start = "15:00", end = "19:00", breaks = [{ start = "18:00", end = "19:30" }]'),
            "4: calendar.c.shifts[2].breaks[1]",
            "the shift is from 15:00 to 19:00",
        ),
        (
            shift('name = "late", start = "13:00", end = "16:00"'),
            "2: calendar.c.shifts",
            "day of Monday runs until 14:00, but late starts at 13:00",
        ),
        (
            shift('name = "night", days = "sun", start = "22:00", end = "07:00"'),
            "2: calendar.c.shifts",
            "night of Sunday runs until 07:00, but day of the next day starts at 06:00",
        ),
        (f'{CALENDAR}holidays = "GB-ENK"\n', "3: calendar.c.holidays", "did you mean ENG?"),
        (f'{CALENDAR}holidays = "England"\n', "3: calendar.c.holidays", "GB-ENG"),
        (f'{CALENDAR}holidays = "CN-GD"\n', "3: calendar.c.holidays", "write CN alone"),
        (f'{CALENDAR}holiday = "GB"\n', "3: calendar.c.holiday", "did you mean holidays?"),
        ("[calendar.c]\nshifts = 5\n", "2: calendar.c.shifts", "is not an array"),
        ("[calendar.c]\nshifts = [5]\n", "2: calendar.c.shifts[1]", "is not a table"),
        ("[calendar.Double]\n", "1: calendar.Double", "is not a name"),
        (special("maintenance", ""), "3: calendar.c.maintenance[1]", "needs its days or date"),
        (special("maintenance", 'days = "wed"'), "3: calendar.c.maintenance[1]", "needs start and end"),
        (
            special("maintenance", 'days = "wed", weeks = 6, start = "06:00", end = "07:00"'),
            "3: calendar.c.maintenance[1].weeks",
            "use -1, 1, 2, 3, 4, 5",
        ),
        (
            special("maintenance", 'weeks = 1, date = 2026-08-03, start = "06:00", end = "07:00"'),
            "3: calendar.c.maintenance[1].weeks",
            "need a weekday",
        ),
        (special("exceptions", "date = 2026-12-24"), "3: calendar.c.exceptions[1]", "either closed or has shifts"),
        (special("exceptions", "closed = true"), "3: calendar.c.exceptions[1]", "needs its day or days"),
        (special("exceptions", "from = 2026-12-24, closed = true"), "3: calendar.c.exceptions[1]", "from and to"),
        (
            special("exceptions", "from = 2026-12-24, to = 2026-12-20, closed = true"),
            "3: calendar.c.exceptions[1].to",
            "2026-12-20 is before 2026-12-24",
        ),
        (
            special("exceptions", 'date = "24.12.2026", closed = true'),
            "3: calendar.c.exceptions[1].date",
            "as in 2026-12-24",
        ),
        (
            special("exceptions", 'date = 2026-12-24, closed = "yes"'),
            "3: calendar.c.exceptions[1].closed",
            "true or false",
        ),
        (
            special("exceptions", 'date = 2026-12-24, shifts = ["dya"]'),
            "3: calendar.c.exceptions[1].shifts[1]",
            "did you mean day?",
        ),
        (
            special(
                "exceptions",
                'date = 2026-12-24, shifts = ["day", { name = "b", start = "12:00", end = "15:00" }]',
            ),
            "2: calendar.c.shifts",
            "day of 2026-12-24 runs until 14:00, but b starts at 12:00",
        ),
        (rotation('cycle = ["2 day", "2 off"]'), "3: calendar.c.rotation", "anchor = 2026-01-05"),
        (rotation("anchor = 2026-01-05"), "3: calendar.c.rotation", 'cycle = ["4 day", "4 off"]'),
        (
            rotation('anchor = 2026-01-05\ncycle = ["2 dya", "2 off"]'),
            "5: calendar.c.rotation.cycle[1]",
            "did you mean day",
        ),
        (rotation('anchor = 2026-01-05\ncycle = ["two day"]'), "5: calendar.c.rotation.cycle[1]", '"4 day"'),
        (rotation('anchor = 2026-01-05\ncycle = ["999 day"]'), "5: calendar.c.rotation.cycle[1]", "over a year"),
        (
            rotation('anchor = 2026-01-05\ncycle = ["2 day", "2 off"]\ncrews = { a = 0.5 }'),
            "6: calendar.c.rotation.crews.a",
            "whole number",
        ),
    ],
)
def test_a_mistake_in_a_calendar(text: str, place: str, words: str) -> None:
    (line,) = mistakes(text)
    assert line.startswith(f"plant.toml:{place}: ")
    assert words in line


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    found = mistakes(
        'microstop-limit = "long"\n[asset.a]\ntitel = "x"\n[reason.r]\nloss = "x"\n[asset.b]\ntargets = { oee = 5 }\n'
    )
    assert [line.split(":")[1] for line in found] == ["1", "3", "5", "7"]


ARRAY_OF_TABLES = """[[calendar.c.shifts]]
name = "a"
start = "06:00"
end = "14:00"
[[calendar.c.shifts]]
name = "b"
end = "1"
start = "15:00"
"""
DOTTED_KEYS_AND_COMMENTS = """[calendar]
c.shifts = [ # one ] two
  { name = "a", start = "06:00", end = "14:00" }, # {
# {}, []


  { name = "b", end = "1", start = "15:00" } ]
"""
QUOTED_KEYS = """


["calendar"."c"]
shifts = [
  { name = "a", start = "06:00", end = "14:00" },
  { "name" = "b", "end" = "1", start = "15:00" }]
"""


@pytest.mark.parametrize("text", [ARRAY_OF_TABLES, DOTTED_KEYS_AND_COMMENTS, QUOTED_KEYS])
def test_the_line_is_found_however_the_table_is_written(text: str) -> None:
    (line,) = mistakes(text)
    assert line.startswith("plant.toml:7: calendar.c.shifts[2].end: ")


def samples() -> list[str]:
    pages = [(DOCS / name).read_text(encoding="utf-8") for name in ("plant-file.md", "shift-calendar.md")]
    return [block for page in pages for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]


ODD = [
    "5",
    "-1",
    "1e400",
    "nan",
    "true",
    '""',
    '"-"',
    "[]",
    "[5]",
    "[[5]]",
    "[{}]",
    "{}",
    "{ a = 5 }",
    "2026-01-01",
    "06:00:00",
    "2026-01-01T00:00:00Z",
    "06:00:00.5",
    '["a", "b"]',
    '"mon-tue-wed"',
    '"0 a"',
    '"a+"',
    "9" * 30,
    '"9999-12-31"',
]


@pytest.mark.parametrize("odd", ODD)
def test_no_value_of_any_key_makes_anything_but_a_plant_or_a_plant_error(odd: str) -> None:
    value = re.compile(r'(?<= = )("[^"]*"|[\w.:-]+|\[(?:[^\[\]]|\[[^\]]*\])*\]|\{[^}]*\})')
    for sample in samples():
        for found in value.finditer(sample):
            with contextlib.suppress(PlantError):
                parse(sample[: found.start()] + odd + sample[found.end() :], "odd.toml")


@pytest.mark.parametrize("sample", samples())
def test_the_samples_of_the_reference_are_good(sample: str, tmp_path: Path) -> None:
    for included in re.findall(r'"(\w+\.toml)"', sample):
        (tmp_path / included).write_text("", encoding="utf-8")
    file = tmp_path / "sample.toml"
    file.write_text(sample, encoding="utf-8")
    empty = tmp_path / "empty.toml"
    empty.write_text("", encoding="utf-8")
    assert load(file) != load(empty)
