"""The plant: equipment hierarchy, calendars, targets and units, read from a TOML file and validated as a whole.

Text comes in, a `Plant` or all its mistakes with file, line and hint go out. Pure; what a plant file says under
`simulate` is left as it is, for `edge.simulation` to read, but for the flow of its lines.
"""
