"""What surrounds a service that runs as a command: session, loop and signals, health port, its being alone.

What a service does never comes in here: `services` hands each its session and its store.
"""
