"""The standards of the shop floor: MTConnect and its adapters, OPC UA and umati, PackML, IO-Link, Modbus.

What a machine, its controller or the gateway in front of it publishes comes in. Sockets never do: a protocol other than
MQTT is read in `edge.gateways`, and its messages are translated here.
"""
