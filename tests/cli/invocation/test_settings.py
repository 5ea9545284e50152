"""Options from the command line, the environment, files and `corridor.toml`, and which of them wins."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pytest
import typer

from cli import main
from cli.invocation import options, settings
from cli.invocation.errors import CommandError

Corridor = Callable[..., tuple[int, str, str]]


def show(
    *,
    port: int = 1,
    fast: bool = False,
    mqtt_password: str = "none",
    speed: Annotated[float, typer.Option("--speed", "-s", min=0.1)] = 1.0,
    sites: Annotated[list[str] | None, typer.Option("--site")] = None,
    data: options.Data,
) -> None:
    """Print what arrived."""
    typer.echo(json.dumps([port, fast, mqtt_password, speed, sites or [], data.name]))


ENTRIES = (
    main.Entry("show", "Test", f"{__name__}:show", "One word."),
    main.Entry("floor show", "Test", f"{__name__}:show", "Two words."),
)


@pytest.fixture
def shown(corridor: Corridor) -> Callable[..., list[object]]:
    """Return what runs `corridor ARGUMENTS…` and returns the values that the command got."""

    def run(*arguments: str) -> list[object]:
        status, output, messages = corridor(*arguments, entries=ENTRIES)
        assert status == 0, messages
        values: list[object] = json.loads(output)
        return values

    return run


Shown = Callable[..., list[object]]


def test_the_nearer_source_wins(shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown("show")[0] == 1
    (tmp_path / "corridor.toml").write_text("port = 2\n")
    assert shown("show")[0] == 2
    (tmp_path / "corridor.toml").write_text("port = 2\n[show]\nport = 3\n")
    assert shown("show")[0] == 3
    (tmp_path / "port").write_text(" 4\n")
    monkeypatch.setenv("CORRIDOR_PORT_FILE", str(tmp_path / "port"))
    assert shown("show")[0] == 4
    monkeypatch.setenv("CORRIDOR_PORT", "5")
    assert shown("show")[0] == 5
    assert shown("show", "--port", "6")[0] == 6


def test_a_command_of_two_words_has_a_table_of_two_words(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "corridor.toml").write_text("[show]\nport = 2\n[floor.show]\nport = 3\nspeed = 4\n")
    assert shown("floor", "show")[:4] == [3, False, "none", 4.0]
    assert shown("show")[0] == 2


def test_flags_lists_and_names_with_dashes_can_be_set_everywhere(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corridor.toml").write_text('fast = true\nmqtt_password = "a"\nsite = ["lancaster", "preston"]\n')
    assert shown("show")[1:5] == [True, "a", 1.0, ["lancaster", "preston"]]
    (tmp_path / "corridor.toml").write_text('mqtt-password = "b"\n')
    assert shown("show")[2] == "b"
    monkeypatch.setenv("CORRIDOR_FAST", "1")
    monkeypatch.setenv("CORRIDOR_MQTT_PASSWORD", "c")
    monkeypatch.setenv("CORRIDOR_SITE", "sheffield samlesbury")
    assert shown("show")[1:5] == [True, "c", 1.0, ["sheffield", "samlesbury"]]
    assert shown("show", "--no-fast", "-s", "2")[1:4] == [False, "c", 2.0]


@pytest.mark.parametrize("spelling", [["--data", "{}"], ["--data={}"]])
def test_the_data_folder_of_the_command_line_is_the_one_whose_file_is_read(
    shown: Shown, tmp_path: Path, spelling: list[str]
) -> None:
    (tmp_path / "corridor.toml").write_text("port = 2\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "corridor.toml").write_text("port = 3\n")
    values = shown("show", *[part.format(elsewhere) for part in spelling])
    assert (values[0], values[-1]) == (3, "elsewhere")


def test_what_other_commands_use_may_stand_at_the_top_of_the_file(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "corridor.toml").write_text('broker = "mqtt://plant:1883"\n[demo]\nspeed = 60\n')
    assert shown("show")[3] == 1.0


@pytest.mark.parametrize(
    ("text", "reported_state"),
    [
        (
            "[show]\nprot = 2\n",
            "sets prot in [show], which has no such option; its options are data, fast, mqtt-password",
        ),
        ("port = = 2\n", "is not TOML: "),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(
    corridor: Corridor, tmp_path: Path, text: str, reported_state: str
) -> None:
    (tmp_path / "corridor.toml").write_text(text)
    status, output, messages = corridor("show", entries=ENTRIES)
    assert (status, output, messages.count("\n")) == (1, "", 1)
    assert messages.startswith(f"corridor: {tmp_path / 'corridor.toml'} {reported_state}")


def test_a_wrong_value_is_reported_with_where_it_came_from(
    corridor: Corridor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corridor.toml").write_text('port = "many"\n')
    status, _, messages = corridor("show", entries=ENTRIES)
    assert status == 2
    assert f"(from {tmp_path / 'corridor.toml'})" in messages
    (tmp_path / "port").write_text("few")
    monkeypatch.setenv("CORRIDOR_PORT_FILE", str(tmp_path / "port"))
    assert "(from CORRIDOR_PORT_FILE)" in corridor("show", entries=ENTRIES)[2]
    monkeypatch.setenv("CORRIDOR_PORT", "some")
    status, _, messages = corridor("show", entries=ENTRIES)
    assert status == 2
    assert "CORRIDOR_PORT" in messages
    assert "(from " not in messages


def test_a_credential_file_that_cannot_be_read_is_named(
    corridor: Corridor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRIDOR_MQTT_PASSWORD_FILE", str(tmp_path / "absent"))
    status, _, messages = corridor("show", entries=ENTRIES)
    assert (status, messages.count("\n")) == (1, 1)
    assert f"CORRIDOR_MQTT_PASSWORD_FILE names {tmp_path / 'absent'}, which cannot be read" in messages
    assert corridor("show", "--mqtt-password", "x", entries=ENTRIES)[0] == 0  # not asked for, not read


def test_a_file_that_is_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "corridor.toml").mkdir()
    with pytest.raises(CommandError, match=r"cannot be read: Is a directory; make it readable"):
        settings.read(tmp_path / "corridor.toml", ["show"], known=["port"])
