"""The live wall and its HTTP API."""
