"""Opens a TCP or TLS connection to a broker; each failure becomes an error that says what to do."""

import asyncio
import errno
import ssl
from collections.abc import Callable

from broker.mqtt.address import Address, SessionError
from broker.mqtt.connection import Connection


async def dial(where: Address, make: Callable[[], Connection], *, within_s: float) -> Connection:
    """Open a connection.

    Args:
        where: the broker.
        make: makes the connection's protocol.
        within_s: how long it may take, seconds.

    Raises:
        SessionError: it cannot be opened; the text says why and what to do.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within_s):
            _, connection = await loop.create_connection(make, where.host, where.port, ssl=where.tls)
    except TimeoutError as error:
        raise SessionError(f"no answer from {where} within {within_s:.0f} s; is the address right?") from error
    except ssl.SSLCertVerificationError as error:
        raise SessionError(
            f"the certificate of {where} is not trusted: {error.verify_message}; name its authority with ?ca=FILE"
        ) from error
    except ssl.SSLError as error:
        raise SessionError(f"{where} does not speak TLS as we do ({error.reason}); is it mqtt:// rather?") from error
    except ConnectionResetError as error:
        raise SessionError(
            f"{where} closed the connection; is it {'mqtt' if where.tls else 'mqtts'}:// rather?"
        ) from error
    except UnicodeError as error:
        raise SessionError(f"{where.host[:80]!r} is no host name: {error}") from error
    except OSError as error:
        if error.errno == errno.ECONNREFUSED or f"[Errno {errno.ECONNREFUSED}]" in str(
            error
        ):  # a name with several addresses, none of which listens
            raise SessionError(f"no broker listens at {where}; start it, or give its right address") from error
        raise SessionError(f"{where} cannot be reached: {error.strerror or error}") from error
    return connection
