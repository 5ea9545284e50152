"""`corridor stack …`: secrets, broker files, TLS and the check of the compose stack.

It writes files and asks running parts how they are. It starts nothing: Docker does.
"""
