"""What surrounds a service that runs as a command: loop and signals, heartbeat and health port, its being alone."""
