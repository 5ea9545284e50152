// Runs a program of MicroPython from standard input by the real interpreter. Network, sensor and MQTT library of a board are
// stand-ins that write down what is published; the second connection is lost, and the program is ended on the third.

import { readFileSync } from 'node:fs';
import { loadMicroPython } from '@micropython/micropython-webassembly-pyscript/micropython.mjs';

const BOARD = `
import sys, json, time

class Module: pass

class WLAN:
    def __init__(self, kind): pass
    def active(self, on): pass
    def connect(self, name, password): pass
    def isconnected(self): return True

class ADC:
    def __init__(self, pin): pass
    def read_u16(self): return 14000

class MQTTException(Exception): pass

class MQTTClient:
    connections = 0
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=None):
        print(json.dumps({"client": client_id, "server": server, "port": port, "user": user, "password": password, "keepalive": keepalive}))
    def set_last_will(self, topic, msg, retain=False, qos=0):
        print(json.dumps({"will": topic.decode(), "payload": msg.decode(), "retain": retain}))
    def connect(self, clean_session=True, timeout=None):
        MQTTClient.connections += 1
        self.left = 9
        if MQTTClient.connections == 1: raise MQTTException(5)
        if MQTTClient.connections > 3: raise SystemExit
    def publish(self, topic, msg, retain=False, qos=0):
        self.left -= 1
        if self.left == 0: raise OSError(104)
        text = msg.decode() if isinstance(msg, bytes) else msg
        print(json.dumps({"topic": topic.decode(), "payload": text, "retain": retain, "qos": qos, "connection": MQTTClient.connections}))

def provide(name, **parts):
    made = Module()
    for each, part in parts.items(): setattr(made, each, part)
    sys.modules[name] = made

WLAN_ = WLAN
provide("network", WLAN=WLAN, STA_IF=0)
provide("machine", ADC=ADC)
provide("umqtt.simple", MQTTClient=MQTTClient, MQTTException=MQTTException)
provide("umqtt", simple=sys.modules["umqtt.simple"])
provide("time", sleep=lambda seconds: None)
`;

const interpreter = await loadMicroPython({ stdout: (line) => process.stdout.write(`${line}\n`), linebuffer: true });
interpreter.runPython(BOARD);
try {
  interpreter.runPython(readFileSync(0, 'utf8'));
} catch (error) {
  if (!/SystemExit/.test(error.message)) throw error;
}
