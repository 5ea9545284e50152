"""Who may ask the wall, how often, and how many at once: password, connections, limits.

Requests come in before anything else looks at them. What the wall shows never comes in.
"""
