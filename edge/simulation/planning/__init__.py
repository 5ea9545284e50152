"""What a floor is made from: the `[simulate]` part of a plant file read, and a first plant file written for a trade.

Text and tables come in; plans, or mistakes with their place, go out. Nothing here runs a machine.
"""
