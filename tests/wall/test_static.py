"""The files of the wall: vendored ones untouched, all small, nothing from elsewhere or inline, colours legible."""

import gzip
import hashlib
import json
import posixpath
import re
import tomllib
from itertools import product
from pathlib import Path

import httpx
import pytest

from broker.contract.events import STATES
from services.ledger.indicators import contradictions
from services.wall import palette
from services.wall.addresses import Parts
from services.wall.application import application
from services.wall.pages import FOLDER

VENDORED = sorted((FOLDER / "vendor").iterdir())
OWN = [path for path in sorted(FOLDER.rglob("*")) if path.is_file() and "vendor" not in path.parts]
MOST_BYTES = 120_000


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.name)
def test_a_vendored_library_is_as_it_was_published(folder: Path) -> None:
    note = tomllib.loads((folder / "vendor.toml").read_text())
    assert folder.name == f"{note['name']}-{note['version']}"
    files = {path.name for path in folder.iterdir()} - {"vendor.toml"}
    assert files == set(note["sha256"])
    assert any(name.startswith("LICENSE") for name in files)
    for name in files:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == note["sha256"][name], name


def test_all_that_a_browser_loads_is_small() -> None:
    loaded = [path for path in FOLDER.rglob("*") if path.suffix in {".html", ".js", ".css", ".svg"}]
    size = sum(len(gzip.compress(path.read_bytes(), 9)) for path in loaded)
    size += len(gzip.compress(palette.style_sheet().encode(), 9)) + len(gzip.compress(palette.script().encode(), 9))
    assert size < MOST_BYTES


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    found = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
    assert not found


def test_the_page_has_no_script_and_no_style_of_its_own() -> None:
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    for path in OWN:
        if path.suffix == ".js":
            assert "innerHTML" not in path.read_text(), path.name


def test_the_page_names_every_module_that_the_overview_needs() -> None:
    page = (FOLDER / "index.html").read_text()
    named = set(re.findall(r'/static/([\w/.-]+\.js)"', page))
    needed, waiting = set(), ["app.js"]
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        if (FOLDER / name).exists():
            text = (FOLDER / name).read_text()
            waiting += [
                posixpath.normpath(posixpath.join(posixpath.dirname(name), found))
                for found in re.findall(r"^(?:import|export)[^;]*?from '([^']+)';", text, re.MULTILINE)
            ]
    assert named == needed


def test_every_text_that_is_shown_is_in_the_table() -> None:
    table = set(re.findall(r"'([\w.-]+)': (?:'|\")", (FOLDER / "words.js").read_text()))
    reported_state = {
        (path.name, key)
        for path in OWN
        if path.suffix == ".js" and path.name != "words.js"
        for key in re.findall(r"\bphrase\('([\w.-]+)'", path.read_text())
    }
    assert not {(name, key) for name, key in reported_state if key not in table}
    assert {f"state.{state}" for state in STATES} <= table


SCRIPTS = [path for path in OWN if path.suffix == ".js"]
NO_WORDS = {"OEE", "MQTT", "CSV", "Corridor"}
"""What is the same in every language."""


def test_no_key_stands_in_the_table_twice() -> None:
    keys = re.findall(r"'([\w.-]+)': (?:'|\")", (FOLDER / "words.js").read_text())
    assert sorted(keys) == sorted(set(keys))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_visible_text_stands_outside_the_table(path: Path) -> None:
    found = [text for template in templates(path.read_text()) for text in visible(template)]
    assert [text for text in found if set(re.findall(r"[A-Za-z]{3,}", text)) - NO_WORDS] == []


def test_a_visible_text_is_found_wherever_it_stands() -> None:
    script = (
        "html`<p title=${a ? `${b} x` : 'c'} aria-label=\"of it\">${d ? html`<b>deep</b>` : ''} and &amp; "
        "<i>more</i></p>`"
    )
    found = {text.strip() for template in templates(script) for text in visible(template)}
    assert found == {"deep", "and &amp;", "more", "of it"}


def templates(script: str) -> list[str]:
    """Return the html templates of a script, with what is computed in them left out; inner ones by themselves."""
    found: list[str] = []
    for start in [match.end() for match in re.finditer(r"\bhtml`", script)]:
        text, place = "", start
        while script[place] != "`":
            if script.startswith("${", place):
                place = after_braces(script, place + 2)
                text += "\x00"
            else:
                text += script[place]
                place += 1
        found.append(text)
    return found


def after_braces(script: str, place: int) -> int:
    """Return the place after the brace that closes an expression, whatever strings and templates are in it."""
    while script[place] != "}":
        if script[place] in "'\"":
            place = script.index(script[place], place + 1)
        elif script[place] == "`":
            place += 1
            while script[place] != "`":
                place = after_braces(script, place + 2) if script.startswith("${", place) else place + 1
        elif script[place] == "{":
            place = after_braces(script, place + 1) - 1
        place += 1
    return place + 1


def visible(template: str) -> list[str]:
    """Return the texts of a template that people see or have read to them: between the tags, and of some attributes."""
    texts = re.findall(r"""\b(?:title|alt|placeholder|aria-label)=["']([^"'\x00]+)["']""", template)
    between = re.sub(r"<[^>]*>", "\x00", template)
    return [*texts, *(text for text in between.split("\x00") if text.strip())]


def test_every_state_has_a_category() -> None:
    assert set(palette.CATEGORY) == set(STATES)
    assert json.loads(palette.script().removeprefix("export const CATEGORY = ").rstrip(";\n")) == palette.CATEGORY


TEXTS = ("ink", "dim", "down-text", "wait-text", "act-text", "attention-text")


@pytest.mark.parametrize(("theme", "scheme"), [*product(palette.THEMES, ("light", "dark"))])
def test_texts_stand_out_from_what_they_stand_on(theme: str, scheme: palette.Scheme) -> None:
    tokens = palette.THEMES[theme][scheme]
    for text, ground in product(TEXTS, ("ground", "card")):
        assert contrast(tokens[text], tokens[ground]) >= 4.5, (text, ground)
    # What must be seen without reading stands out from the card, and down from running.
    for area in ("down", "act", "wait", "productive"):
        assert contrast(tokens[area], tokens["card"]) >= 2.5, area


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_reason_why_something_cannot_be_has_a_line_of_its_own() -> None:
    """The codes are those that `implausible` gives: of the contradictions."""
    source = (Path(contradictions.__file__)).read_text(encoding="utf-8")
    codes = set(re.findall(r'found\(\s*"([\w-]+)"', source)) - {"piece-begun-before"}
    assert "effectiveness-above-one" in codes
    table = set(re.findall(r"'cannot\.([\w.-]+)': '", (FOLDER / "words.js").read_text()))
    assert table - {"be"} == codes


async def test_an_address_that_is_not_there_shows_people_the_page_and_programs_a_problem(parts: Parts) -> None:
    transport = httpx.ASGITransport(app=application(parts, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        page = await client.get("/nowhere", headers={"accept": "text/html,*/*", "accept-encoding": "gzip"})
        assert page.status_code == 404
        assert '<script type="module" src="/static/app.js">' in page.text
        for path, accept in (("/nowhere", "*/*"), ("/api/v1/nowhere", "text/html")):
            answer = await client.get(path, headers={"accept": accept})
            assert answer.status_code == 404
            assert answer.headers["content-type"].startswith("application/problem+json")
