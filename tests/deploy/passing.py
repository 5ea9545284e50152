"""What passes a proxy before the wall: its page, and the stream of a live page, both by HTTPS."""

import asyncio

import aiomqtt
import httpx

NAME = "plant.example"


async def page(client: httpx.AsyncClient, url: str, auth: tuple[str, str] | None = None) -> httpx.Response:
    """Return the wall's first page, once the proxy and the wall behind it answer.

    Args:
        client: whoever asks.
        url: the proxy's, by number; it is asked for `NAME`.
        auth: user and password.
    """
    while True:
        try:
            found = await client.get(f"{url}/", auth=auth, extensions={"sni_hostname": NAME})
        except httpx.TransportError:
            found = httpx.Response(httpx.codes.BAD_GATEWAY)
        if found.status_code != httpx.codes.BAD_GATEWAY:
            return found
        await asyncio.sleep(0.1)


async def stream(client: httpx.AsyncClient, url: str, mqtt_port: int, auth: tuple[str, str] | None = None) -> None:
    """Publish a state of a new machine, and return once the stream of events has it."""
    path = f"{url}/api/v1/stream"
    async with client.stream("GET", path, auth=auth, extensions={"sni_hostname": NAME}) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines)
        async with aiomqtt.Client("127.0.0.1", mqtt_port) as device:
            await device.publish("corridor/v1/my/hall/line-1/press-1/state", "running", qos=1)
        async for line in lines:
            if "press-1" in line:
                return
    raise AssertionError("the stream has ended")
