"""Whole name-spaces of other systems: UMH, Factory+, Asset Administration Shells.

Values that such a system has collected and named come in, whatever devices they are from. A device's own messages are
translated beside this folder.
"""
