"""Any other message, by a mapping file: its form, what it finds in a message, and a first file suggested from a broker.

JSON and plain values come in, and a user's TOML defines what they mean. What one vendor or standard means is never
written here: that is a dialect of its own.
"""
