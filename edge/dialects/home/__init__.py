"""Devices of a home or an office that also hang on machines: plugs, relays, meters and sensors.

A vendor's own messages come in (Shelly, Tasmota), or those of a hub for many devices (Home Assistant, zigbee2mqtt).
A standard of the shop floor never stands here.
"""
