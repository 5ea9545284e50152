"""Devices that are real: each publishes what it measures, and nothing that it does not.

A device is a file of its own, named as the thing that it speaks for. It speaks the contract through
`broker.contract.codec`, with a small MQTT client, as a device of the user's would.
"""
