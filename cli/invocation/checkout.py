"""Where the checkout is that this program runs from, if it runs from one."""

from pathlib import Path

from cli.invocation.errors import CommandError


def find() -> Path | None:
    """Return the root of the checkout, or None where Corridor is installed as a package."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "corridor").is_file() else None


def require(command: str) -> Path:
    """Return the root of the checkout.

    Raises:
        CommandError: Corridor is installed as a package, which carries neither tests nor benchmarks.
    """
    root = find()
    if root is None:
        raise CommandError(
            f"`{command}` needs a checkout of Corridor, this is an installed package",
            f"clone the repository and run ./corridor {command} in it",
        )
    return root
