"""The shop floor: all that publishes. It may import `broker`, and never `services` or `cli`.

`simulation` is the simulated plant, `devices` are the real ones that come with Corridor, `dialects` are pure
translators of what other devices send, and `gateways` run them.
"""
