"""Gateways: what runs a dialect. Foreign messages come in from a source, events of the contract go out to a broker.

A gateway acknowledges its source only after the broker has acknowledged what a batch means, so that nothing is lost
between the two. It uses dialects by their protocol alone; the meaning of a message never comes in here.
"""
