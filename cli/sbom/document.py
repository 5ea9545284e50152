"""The software bill of materials: a CycloneDX 1.6 document of what Corridor is made of.

It is a function of files of the checkout alone: `requirements.lock` (names, versions, hashes, who needs whom),
`cli/sbom/licences.toml`, the notes beside the vendored JavaScript, and `pyproject.toml`. The same files give the same
bytes on every machine; there is no time and no random number in it. Only the standard library is used, for the build of
the wheel runs this too.
"""

import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

FILE_NAME: Final = "corridor.cdx.json"

_REQUIREMENT: Final = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\\n]*?))? \\\n"
    r"(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)(?P<via>(?:    #.*\n)*)",
    re.MULTILINE,
)


class Requirement(NamedTuple):
    """A package of the lock file.

    Attributes:
        name: normalised, as the index has it.
        version: exactly.
        marker: where it is installed; '' for everywhere.
        hashes: SHA-256 of each of its files, in hexadecimal digits.
        needed_by: names of the packages that need it; `corridor` among them.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    needed_by: frozenset[str]

    @property
    def purl(self) -> str:
        """The package's URL, by which other tools know it."""
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(text: str) -> list[Requirement]:
    """Return the packages of a lock file that uv has written.

    Raises:
        ValueError: a line of it is not understood.
    """
    found = [
        Requirement(
            match["name"],
            match["version"],
            match["marker"] or "",
            tuple(re.findall(r"sha256:([0-9a-f]{64})", match["hashes"])),
            frozenset(re.findall(r"^    #(?: via)? +(\S+)", match["via"], re.MULTILINE)),
        )
        for match in _REQUIREMENT.finditer(text)
    ]
    if rest := _REQUIREMENT.sub("", text).strip():
        raise ValueError(f"requirements.lock: not a package as uv writes it: {rest.splitlines()[0]!r}")
    return found


def build(root: Path) -> str:
    """Return the document of the checkout at `root`, as text with its final newline.

    Raises:
        OSError: one of the files is missing.
        ValueError: the lock file is not understood, or `licences.toml` lacks a package.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    licences = tomllib.loads((root / "cli" / "sbom" / "licences.toml").read_text(encoding="utf-8"))
    lock = read_lock((root / "requirements.lock").read_text(encoding="utf-8"))
    if missing := sorted({package.name for package in lock} - licences.keys()):
        raise ValueError(f"cli/sbom/licences.toml lacks the licence of {', '.join(missing)}; add a line for each")
    vendored = list(_vendored(root / "services" / "wall" / "static" / "vendor"))
    ourselves = f"pkg:pypi/{project['name']}@{project['version']}"
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "application",
                "bom-ref": ourselves,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": _licenses(project["license"]),
                "purl": ourselves,
            },
        },
        "components": [*(_component(package, licences[package.name]) for package in lock), *vendored],
        "dependencies": _dependencies(ourselves, project["name"], lock, [each["bom-ref"] for each in vendored]),
    }
    name = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    return json.dumps({**document, "serialNumber": name.urn}, indent=2, ensure_ascii=False) + "\n"


def _component(package: Requirement, licence: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "scope": "optional" if package.marker else "required",
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.hashes],
        "licenses": _licenses(licence),
        "purl": package.purl,
    }
    if package.marker:
        made["properties"] = [{"name": "corridor:marker", "value": package.marker}]
    return made


def _licenses(expression: str) -> list[dict[str, Any]]:
    return [{"expression": expression}] if " " in expression else [{"license": {"id": expression}}]


def _vendored(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the JavaScript libraries that the wall brings along, each with its files."""
    for note in sorted(folder.glob("*/vendor.toml")):
        library = tomllib.loads(note.read_text(encoding="utf-8"))
        purl = f"pkg:npm/{library['name']}@{library['version']}"
        files = [
            {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
            for name, digest in sorted(library["sha256"].items())
        ]
        within = [
            {"type": "library", "name": name, "licenses": _licenses(licence)}
            for name, licence in sorted(library.get("contains", {}).items())
        ]
        yield {
            "type": "library",
            "bom-ref": purl,
            "name": library["name"],
            "version": library["version"],
            "scope": "required",
            "licenses": _licenses(library["licence"]),
            "purl": purl,
            "externalReferences": [{"type": "distribution", "url": library["source"]}],
            "components": [*within, *files],
        }


def _dependencies(
    ourselves: str, name: str, lock: list[Requirement], vendored: list[str]
) -> list[dict[str, str | list[str]]]:
    """Return who needs whom; a package that the lock has in two versions is needed in both."""
    refs = [(name, ourselves), *((package.name, package.purl) for package in lock)]
    needs = {ref: [other.purl for other in lock if who in other.needed_by] for who, ref in refs}
    needs[ourselves] += vendored
    needs |= {ref: [] for ref in vendored}
    return [{"ref": ref, "dependsOn": sorted(wanted)} for ref, wanted in needs.items()]
