"""A client of Modbus TCP that reads: the four functions by which registers and bits are read, one request at a time."""

import asyncio
import struct
from contextlib import suppress
from typing import Final, Self

FUNCTIONS: Final = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
"""The function that reads each table."""
ANSWER_S: Final = 3.0
"""How long a device may take to connect and to answer, seconds."""
_EXCEPTIONS: Final = {1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "device failure"}
_HEADER: Final = struct.Struct(">HHHB")
_LONGEST: Final = 260


class ModbusError(OSError):
    """A device cannot be reached, or does not answer as Modbus does; the connection is of no more use."""


class ModbusRejectionError(ValueError):
    """A device rejects one request; the connection goes on."""


class ModbusClient:
    """A connection to one device.

    Args:
        host: its address.
        port: its port, most often 502.
        unit: the unit identifier.
    """

    def __init__(self, host: str, port: int, unit: int) -> None:
        self._at = host, port
        self._unit = unit
        self._transaction = 0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            ModbusError: it cannot.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                self._reader, self._writer = await asyncio.open_connection(*self._at)
        except (OSError, TimeoutError) as error:
            raise ModbusError(f"{self._at[0]}:{self._at[1]} cannot be reached: {str(error) or 'no answer'}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()

    async def read(self, table: str, first: int, count: int) -> list[int]:
        """Return registers, of 16 bits each, or bits.

        Raises:
            ModbusRejectionError: the device does not have them.
            ModbusError: the connection is lost, or what comes is not Modbus.
        """
        function = FUNCTIONS[table]
        body = await self._ask(struct.pack(">BHH", function, first, count))
        if body[0] == function | 0x80:
            code = body[1] if len(body) > 1 else 0
            raise ModbusRejectionError(f"{table} {first}: {_EXCEPTIONS.get(code, f'exception {code}')}")
        is_bits = function <= FUNCTIONS["discrete"]
        length = (count + 7) // 8 if is_bits else 2 * count
        if body[0] != function or len(body) < 2 + length or body[1] != length:
            raise ModbusError(f"{table} {first}: the answer is not that of a request for {count}")
        data = body[2 : 2 + length]
        if is_bits:
            return [data[place // 8] >> place % 8 & 1 for place in range(count)]
        return list(struct.unpack(f">{count}H", data))

    async def _ask(self, request: bytes) -> bytes:
        """Send a request; return the answer to it."""
        if self._reader is None or self._writer is None:
            raise ModbusError("not connected")
        self._transaction = self._transaction % 0xFFFF + 1
        try:
            async with asyncio.timeout(ANSWER_S):
                self._writer.write(_HEADER.pack(self._transaction, 0, len(request) + 1, self._unit) + request)
                await self._writer.drain()
                while True:
                    transaction, protocol, length, _ = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
                    if protocol or not 2 < length <= _LONGEST:
                        break
                    body = await self._reader.readexactly(length - 1)
                    if transaction == self._transaction:  # else the answer to an earlier one, that came too late
                        return body
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            raise ModbusError(f"{self._at[0]}:{self._at[1]} does not answer") from error
        raise ModbusError(f"{self._at[0]}:{self._at[1]}: what comes is not Modbus TCP")
