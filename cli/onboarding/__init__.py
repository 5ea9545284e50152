"""`corridor device add`: what to set on a device, lines ready to copy, and the wait for its first message.

`instructions` and `sighting` are pure: texts, and what the messages of a device mean together. `command` joins them
with the stack's credentials (`cli.stack.devices`) and a broker.
"""
