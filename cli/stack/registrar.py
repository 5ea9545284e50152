"""The registrar of the stack: the running broker, and `.env` for the next start where the broker does not run now."""

from broker.server.credentials.dynamic_security import DynamicSecurity
from broker.server.credentials.registrar import CredentialError
from cli.stack import devices
from cli.stack.env_file import EnvFile
from cli.stack.stack import DEVICE_PORT, NEXT_START


class StackRegistrar:
    """The devices of the stack whose `.env` this is.

    Attributes:
        away: why the running broker has not taken the last change; '' where it has.
    """

    def __init__(self, file: EnvFile) -> None:
        self._file = file
        settings = file.values()
        port = int(settings.get(DEVICE_PORT[0]) or DEVICE_PORT[1])
        self.url = devices.registrar_url(settings, port)
        self._broker = DynamicSecurity(self.url) if self.url else None
        self.away = ""

    @property
    def note(self) -> str:
        """A line about when the last change counts."""
        if not self.away:
            return "The running broker has the change already."
        return f"The broker does not have it yet ({self.away}). It counts from its next start: {NEXT_START}"

    async def devices(self) -> list[str]:
        """Return the paths of the devices that have a credential: at the running broker, else in `.env`."""
        if (found := await self._at_broker()) is not None:
            return found
        return sorted(self._listed())

    async def put(self, asset: str, password: str) -> None:
        """Give a device a password and its rights, now and at the next start."""
        devices.put(self._file, {asset: password})
        self._file.write()
        if await self._at_broker() is not None and self._broker is not None:
            await self._broker.put(asset, password)

    async def remove(self, asset: str) -> None:
        """Remove a device, now and at the next start.

        Raises:
            CredentialError: the broker is away, and it alone knows the device.
        """
        known = await self._at_broker()
        if known is None and asset not in self._listed():
            raise CredentialError(f"{asset} is not in {self._file.path}, and {self.away}", "start the stack first")
        devices.remove(self._file, asset)
        self._file.write()
        if known is not None and asset in known and self._broker is not None:
            await self._broker.remove(asset)

    def _listed(self) -> dict[str, str]:
        return devices.read(self._file.values().get(devices.DEVICES, ""))

    async def _at_broker(self) -> list[str] | None:
        """Return the devices that the running broker knows; None, and `away`, where it gives no answer."""
        if self._broker is None:
            self.away = "there is no password of the registrar: run ./corridor stack init"
            return None
        try:
            found = await self._broker.devices()
        except CredentialError as error:
            self.away = error.problem
            return None
        self.away = ""
        return found
