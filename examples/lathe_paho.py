"""A lathe that speaks Corridor's contract, with paho-mqtt.

    pip install paho-mqtt
    python lathe_paho.py [HOST [PORT [USER PASSWORD]]]

Put what your machine knows in the place of `read_machine`, and take `simulated` away: then the numbers are real.
"""

import json
import signal
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

ASSET = "corridor/v1/my-site/shop/line-1/lathe-1"  # site, area, line, machine

host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
port = int(sys.argv[2]) if len(sys.argv) > 2 else 1883

client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="lathe-1")
if len(sys.argv) > 4:
    client.username_pw_set(sys.argv[3], sys.argv[4])


retained: dict[str, str] = {}  # how things stand, by kind


def emit(kind: str, retain: bool = False, **payload: object) -> None:
    """Publish one message of the contract, with the time at which it was so."""
    message = json.dumps({"ts": time.time_ns() // 1_000_000, **payload, "simulated": True})
    if retain:
        retained[kind] = message
    client.publish(f"{ASSET}/{kind}", message, qos=1, retain=retain)


def read_machine(second: int) -> tuple[str, int, float]:
    """Return state, pieces made so far, and spindle load in percent."""
    cutting = second % 10 < 8  # eight seconds of cutting, two of loading
    return "running" if cutting else "idle", second // 10, 40.0 if cutting else 3.0


def on_connect(client: mqtt.Client, *_: object) -> None:
    """After each connection, also a second one, publish that the device is there and how things stand."""
    client.publish(f"{ASSET}/status", "online", qos=1, retain=True)
    for kind, message in list(retained.items()):
        client.publish(f"{ASSET}/{kind}", message, qos=1, retain=True)


client.on_connect = on_connect
client.will_set(f"{ASSET}/status", "offline", qos=1, retain=True)  # the broker publishes it if the connection is lost
client.connect(host, port, keepalive=10)
client.loop_start()

emit("job", retain=True, phase="start", order="wo-1", product="bolt", ideal_cycle=8.0)
ended: list[int] = []
signal.signal(signal.SIGINT, lambda number, _: ended.append(number))  # Ctrl-C ends it between messages, not within one
reported_state, second = "", 0
while not ended:
    state, pieces, load = read_machine(second)
    if state != reported_state:
        reported_state = state
        emit("state", retain=True, state=state)
        emit("count", retain=True, produced=pieces, good=pieces)  # cumulative, like the counter on the machine
    emit("telemetry/spindle-load", value=load, unit="%")
    second += 1
    time.sleep(1)
client.publish(f"{ASSET}/status", "offline", qos=1, retain=True).wait_for_publish(1)
client.disconnect()
