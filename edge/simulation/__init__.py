"""The simulated plant: machines with signals and physics, in lines with buffers and orders, in virtual or real time.

A plant file's `[simulate]` comes in (`plan`), events of the contract go out (`simulator`), beside a log of what really
happened (the ground truth), against which the ledger is tested. Every random number is of a machine's own seeded
stream. `machines` are the kinds, `physics` their formulas, `plants` the shipped descriptions. It never reads a store.
"""
