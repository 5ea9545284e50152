"""The live state and its stream: what every machine last reported, and what changed since, sent to each open page.

Events come in, and facts for JSON go out. It asks the store for the state at its start and for nothing else; numbers
come from `services.wall.answers`.
"""
