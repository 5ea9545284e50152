"""The wall's API as an OpenAPI document, which the wall answers with and the documents' site shows."""

from typing import Any, Final

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from services.wall.routes import ROUTES

CONFIG: Final = OpenAPIConfig(
    title="Corridor: the wall's interface",
    version="1",
    description=(
        "Assets, indicators and history of a shop floor, and a live stream. It only reads, but for the credentials of"
        " devices."
    ),
    path="/api/v1/openapi.json",
    render_plugins=[JsonRenderPlugin(path="/")],
)


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the API's addresses, without a store, a broker or a wall that runs."""
    app = Litestar(
        ROUTES,
        dependencies={name: Provide(lambda: None, sync_to_thread=False) for name in ("parts", "onboarding")},
        openapi_config=CONFIG,
        logging_config=None,
    )
    return app.openapi_schema.to_schema()
