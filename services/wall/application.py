"""The wall as an ASGI application: pages, health, measures and the API, with its errors and who may ask."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Litestar, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S
from services.health.vitals import health
from services.query.asked_range import RangeError
from services.store.interface import StoreError
from services.wall import openapi, problems
from services.wall.access.auth import AuthMiddleware
from services.wall.addresses import Parts
from services.wall.metrics import registry
from services.wall.onboarding import Onboarding
from services.wall.pages import Files
from services.wall.routes import ROUTES

_VIEWS_OF_ONE: Final = ("site", "line", "machine", "stops", "why", "part", "batch")
"""Views of an asset, a part or a batch, which their address names."""
_VIEWS_OF_ALL: Final = ("map", "stops", "why", "devices", "kiosk", "part")


def application(
    parts: Parts, password: str | None, allow_hosts: Sequence[str] = (), onboarding: Onboarding | None = None
) -> Any:
    """Return the wall as an ASGI application."""
    files = Files()

    def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        """Show people who ask for a page that is not there what there is; answer programs with a problem."""
        is_page = error.status_code == 404 and not request.url.path.startswith(("/api/", "/static/"))
        if is_page and "text/html" in request.headers.get("accept", ""):
            shown = files.page(request)
            shown.status_code = 404
            return shown
        return problems.on_http(request, error)

    app = Litestar(
        [*_pages(files), *_health(parts), *ROUTES],
        dependencies={
            "parts": Provide(lambda: parts, sync_to_thread=False),
            "onboarding": Provide(lambda: onboarding, sync_to_thread=False),
        },
        exception_handlers={
            RangeError: problems.on_range,
            ContractError: problems.on_contract,
            StoreError: problems.on_store,
            HTTPException: on_http,
            Exception: problems.on_fault,
        },
        # Pages and files are compressed once for all when the wall starts.
        compression_config=CompressionConfig(
            backend="gzip",
            minimum_size=600,
            gzip_compress_level=3,  # 9 takes the event loop eight times as long, for a tenth less
            exclude=[
                "^/api/v1/stream",
                "^/$",
                f"^/({'|'.join(dict.fromkeys((*_VIEWS_OF_ONE, *_VIEWS_OF_ALL)))}|static)",
            ],
        ),
        openapi_config=openapi.CONFIG,
        logging_config=None,
    )
    return AuthMiddleware(app, password, names=allow_hosts)


def _pages(files: Files) -> list[Any]:
    """Return the handlers of the views' addresses, which all get the same page, and of its files."""

    @get(
        ["/", *(f"/{view}/{{path:path}}" for view in _VIEWS_OF_ONE), *(f"/{view}" for view in _VIEWS_OF_ALL)],
        include_in_schema=False,
        sync_to_thread=False,
    )
    def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return files.page(request)

    @get("/static/{path:path}", include_in_schema=False, sync_to_thread=False)
    def static(path: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
        return files.file(path, request)

    return [page, static]


def _health(parts: Parts) -> list[Any]:
    """Return the handlers with which others watch the wall."""
    measured = registry(parts)

    @get("/healthz", summary="Whether the wall works, and the services of its process")
    async def healthz() -> Response[dict[str, Any]]:
        newest = parts.live_state.newest
        age = None if newest is None else round((parts.now() - newest) / NS_PER_S, 3)
        found = await health(parts.services)
        content = {
            **found,
            "machines": len(parts.live_state.machines),
            "newest_message_age_s": age,
            "broker_connected": parts.stream.connected(),
        }
        return Response(content, status_code=200 if found["status"] == "pass" else 503)

    @get("/metrics", summary="Measures of the wall for Prometheus", sync_to_thread=False)
    def metrics() -> Response[bytes]:
        return Response(generate_latest(measured), media_type=CONTENT_TYPE_LATEST)

    return [healthz, metrics]
