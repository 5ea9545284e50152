"""The shop floor: all that publishes. It knows the broker and its contract, and never `services` or `cli`.

`simulation` is the simulated plant, `devices` are real ones that we bring along, `dialects` are pure translators of
what other devices send, and `gateways` run them.
"""
