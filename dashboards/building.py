"""All generated files, as code says they should be, and whether those on disk are the same."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from broker.plant import Plant
from dashboards.checking import Fault
from dashboards.grafana import complete
from dashboards.pages import PAGES

ROOT: Final = Path(__file__).parent


def files(plant: Plant) -> Iterator[tuple[Path, str]]:
    """Return the path under `dashboards/` and the text of each generated file."""
    for page in PAGES:
        built = page(plant)
        yield Path("json") / f"{built.uid}.json", _json(complete(built))


def stale(plant: Plant, root: Path = ROOT) -> Iterator[Fault]:
    """Return a fault for each file that is not what the code gives, or that no code gives."""
    wanted = dict(files(plant))
    for path, text in wanted.items():
        if not (root / path).exists():
            yield Fault(str(path), "the file", "it is missing; run: corridor dashboards build")
        elif (root / path).read_text(encoding="utf-8") != text:
            yield Fault(str(path), "the file", "it is not what the code gives; run: corridor dashboards build")
    for found in sorted((root / "json").glob("*.json")):
        path = found.relative_to(root)
        if path not in wanted:
            yield Fault(str(path), "the file", "no code makes it; take it away")


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
