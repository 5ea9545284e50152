"""The launcher, run for real in checkouts of its own that hold nothing but it, a lock file and a command that reports.

The packages that are locked are wheels made here, of one empty module each, found in a folder instead of an index.
An environment takes seconds to make, so most tests share one and bring it back to what it was.
"""

import ast
import base64
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).parents[2] / "corridor"
PYTHON = os.path.realpath(sys.executable)  # not the environment's link: a user starts with a Python of the system
REPORT = """
import sys
from importlib import metadata
print(sys.argv[1:], sys.prefix, sorted(found.name for found in metadata.distributions() if "tiny" in found.name))
"""


class Checkout:
    """A folder with the launcher in it, and what is needed to start it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = folder / ".venv"
        (folder / "cli").mkdir(parents=True)
        (folder / "cli" / "__main__.py").write_text(REPORT)
        (folder / "corridor").write_bytes(LAUNCHER.read_bytes())
        self.lock()

    def lock(self, *lines: str, name: str = "requirements.lock") -> None:
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))

    def start(
        self, *arguments: str, python: str = PYTHON, before: tuple[str, ...] = (), **variables: str
    ) -> subprocess.Popen[str]:
        """Start the launcher; pip sees this folder's wheels alone, unless set otherwise."""
        stored = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "XDG_"))}
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.folder.as_uri(), "PIP_CONFIG_FILE": os.devnull}
        return subprocess.Popen(
            [*before, python, str(self.folder / "corridor"), *arguments],
            env=stored | pip | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *arguments: str, python: str = PYTHON, before: tuple[str, ...] = (), **variables: str
    ) -> tuple[int, str, str]:
        """Run the launcher to its end; return its status, output and messages."""
        child = self.start(*arguments, python=python, before=before, **variables)
        output, messages = child.communicate()
        return child.returncode, output, messages

    def wheel(self, name: str, version: str) -> str:
        """Make a wheel in this folder; return the line that locks it."""
        file = self.folder / f"{name}-{version}-py3-none-any.whl"
        record = f"{name}-{version}.dist-info"
        content = {
            f"{name}.py": "",
            f"{record}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{record}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        lines = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in content.items()]
        with zipfile.ZipFile(file, "w") as archive:
            for path, text in content.items():
                archive.writestr(path, text)
            archive.writestr(f"{record}/RECORD", "\n".join([*lines, f"{record}/RECORD,,", ""]))
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


pytestmark = pytest.mark.xdist_group("launcher")


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, tuple[int, str, str]]:
    """A checkout whose environment has just been made, and how that went."""
    checkout = Checkout(tmp_path_factory.mktemp("launcher") / "a folder with spaces")
    checkout.lock(checkout.wheel("tiny", "1"))
    return checkout, checkout.run("show", "this and that")


@pytest.fixture
def made(first_start: tuple[Checkout, tuple[int, str, str]]) -> Iterator[Checkout]:
    """A checkout with an environment that holds what its lock file asks for, before a test and after it."""
    checkout, _ = first_start
    locked = (checkout.folder / "requirements.lock").read_text()
    yield checkout
    (checkout.folder / "requirements.lock").write_text(locked)
    assert checkout.run()[0] == 0


@pytest.mark.slow
def test_first_start_makes_the_environment_and_runs_the_command(
    first_start: tuple[Checkout, tuple[int, str, str]],
) -> None:
    checkout, (status, output, messages) = first_start
    assert status == 0
    assert output == f"['show', 'this and that'] {checkout.environment} ['tiny']\n"
    assert re.fullmatch(
        r"corridor: making an environment in .*, this once\n"
        r"(?: +\d+ s +\n)*"  # what takes long shows how long it takes
        r"corridor: installing packages from requirements.lock\n"
        r"(?: +\d+ s  (?:\d of 1 packages|unpacking)\n)*"
        r"corridor: ready after \d+ s\n",
        messages,
    )


