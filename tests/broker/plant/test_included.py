"""A plant in several files: one text, and mistakes in the file that they are in."""

from pathlib import Path

import pytest

from broker.plant.plant_file import PlantError, load, parse

MAIN = """\
name = "Works"
include = [
  "mills.toml",
  "robots.toml",
]

[asset."a"]
title = "A"
"""
MILLS = '[asset."a/b/c/mill-1"]\ntitle = "Mill"\n'
ROBOTS = '# Robots\n\n[asset."a/b/c/robot-1"]\ntitle = "Robot"\n\n[reason]\ntorch = { loss = "breakdown" }\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "mills.toml").write_text(MILLS)
    (tmp_path / "robots.toml").write_text(ROBOTS)
    main = tmp_path / "works.toml"
    main.write_text(MAIN)
    return main


def test_included_files_are_read_as_if_they_stood_at_the_end(file: Path) -> None:
    plant = load(file)
    assert list(plant.assets) == ["a", "a/b/c/mill-1", "a/b/c/robot-1"]
    assert list(plant.reasons) == ["torch"]


def test_the_text_of_the_whole_is_a_plant_file_by_itself(file: Path) -> None:
    plant = load(file)
    assert parse(plant.text, "whole").assets == plant.assets
    file.write_text(plant.text)
    assert load(file) == plant


def test_some_of_the_included_files_can_be_taken(file: Path) -> None:
    assert list(load(file, {"robots.toml"}).assets) == ["a", "a/b/c/robot-1"]
    assert list(load(file, ()).assets) == ["a"]


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "named"),
    [
        ("works.toml", "title", "titel", "works.toml:8: ", "titel"),
        ("mills.toml", "title", "titel", "mills.toml:2: ", "titel"),
        ("robots.toml", "title", "titel", "robots.toml:4: ", "titel"),
        ("robots.toml", "breakdown", "broken", "robots.toml:7: ", "broken"),
        ("robots.toml", "[reason]", "[reason", "robots.toml:6: ", "this is not TOML"),
        ("robots.toml", "# Robots", 'name = "R"', "robots.toml:1: ", "stands outside of every table"),
        ("robots.toml", "robot-1", "mill-1", "robots.toml:3: ", "this is not TOML"),
        ("works.toml", '"mills.toml"', '"mill.toml"', "works.toml:2: ", "there is no file"),
        ("works.toml", '"mills.toml"', "7", "works.toml:2: ", "is not a text"),
    ],
)
def test_a_mistake_is_reported_in_its_file_and_line(
    file: Path, name: str, old: str, new: str, place: str, named: str
) -> None:
    wrong = file.parent / name
    wrong.write_text(wrong.read_text().replace(old, new, 1))
    with pytest.raises(PlantError) as caught:
        load(file)
    first = str(caught.value.mistakes[0])
    assert f"/{place}" in first
    assert named in first
