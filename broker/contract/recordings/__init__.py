"""Recordings: files of messages, one a line, read and written without holding them in memory.

This is the contract's one place for files; what a message means never comes in.
"""
