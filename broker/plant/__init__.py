"""The plant: equipment hierarchy, calendars, targets and units, read from a TOML file and validated as a whole.

Text comes in, a `Plant` or all its mistakes with file, line and hint go out. Pure; of the tables under `simulate` it
reads only the flow of the lines, and passes them on to `edge.simulation` as they are.
"""
