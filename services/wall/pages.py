"""The files of the wall: one page for every view's address, its modules, styles and vendored libraries.

They are read once, when the server starts, the colours made from the palette, and held with their compressed form and a
tag of their content, so that a browser that has them asks once and gets "not modified". The page names every module
that it will need, so that none waits for another to be found.
"""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from services.wall import palette

FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}


class File(msgspec.Struct, frozen=True):
    """A file as it is sent: plain, compressed, its type, and the tag of its content."""

    plain: bytes
    packed: bytes
    media_type: str
    tag: str


class Files:
    """All files of the wall, in memory."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read the files of a folder."""
        self._files = dict(_read(folder))

    def page(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Answer a view's address with the page that draws all views."""
        return self.file("index.html", request)

    def file(self, path: str, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Answer with one file.

        Raises:
            NotFoundException: there is none.
        """
        file = self._files.get(path.lstrip("/"))
        if file is None:
            raise NotFoundException(f"there is no file {path[:80]!r} in the wall")
        headers = {"ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == file.tag:
            return Response(b"", status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(file.packed, headers=headers, media_type=file.media_type)
        return Response(file.plain, headers=headers, media_type=file.media_type)


def _read(folder: Path) -> Iterator[tuple[str, File]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES and path.is_file():
            yield path.relative_to(folder).as_posix(), _file(path.suffix, path.read_bytes())
    yield "palette.css", _file(".css", palette.style_sheet().encode())
    yield "palette.js", _file(".js", palette.script().encode())


def _file(suffix: str, plain: bytes) -> File:
    tag = f'"{hashlib.sha256(plain).hexdigest()[:20]}"'
    return File(plain, gzip.compress(plain, 9, mtime=0), _TYPES[suffix], tag)
