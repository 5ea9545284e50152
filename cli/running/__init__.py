"""What surrounds a service that runs as a command: loop and signals, health port, its being alone.

What a service does never comes in here; a command hands it over as a coroutine.
"""
