"""`corridor device …`: credentials, what to set on a device, lines to copy, and the wait for its first message.

`instructions` and `sighting` are pure: texts (from `snippets`), and what the messages of a device mean together.
`place` finds the broker and what makes its credentials; `command` adds a device, `managing` lists and changes them.
"""
