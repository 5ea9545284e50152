"""Sparkplug B 3.0 of the Eclipse Foundation: its payloads, a host application and an edge node, all pure.

`protobuf` reads and writes the wire format, `datatypes` the values, `codec` payloads and their metrics, `topics` the
name-space. What they reject they reject with the contract's own error, whatever the bytes are.
"""
