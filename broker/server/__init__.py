"""The broker that comes with Corridor: Mosquitto or NATS as a child process, and who may do what on it.

`embedded` starts and ends the demo's broker (`mosquitto`, `nats`, behind their `guard`); `mosquitto_stack` writes the
files of the compose stack's. Users and rights of both are made here, and nowhere else.
"""
