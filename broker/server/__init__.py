"""The broker that comes with Corridor: Mosquitto or NATS as a child process, with its users and their rights.

`embedded` starts and ends the demo's broker (`mosquitto`, `nats`, behind their `guard`); `mosquitto_stack` writes the
configuration of the compose stack's. Users and rights of both are made here, and nowhere else.
"""
