"""The registrar of a Mosquitto with the dynamic security plugin: requests over MQTT, in effect at once.

It connects to the devices' listener as a user of its own, for one request at a time. That listener makes the user name
the client id, so two programs that ask at the same moment take the connection from each other: the later one is
answered, the earlier one asks again.
"""

import asyncio
import json
import secrets
from typing import Any, Final

from broker.contract.message import Publication
from broker.mqtt.session import Session, SessionError, SessionTakenOver
from broker.server.credentials.registrar import CredentialError
from broker.server.credentials.security_document import CONTROL, RESPONSE, acls, own_rights

ANSWER_S: Final = 4.0
_TRIES: Final = 6
_THERE: Final = "already exists"
_GONE: Final = "not found"


class _InterruptedError(Exception):
    """Another program took the connection while it was made."""


class DynamicSecurity:
    """The devices of one broker.

    Args:
        url: the devices' listener, with the registrar's user and password.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._one_at_a_time = asyncio.Lock()

    async def devices(self) -> list[str]:
        """Return the paths of the devices that have a credential.

        Raises:
            CredentialError: the broker does not answer, or rejects it.
        """
        (answer,) = await self._ask({"command": "listClients"})
        return sorted(user for user in answer["data"]["clients"] if "/" in user)

    async def put(self, asset: str, password: str) -> None:
        """Give a device a password and its rights.

        Raises:
            CredentialError: the broker does not answer, or rejects it.
        """
        role = {"rolename": asset, "acls": acls(own_rights(asset))}
        user = {"username": asset, "password": password}
        has_role, has_user = await self._ask(
            {"command": "createRole", **role},
            {"command": "createClient", **user, "roles": [{"rolename": asset}]},
            allowed=_THERE,
        )
        if "error" in has_role:
            await self._ask({"command": "modifyRole", **role})
        if "error" in has_user:
            await self._ask({"command": "setClientPassword", **user})

    async def remove(self, asset: str) -> None:
        """Remove a device; its connection ends.

        Raises:
            CredentialError: the broker does not answer, or rejects it.
        """
        await self._ask(
            {"command": "deleteClient", "username": asset},
            {"command": "deleteRole", "rolename": asset},
            allowed=_GONE,
        )

    async def _ask(self, *commands: dict[str, Any], allowed: str = "") -> list[dict[str, Any]]:
        """Return the answers to commands, in their order.

        Args:
            commands: in the plugin's form; each may be carried out twice.
            allowed: words of an error that an answer may be.

        Raises:
            CredentialError: there is no answer, or one is an error.
        """
        async with self._one_at_a_time:
            for _ in range(_TRIES):
                try:
                    answers = await self._exchange(commands)
                    break
                except* (SessionTakenOver, _InterruptedError, TimeoutError):
                    await asyncio.sleep(secrets.randbelow(500) / 1_000)
            else:
                raise CredentialError(
                    "the broker gave no answer about its devices",
                    "does another program change them now, and is its dynamic security plugin loaded?",
                )
        for answer in answers:
            error = answer.get("error", "")
            if error and not (allowed and allowed in error):
                raise CredentialError(f"the broker rejects {answer['command']}: {error}", "see the broker's log")
        return answers

    async def _exchange(self, commands: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
        mark = secrets.token_hex(8)
        request = {"commands": [{**command, "correlationData": mark} for command in commands]}
        answers: list[dict[str, Any]] = []
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                Session(self._url, client_id=f"registrar-{mark}", filters=[RESPONSE]) as session,
            ):
                await session.publish(Publication(CONTROL, json.dumps(request).encode(), qos=1))
                async for batch in session.batches():
                    for message in batch.messages:
                        responses = json.loads(message.payload).get("responses", [])
                        answers += [each for each in responses if each.get("correlationData") == mark]
                    batch.acknowledge()
                    if len(answers) >= len(commands):
                        break
        except SessionTakenOver:
            raise  # Mosquitto 2.1 resets a connection when users change; ours of before may still hang in it
        except SessionError as error:
            if "closed the connection" in str(error):
                raise _InterruptedError from error
            raise CredentialError(f"the broker does not change its devices: {error}", "does it run?") from error
        return answers