@pytest.mark.slow
def test_later_starts_say_nothing_and_change_nothing(made: Checkout) -> None:
    before = {file: file.stat().st_mtime_ns for file in made.environment.glob("corridor*")}
    assert made.run("a") == (0, f"['a'] {made.environment} ['tiny']\n", "")
    assert {file: file.stat().st_mtime_ns for file in made.environment.glob("corridor*")} == before


@pytest.mark.slow
def test_the_command_sees_the_checkout_and_not_what_the_users_python_is_set_to(made: Checkout, tmp_path: Path) -> None:
    (tmp_path / "cli.py").write_text("raise SystemExit('the wrong one')")
    assert made.run(PYTHONPATH=str(tmp_path), PYTHONHOME=sys.base_prefix)[0] == 0


@pytest.mark.slow
def test_a_changed_lock_is_installed_into_the_same_environment(made: Checkout) -> None:
    made.lock(made.wheel("tiny", "2"), made.wheel("tiny_too", "1"))
    status, output, messages = made.run()
    assert status == 0
    assert "'tiny', 'tiny_too'" in output.replace("tiny-too", "tiny_too")
    assert "making an environment" not in messages
    assert (made.environment / "lib" / f"python3.{sys.version_info[1]}" / "site-packages" / "tiny_too.py").exists()


@pytest.mark.slow
def test_commands_that_need_more_add_it_once(made: Checkout) -> None:
    locked = (made.folder / "requirements.lock").read_text().strip()
    made.lock(locked, made.wheel("tiny_test", "1"), name="requirements-test.lock")
    status, _, messages = made.run("test")
    assert (status, "installing packages from requirements-test.lock" in messages) == (0, True)
    assert made.run("test")[2] == ""
    assert made.run("demo")[2] == ""  # what the tests need is more, and does not hurt


@pytest.mark.slow
def test_a_download_with_another_hash_is_rejected_and_the_environment_stays_as_it_was(made: Checkout) -> None:
    locked = (made.folder / "requirements.lock").read_text()
    made.lock(re.sub(r"sha256:\w+", f"sha256:{0:064}", made.wheel("tiny_forged", "1")))
    status, output, messages = made.run()
    assert (status, output) == (1, "")
    assert "corridor: a download is not what the lock file expects; start again; if it stays so" in messages
    made.lock(locked.strip())
    assert made.run()[2] == ""


@pytest.mark.slow
def test_without_network_it_says_so_in_one_line(made: Checkout) -> None:
    with socket.socket() as closed:  # bound, but not listening: nobody else takes the port, and it rejects
        closed.bind(("127.0.0.1", 0))
        made.lock(f"absent==1 --hash=sha256:{0:064}")
        index = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        status, _, messages = made.run(PIP_INDEX_URL=index, PIP_NO_INDEX="0")
    assert status == 1
    assert "Traceback" not in messages
    assert messages.splitlines()[-1].startswith("corridor: the package index cannot be reached; check network, proxy")


@pytest.mark.slow
def test_a_lock_file_that_is_missing_is_named(made: Checkout) -> None:
    (made.folder / "requirements.lock").rename(made.folder / "elsewhere")
    try:
        status, _, messages = made.run()
        assert (status, "requirements.lock is missing; `git checkout" in messages) == (1, True)
    finally:
        (made.folder / "elsewhere").rename(made.folder / "requirements.lock")


@pytest.mark.slow
def test_in_a_read_only_checkout_the_environment_is_in_the_cache_and_a_half_made_one_is_made_again(
    tmp_path: Path,
) -> None:
    checkout = Checkout(tmp_path / "checkout")
    key = hashlib.sha256(os.fsencode(checkout.folder)).hexdigest()[:12]
    environment = tmp_path / "cache" / "corridor" / key
    environment.mkdir(parents=True)
    (environment / "corridor.unfinished").touch()
    (environment / "left by the last try").mkdir()
    # Root may write anywhere, unless it gives that right up.
    humbly = () if os.geteuid() else ("setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override")
    checkout.folder.chmod(0o555)
    try:
        status, output, messages = checkout.run(before=humbly, XDG_CACHE_HOME=str(tmp_path / "cache"))
        assert (status, output) == (0, f"[] {environment} []\n"), messages
        assert not (environment / "left by the last try").exists()
        assert checkout.run(before=humbly, XDG_CACHE_HOME=str(tmp_path / "cache"))[2] == ""
        status, _, messages = checkout.run(before=humbly, XDG_CACHE_HOME=str(checkout.folder / "no"))
        assert (status, "can be written to; set XDG_CACHE_HOME to one that can" in messages) == (1, True)
    finally:
        checkout.folder.chmod(0o755)


