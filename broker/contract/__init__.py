"""The contract: what a topic and a payload mean, as typed events, and the same events as messages.

Pure: bytes and times come in, events or a `ContractError` go out. No I/O, no clock, and nothing of the other rooms. A
message is decoded in the order `topics`, `payloads`, `readers`, which `codec` joins; `schema` and the reference page
are derived from the same types.
"""
