"""Real devices: each publishes what it measures, and nothing else.

A device is a file of its own, named after the thing that it reports for. It encodes its events with
`broker.contract.codec` and publishes them with a small MQTT client, as a user's own device would.
"""
