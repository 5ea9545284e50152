"""Devices of a home or an office that also hang on machines: plugs, relays, meters and sensors.

A vendor's own messages come in (Shelly, Tasmota), or those of a hub that speaks for many (Home Assistant, zigbee2mqtt).
What speaks a standard of the shop floor never stands here.
"""
