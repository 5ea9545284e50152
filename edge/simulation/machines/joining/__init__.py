"""Machines that join: welding, cladding, friction stir, assembly, and the robots that weld and deburr."""
