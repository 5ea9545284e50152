"""Building the site with MkDocs, strictly; and serving it while pages change."""

import logging
import shutil
import tempfile
from pathlib import Path

import typer
from mkdocs.commands.build import build as build_site
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from mkdocs.livereload import LiveReloadServer

from cli.invocation.errors import CommandError
from cli.site.navigation import navigation
from cli.site.staging import stage


def build(root: Path, target: Path) -> None:
    """Write the site of a checkout into a folder, which is emptied first.

    Raises:
        CommandError: a link or an anchor leads nowhere, or the folder holds something else than such a site.
    """
    if target.exists() and any(target.iterdir()) and not (target / "search" / "search_index.json").exists():
        raise CommandError(f"{target} is not empty, and holds no site of documents", "choose another --out")
    warnings = _Warnings()
    logger = logging.getLogger("mkdocs")
    logger.addHandler(warnings)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            pages = stage(root, folder)
            build_site(
                load_config(
                    str(root / "docs" / "mkdocs.yml"),
                    docs_dir=str(folder),
                    site_dir=str(target),
                    nav=navigation(folder, pages),
                )
            )
        except Abort as error:
            shutil.rmtree(target, ignore_errors=True)
            raise CommandError("; ".join(warnings.found) or str(error), "fix these links, and build again") from error
        finally:
            logger.removeHandler(warnings)


def serve(root: Path, target: Path, port: int) -> None:
    """Serve a built site on this computer until interrupted, and build it again when a page changes."""

    def again() -> None:
        try:
            build(root, target)
        except CommandError as error:
            typer.echo(f"corridor: {error}", err=True)

    server = _Server(again, host="127.0.0.1", port=port, root=str(target))
    for place in ("docs", "examples", "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"):
        server.watch(str(root / place))
    try:
        server.serve()  # type: ignore[no-untyped-call]  # MkDocs leaves it without types
    finally:
        server.shutdown()


class _Server(LiveReloadServer):
    """MkDocs' server, which prints its address once it has a port."""

    def server_activate(self) -> None:
        super().server_activate()
        typer.echo(f"http://127.0.0.1:{self.server_port}/ (Ctrl-C ends it)")


class _Warnings(logging.Handler):
    """Gathers what MkDocs warns of, each of which strict mode makes an error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store one warning."""
        self.found.append(record.getMessage().replace("\n", " "))
