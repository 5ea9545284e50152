"""Errors as in RFC 9457: `application/problem+json` with what is wrong and a hint."""

from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from broker.contract.errors import ContractError
from services.query.asked_range import RangeError
from services.store.interface import StoreError

MEDIA_TYPE: Final = "application/problem+json"
_log = structlog.get_logger("corridor.wall")


def problem(status: int, title: str, detail: str, **more: Any) -> Response[dict[str, Any]]:
    """Return a problem as an answer."""
    reported = {"type": "about:blank", "title": title, "status": status, "detail": detail} | more
    return Response(reported, status_code=status, media_type=MEDIA_TYPE)


def body(status: int, title: str, detail: str) -> bytes:
    """Return the text of a problem, for what answers beneath the application."""
    return msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": detail})


def on_range(_: Request[Any, Any, Any], error: RangeError) -> Response[dict[str, Any]]:
    """A time range that is not one."""
    return problem(400, "Not a time range", str(error))


def on_contract(_: Request[Any, Any, Any], error: ContractError) -> Response[dict[str, Any]]:
    """An asset path or name that the contract does not know."""
    return problem(400, "Not a name of the contract", str(error), cure=error.hint, hint=error.hint)


def on_store(_: Request[Any, Any, Any], error: StoreError) -> Response[dict[str, Any]]:
    """The store cannot answer now."""
    return problem(503, "The store does not answer", str(error))


def on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """Whatever Litestar itself finds wrong with a request."""
    detail = error.detail
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        wrong = "; ".join(f"{each.get('key', '?')}: {each.get('message', '')}" for each in error.extra)
        detail = f"{wrong}. /api/v1/openapi.json says what each address takes"
    elif error.status_code == 404 and detail == "Not Found":
        detail = "There is nothing at this address; /api/v1/openapi.json lists what there is"
    return problem(error.status_code, _titles.get(error.status_code, "The request failed"), detail)


def on_fault(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """A fault of the wall itself; the log has it whole."""
    _log.error("a request failed", path=request.url.path, query=request.url.query[:200], exc_info=error)
    return problem(500, "The wall failed", "This is a fault of the wall, not of the request; its log says more")


_titles: Final = {
    400: "The request is not understood",
    404: "Not found",
    405: "Only reading is possible here",
    501: "Not made yet",
    503: "The wall is full",
}
