"""Puts the software bill of materials into the wheel, in the place that PEP 770 names (`*.dist-info/sboms/`)."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BillOfMaterials(BuildHookInterface[Any]):
    """Makes the document when a wheel is built, and takes it away afterwards."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make it; an editable installation has none."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from cli.sbom import document as sbom_document  # noqa: PLC0415  (the build does not know our packages before)

        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name) / sbom_document.FILE_NAME
        file.write_text(sbom_document.build(Path(self.root)), encoding="utf-8", newline="\n")
        build_data["sbom_files"].append(str(file))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Take it away."""
        if version != "editable":
            self._folder.cleanup()