@pytest.mark.slow
def test_two_starts_at_once_make_one_environment(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout")
    starts = [checkout.start("first"), checkout.start("second")]
    ends = [child.communicate() for child in starts]
    assert [child.returncode for child in starts] == [0, 0]
    assert [output for output, _ in ends] == [f"['{name}'] {checkout.environment} []\n" for name in ("first", "second")]
    assert "".join(messages for _, messages in ends).count("making an environment") == 1


@pytest.mark.slow
def test_an_interrupted_set_up_ends_at_once_and_the_next_start_takes_it_up(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout")
    child = checkout.start()
    assert child.stderr is not None
    assert "making an environment" in child.stderr.readline()
    child.send_signal(signal.SIGTERM)
    assert "corridor: set-up was interrupted; start again to go on" in child.communicate()[1]
    assert child.returncode == 130
    assert checkout.run()[:2] == (0, f"[] {checkout.environment} []\n")


@pytest.mark.slow
def test_an_environment_that_was_moved_is_not_trusted(made: Checkout) -> None:
    stamp = made.environment / "corridor.stamp"
    stamp.write_text(stamp.read_text().replace(str(made.environment), "/where/it/was/.venv"))
    _, _, messages = made.run()
    assert "making an environment" in messages


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout")
    (checkout.environment / "precious").mkdir(parents=True)
    status, _, messages = checkout.run()
    assert status == 1
    assert "does not work, and was not made by this program; move it away and start again" in messages
    assert (checkout.environment / "precious").exists()


@pytest.mark.slow
@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_or_pip_says_what_to_install(tmp_path: Path, module: str) -> None:
    checkout = Checkout(tmp_path / "checkout")
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules[{module!r}] = None")  # as if not installed
    status, _, messages = checkout.run(PYTHONPATH=str(tmp_path))
    assert status == 1
    assert "apt install python3-venv" in messages
    assert messages.count("\n") == 1


# ---- Old Pythons ----


def _old_pythons() -> list[str]:
    """Return the Pythons on this machine that are older than what Corridor needs."""
    found = [*Path("/usr/bin").glob("python3.[0-9]"), Path("/usr/bin/python3.10")]
    found += (Path.home() / ".pyenv" / "versions").glob("3.*/bin/python3")
    able = "import sys; sys.exit(sys.version_info >= (3, 11))"
    return sorted(str(path) for path in found if path.exists() and subprocess.call([path, "-c", able]) == 0)


def test_its_syntax_is_understood_by_old_pythons() -> None:
    ast.parse(LAUNCHER.read_text(), feature_version=(3, 7))


@pytest.mark.slow
@pytest.mark.parametrize("python", _old_pythons())
def test_an_old_python_hands_over_to_a_newer_one_or_says_what_to_install(
    made: Checkout, tmp_path: Path, python: str
) -> None:
    status, _, messages = made.run(python=python, PATH=str(tmp_path))
    assert status == 1
    assert re.fullmatch(r"corridor: Python 3\.\d+ is too old, .*; install Python 3\.11 or newer .*\n", messages)
    newest = tmp_path / f"python3.{sys.version_info[1]}"
    newest.symlink_to(PYTHON)
    (tmp_path / "python3").symlink_to(python)
    assert made.run("a", python=python, PATH=str(tmp_path)) == made.run("a")
