"""The shop floor: all that publishes. Simulated machines with their physics, and devices that are real.

Imports `broker` alone; never `services` or `cli`.
"""
