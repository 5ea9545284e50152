"""The bytes of a payload into the wire type of its kind: strict JSON, else leniently where the meaning is certain."""

import re
from math import isfinite
from typing import Any, Final

import msgspec

from broker.contract.errors import ContractError, shown
from broker.contract.events import QUANTITY_LIMIT, STATES
from broker.contract.kinds import TABLE
from broker.contract.lenient import leniency
from broker.contract.payloads import QUALITIES
from broker.contract.readers import example
from broker.contract.topics import Kind

LONGEST_PAYLOAD: Final = 256 * 1024
_BEYOND: Final = re.compile(rf"Expected `float` [<>]= -?{re.escape(str(QUANTITY_LIMIT))}")
_SMALLER: Final = (
    'send it in a larger unit; if it stands for "no value", leave it out, or send "quality":"bad"; if it is a name, '
    "send it as a text"
)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z", re.ASCII)
_NOT_FINITE: Final = re.compile(r"(?<![\w\"'])[+-]?(nan|inf(inity)?)(?![\w\"'])", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+\Z", re.ASCII)
_DECODERS: Final[dict[Kind, msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(entry.wire) for kind, entry in TABLE.items()
}


def read_payload(kind: Kind, payload: bytes) -> Any:
    """Decode a payload into its wire type; a bare word counts as a JSON string.

    Raises:
        ContractError: it is not of the kind; the hint has an example that is.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise ContractError(
            f"payload is {len(payload)} bytes, the limit is {LONGEST_PAYLOAD}", "send less at once, and more often"
        )
    try:
        return _DECODERS[kind].decode(payload)
    except msgspec.ValidationError as error:
        return _read_leniently(kind, payload, error)
    except (ValueError, RecursionError) as error:
        return _read_text(kind, payload, error)


def _read_leniently(kind: Kind, payload: bytes, error: msgspec.ValidationError) -> Any:
    """Return the wire type of JSON that is not of the strict form, if its meaning is certain."""
    try:
        document = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        raise _invalid(kind, error) from error
    bad = leniency.without_value(kind, document)
    if bad is not None:
        return bad
    changed = leniency.numbers(kind, document)
    if changed is None:
        raise _invalid(kind, error) from error
    try:
        return msgspec.convert(changed, TABLE[kind].wire)
    except (msgspec.ValidationError, RecursionError) as remaining:
        raise _invalid(kind, remaining) from error


def _invalid(kind: Kind, error: Exception) -> ContractError:
    problem = _BEYOND.sub("a number is beyond ±10¹⁵, the limit of every quantity", str(error))
    return ContractError(f"payload of {kind}: {problem}", _hint(kind, problem))


def _hint(kind: Kind, problem: str) -> str:
    if "$.quality" in problem:
        return f"send one of {', '.join(QUALITIES)} as quality, or leave it out"
    if "enum" in problem and kind == "state":
        return f"use one of {', '.join(STATES)}"
    if "beyond" in problem or ("Number out of range" in problem and "$.ts" not in problem):
        return _SMALLER
    if "of length <=" in problem and "$.values" in problem:
        return "send fewer values at once, and more often"
    return example(kind)


def _read_text(kind: Kind, payload: bytes, error: Exception) -> Any:
    """Return a payload that is no JSON as it is, if it is one word or number, or JSON with something around it."""
    sent = leniency.utf8(payload)
    text = leniency.trimmed(sent)
    if not text:
        raise ContractError("payload is empty", example(kind))
    if text != sent:
        return read_payload(kind, text.encode())
    not_finite = _NOT_FINITE.search(text)
    if not_finite:
        raise ContractError(
            f"{not_finite[0]} is not a finite number", 'leave the sample out, or send null or "quality":"bad"'
        )
    if _DECIMAL_COMMA.match(text):
        raise ContractError(f"{shown(text)} has a decimal comma", "write a decimal point")
    if kind in {"telemetry", "state", "status"} and _WORD.match(text):
        return text
    if leniency.is_number(text) and isfinite(float(text)):
        return read_payload(kind, str(float(text)).encode())
    if "\0" in text:
        raise ContractError(
            f"payload goes on after a NUL character at byte {len(text.partition(chr(0))[0].encode())}",
            "send as many bytes as the text has, not the whole buffer",
        ) from error
    if isinstance(error, RecursionError):
        raise ContractError("payload is nested too deep", example(kind)) from error
    hint = "JSON wants double quotes: " if "'" in text and '"' not in text else ""
    raise ContractError(f"payload does not parse: {error}", hint + example(kind)) from error
