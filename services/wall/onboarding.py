"""Devices join by the wall: the lines to copy, for everyone; credentials, for whoever is logged in.

Logged in is who has sent the wall's password, which `auth` asks for before anything else. A wall without a password
makes no credentials. As a browser sends a password along whichever page asks, a request that changes something must be
one that only the wall's own page can make: JSON, with a header of its own, from its own origin.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Protocol

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import JSONBody, QueryParameter

from broker.server.credentials import registrar as credentials
from broker.server.credentials.registrar import CredentialError, Registrar, check_machine
from services.wall import problems

HEADER: Final = "x-corridor"
"""What the wall's page sends with each change; a page of elsewhere may not send it."""
_HOST: Final = re.compile(r"[A-Za-z0-9.:-]{0,253}")


class Lines(Protocol):
    """The lines to copy, made elsewhere: they know the dialects, which the wall does not."""

    @property
    def forms(self) -> Sequence[str]:
        """Names of devices that have a form of their own."""

    def lines(self, asset: str, form: str, host: str, login: tuple[str, str] | None) -> Mapping[str, str]:
        """Return by title what to copy.

        Args:
            asset: the device's path.
            form: one of `forms`; '' for a device that publishes messages of the contract.
            host: by which the wall was asked; the broker's, where it is on the same computer.
            login: user and password of the device; None where the broker asks for none.
        """


class Onboarding(msgspec.Struct, frozen=True):
    """What the wall needs so that devices join.

    Attributes:
        lines: what to copy.
        registrar: makes credentials; None where the broker has none to make.
        is_guarded: the wall has a password, so whoever asks is logged in.
        asks: the broker asks for user and password.
    """

    lines: Lines
    registrar: Registrar | None
    is_guarded: bool
    asks: bool

    @property
    def makes(self) -> Registrar | None:
        """What makes credentials for those who ask; None where they may not."""
        return self.registrar if self.is_guarded else None


class Wanted(msgspec.Struct, frozen=True):
    """A device, and how it speaks.

    Attributes:
        asset: its path.
        form: one of the forms; '' for a device that publishes messages of the contract.
        host: by which the page reached the wall.
    """

    asset: str
    form: str = ""
    host: str = ""


Joining = NamedDependency[Onboarding | None]
Asset = Annotated[str, QueryParameter(name="asset", description="the device's path")]
Form = Annotated[str, QueryParameter(name="form", description="shelly, tasmota …; empty for the contract's own")]
Host = Annotated[str, QueryParameter(name="host", description="by which the wall is reached")]


@get("/api/v1/devices", summary="Devices that have a credential, and whether you may make one")
async def devices(onboarding: Joining) -> Response[Any]:
    """Return the forms, and to who is logged in the devices that have a credential."""
    if onboarding is None:
        return _nothing()
    registrar = onboarding.makes
    try:
        known = None if registrar is None else await registrar.devices()
    except CredentialError as error:
        return _problem(error)
    return Response({"may": registrar is not None, "forms": onboarding.lines.forms, "devices": known or []})


@get("/api/v1/devices/lines", summary="What to set on a device, and lines to copy", sync_to_thread=False)
def lines(onboarding: Joining, asset: Asset, form: Form = "", host: Host = "") -> Response[Any]:
    """Return what to copy, without a credential."""
    if onboarding is None:
        return _nothing()
    try:
        return Response({"sections": _sections(onboarding, Wanted(asset, form, host), None)})
    except CredentialError as error:
        return _problem(error)


@post("/api/v1/devices", summary="Give a new device a credential", status_code=201)
async def add(onboarding: Joining, data: JSONBody[Wanted], request: Request[Any, Any, Any]) -> Response[Any]:
    """Return user, password and lines to copy, this once."""
    return await _changed(onboarding, data, request, credentials.add)


@post("/api/v1/devices/rotate", summary="Give a device a new password", status_code=200)
async def rotate(onboarding: Joining, data: JSONBody[Wanted], request: Request[Any, Any, Any]) -> Response[Any]:
    """Return user, password and lines to copy, this once; the old password is invalid from now on."""
    return await _changed(onboarding, data, request, credentials.rotate)


@post("/api/v1/devices/remove", summary="Remove the credential of a device", status_code=200)
async def remove(onboarding: Joining, data: JSONBody[Wanted], request: Request[Any, Any, Any]) -> Response[Any]:
    """Remove it; a connected device is disconnected."""
    return await _changed(onboarding, data, request, credentials.remove)


HANDLERS: Final = (devices, lines, add, rotate, remove)


async def _changed(
    onboarding: Onboarding | None, wanted: Wanted, request: Request[Any, Any, Any], change: Any
) -> Response[Any]:
    """Change a device, if the one who asks may.

    Raises:
        HTTPException: a page of elsewhere asks, or nobody who is logged in.
    """
    _check_own_page(request)
    registrar = None if onboarding is None else onboarding.makes
    if onboarding is None or registrar is None:
        raise HTTPException(status_code=403, detail=_NOT_LOGGED_IN)
    try:
        _sections(onboarding, wanted, None)  # what is wrong with it is reported before anything is changed
        password = await change(registrar, wanted.asset)
        if password is None:
            return Response({"asset": wanted.asset})
        sections = _sections(onboarding, wanted, (wanted.asset, password))
    except CredentialError as error:
        return _problem(error)
    return Response({"asset": wanted.asset, "user": wanted.asset, "password": password, "sections": sections})


def _sections(onboarding: Onboarding, wanted: Wanted, login: tuple[str, str] | None) -> list[dict[str, str]]:
    check_machine(wanted.asset)
    if wanted.form and wanted.form not in onboarding.lines.forms:
        raise CredentialError(
            f"{wanted.form} is no form that is described", f"there are {', '.join(onboarding.lines.forms)}"
        )
    host = wanted.host if _HOST.fullmatch(wanted.host) else ""
    shown = login or (("USER", "PASSWORD") if onboarding.asks else None)
    found = onboarding.lines.lines(wanted.asset, wanted.form, host, shown)
    return [{"title": title, "text": text} for title, text in found.items()]


def _check_own_page(request: Request[Any, Any, Any]) -> None:
    headers = request.headers
    origin = headers.get("origin")
    is_own = origin is None or origin.partition("://")[2] == headers.get("host", "")
    is_json = headers.get("content-type", "").partition(";")[0].strip() == "application/json"
    if HEADER not in headers or not is_json or not is_own or headers.get("sec-fetch-site", "none") == "cross-site":
        raise HTTPException(status_code=403, detail=_ELSEWHERE)


_NOT_LOGGED_IN: Final = (
    "Only who is logged in makes credentials, at a broker that asks for them: start the demo with --host, the wall with"
    " --password and --registrar, or use the compose stack"
)
_ELSEWHERE: Final = "A change is JSON from the wall's own page, with the header X-Corridor; this is a page of elsewhere"


def _nothing() -> Response[Any]:
    return problems.problem(404, "No devices join here", "This wall was started without a broker that devices join")


def _problem(error: CredentialError) -> Response[Any]:
    return problems.problem(409, "The device was not changed", error.problem, hint=error.hint, cure=error.hint)
