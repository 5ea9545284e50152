"""All addresses of the API, which the wall serves and the OpenAPI document lists."""

from typing import Any, Final

from services.wall import api, onboarding, picture
from services.wall.answers import origins_api, parts_api, tables

ROUTES: Final[list[Any]] = [
    handler for module in (api, parts_api, origins_api, tables, picture, onboarding) for handler in module.HANDLERS
]
