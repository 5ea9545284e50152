"""The command line: a file a command group, in folders by subject.

Arguments, settings and the terminal come in; the other packages do the work, and data or one line of error goes out. It
may import all others; nothing imports it. `main` is the table of commands and describes how to add one, `invocation` is
what all commands share, `running` what surrounds a service. No logic of a plant, a message or a number ever comes in.
"""
