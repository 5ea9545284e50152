"""The bill of materials: right by CycloneDX's own schema, complete, the same each time; each licence is allowed."""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
from license_expression import get_spdx_licensing
from packageurl import PackageURL

from cli.sbom import document as sbom_document

ROOT = Path(__file__).resolve().parents[3]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LICENCES: dict[str, str] = tomllib.loads((ROOT / "cli" / "sbom" / "licences.toml").read_text(encoding="utf-8"))
PERMISSIVE = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "PSF-2.0", "Zlib"}
ALLOWED = PERMISSIVE | {"EPL-2.0"}
EXCEPTIONS = {"certifi": "MPL-2.0"}
"""A list of certificate authorities, used as it is: the copyleft of MPL is about changes to its own files."""

CLASSIFIERS = {
    "Apache Software License": {"Apache-2.0"},
    "BSD License": {"BSD-2-Clause", "BSD-3-Clause"},
    "ISC License (ISCL)": {"ISC"},
    "MIT License": {"MIT"},
    "Mozilla Public License 2.0 (MPL 2.0)": {"MPL-2.0"},
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sbom_document.build(ROOT))
    return found


def schema_of(url: str) -> Any:
    """One of the schemas of CycloneDX, as its own library brings them along."""
    spec = importlib.util.find_spec("cyclonedx.schema")
    assert spec is not None
    assert spec.origin is not None
    name = (
        url.rpartition("/")[2].replace(".schema.json", ".SNAPSHOT.schema.json").replace("SNAPSHOT.SNAPSHOT", "SNAPSHOT")
    )
    return json.loads((Path(spec.origin).parent / "_res" / name).read_text(encoding="utf-8"))


@pytest.mark.slow
def test_it_is_right_by_the_schema_of_cyclonedx(document: dict[str, Any]) -> None:
    validate = fastjsonschema.compile(schema_of(document["$schema"]), handlers={"http": schema_of})
    validate(document)
    for wrong in (
        {"type": "libary", "name": "x"},
        {"type": "library", "name": "x", "licenses": [{"license": {"id": "?"}}]},
    ):
        with pytest.raises(fastjsonschema.JsonSchemaException):
            validate(document | {"components": [wrong]})


def test_it_has_every_package_of_the_lock_with_every_hash(document: dict[str, Any]) -> None:
    wanted = re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE)
    found = {(each["name"], each["version"]): each for each in document["components"]}
    assert set(wanted) <= found.keys()
    digests = [digest["content"] for name in wanted for digest in found[name]["hashes"]]
    assert digests == re.findall(r"sha256:([0-9a-f]{64})", LOCK)
    assert all(PackageURL.from_string(each["purl"]).name == name for (name, _), each in found.items())


def test_it_has_the_javascript_of_the_wall_as_it_is(document: dict[str, Any]) -> None:
    vendored = [each for each in document["components"] if each["purl"].startswith("pkg:npm/")]
    folders = list((ROOT / "services" / "wall" / "static" / "vendor").iterdir())
    assert {f"{each['name']}-{each['version']}" for each in vendored} == {folder.name for folder in folders}
    for each in vendored:
        folder = next(folder for folder in folders if folder.name == f"{each['name']}-{each['version']}")
        for file in (part for part in each["components"] if part["type"] == "file"):
            (digest,) = file["hashes"]
            assert digest["content"] == hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest()


def test_each_part_is_needed_by_something_and_what_is_needed_is_there(document: dict[str, Any]) -> None:
    refs = {each["bom-ref"] for each in document["components"]}
    needs = {each["ref"]: set(each["dependsOn"]) for each in document["dependencies"]}
    assert needs.keys() == refs | {document["metadata"]["component"]["bom-ref"]}
    assert set().union(*needs.values()) == refs


def test_who_needs_whom_is_what_the_installed_packages_say(document: dict[str, Any]) -> None:
    needs = {each["ref"]: each["dependsOn"] for each in document["dependencies"]}
    reported_state = {PackageURL.from_string(each).name for each in needs[_ref(document, "httpx")]}
    assert reported_state == {"anyio", "certifi", "httpcore", "idna"}


def _ref(document: dict[str, Any], name: str) -> str:
    found: str = next(each["bom-ref"] for each in document["components"] if each["name"] == name)
    return found


def test_the_same_lock_gives_the_same_bytes_in_any_environment(tmp_path: Path) -> None:
    for number in range(2):
        command = [sys.executable, "-I", "-S", "-c", "import sys; sys.path.insert(0, sys.argv[1]);"]
        command[-1] += (
            " from pathlib import Path; from cli.sbom import document as made;"
            " Path(sys.argv[2]).write_text(made.build(Path(sys.argv[1])))"
        )
        subprocess.run([*command, str(ROOT), str(tmp_path / str(number))], env={}, check=True)
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes() == sbom_document.build(ROOT).encode()


def test_another_lock_gives_another_serial_number(tmp_path: Path, document: dict[str, Any]) -> None:
    for name in ("pyproject.toml", "cli/sbom/licences.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "requirements.lock").write_text(f"rich==1.0 \\\n    --hash=sha256:{'0' * 64}\n    # via typer\n")
    other = json.loads(sbom_document.build(tmp_path))
    assert other["serialNumber"] != document["serialNumber"]
    assert [each["purl"] for each in other["components"]] == ["pkg:pypi/rich@1.0"]


@pytest.mark.parametrize(
    ("line", "reported_state"),
    [("rich @ https://x.test/rich.whl\n", "not a package"), (f"new==1 \\\n    --hash=sha256:{'0' * 64}\n", "new")],
)
def test_a_lock_that_is_not_understood_or_has_no_licence_is_reported(
    tmp_path: Path, line: str, reported_state: str
) -> None:
    (tmp_path / "cli" / "sbom").mkdir(parents=True)
    (tmp_path / "cli" / "sbom" / "licences.toml").write_text('rich = "MIT"\n')
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / "requirements.lock").write_text(line)
    with pytest.raises(ValueError, match=reported_state):
        sbom_document.build(tmp_path)


def test_every_licence_is_permissive_or_epl() -> None:
    names = {each.name for each in sbom_document.read_lock(LOCK)}
    assert names == LICENCES.keys(), "cli/sbom/licences.toml has a line for each package of the lock, and no other"
    known = get_spdx_licensing()
    for name, expression in LICENCES.items():
        parsed = known.parse(expression, validate=True)
        assert known.license_keys(parsed), name
        assert set(known.license_keys(parsed)) <= ALLOWED | {EXCEPTIONS.get(name, "")}, name


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(LICENCES))
def test_a_licence_is_the_one_that_the_installed_package_says(name: str) -> None:
    known = get_spdx_licensing()
    try:
        reported_state = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        (package,) = (each for each in sbom_document.read_lock(LOCK) if each.name == name)
        assert "win32" in package.marker, f"{name} is not installed"
        pytest.skip("of another system")
    wanted = set(known.license_keys(known.parse(LICENCES[name])))
    if "License-Expression" in reported_state:
        assert known.parse(reported_state["License-Expression"]) == known.parse(LICENCES[name])
        return
    classified = [
        each.rpartition(":: ")[2] for each in reported_state.get_all("Classifier") or [] if each.startswith("License")
    ]
    if classified:
        assert all(CLASSIFIERS[each] & wanted for each in classified)
        assert wanted <= set().union(*(CLASSIFIERS[each] for each in classified))
    else:
        first_line = reported_state["License"].splitlines()[0].removesuffix(" License")  # some put the whole text there
        assert known.parse(first_line) == known.parse(LICENCES[name])
