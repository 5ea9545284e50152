"""Which packages of `requirements.lock` have a wheel for which computers: `python -m tests.docs.platform_wheels`.

It asks the package index, by pip, for each package that is not pure Python; the table in
`docs/how-to/platforms.md` is what it printed on the day that stands there.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
COMPUTERS: Final[dict[str, tuple[str, ...]]] = {
    "Linux arm64": ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64"),
    "Linux arm 32-bit": ("linux_armv7l", "manylinux2014_armv7l", "manylinux_2_17_armv7l", "manylinux_2_31_armv7l"),
    "macOS arm64": (*(f"macosx_{number}_0_arm64" for number in range(11, 15)), "macosx_10_12_universal2"),
    "macOS x86-64": (*(f"macosx_{number}_0_x86_64" for number in range(11, 15)), "macosx_10_9_x86_64"),
    "Windows x86-64": ("win_amd64",),
    "Windows arm64": ("win_arm64",),
}
"""The tags of wheels that a computer takes."""
PYTHONS: Final = ("3.11", "3.13")


class Locked(NamedTuple):
    """A package of the lock file; `pythons` are those of PYTHONS that it is for."""

    name: str
    version: str
    pythons: tuple[str, ...]


def locked(text: str) -> list[Locked]:
    """Return the packages of a lock file."""
    return list(_locked(text))


def _locked(text: str) -> Iterator[Locked]:
    for name, version, marker in re.findall(r"^([a-z][\w.-]*)==(\S+)(?: ; ([^\\\n]*))?", text, re.MULTILINE):
        pythons: tuple[str, ...] = PYTHONS
        if "< '3.12'" in marker:
            pythons = PYTHONS[:1]
        elif ">= '3.12'" in marker:
            pythons = PYTHONS[1:]
        yield Locked(name, version, pythons)


def wheel(package: Locked, python: str, tags: tuple[str, ...]) -> str:
    """Return the name of the wheel that pip takes, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        platforms = [word for tag in tags for word in ("--platform", tag)]
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version", python, *platforms, "-d", folder]
        subprocess.run([*command, f"{package.name}=={package.version}"], check=False, stderr=subprocess.DEVNULL)
        return next((file.name for file in Path(folder).glob("*.whl")), "")


def table() -> Iterator[str]:
    """Yield the lines of the page's table, and how many packages are pure Python."""
    packages = locked((ROOT / "requirements.lock").read_text("utf-8"))
    first = next(iter(COMPUTERS.values()))
    own = [each for each in packages if not wheel(each, each.pythons[0], first).endswith("-none-any.whl")]
    yield f"| package | {' | '.join(COMPUTERS)} |"
    yield f"|---{'|---' * len(COMPUTERS)}|"
    for each in own:
        found = [all(wheel(each, python, tags) for python in each.pythons) for tags in COMPUTERS.values()]
        yield f"| {each.name} {each.version} | {' | '.join('yes' if one else 'no' for one in found)} |"
    yield f"The other {len(packages) - len(own)} are pure Python."


if __name__ == "__main__":
    for line in table():
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
