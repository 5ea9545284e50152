"""The simulated plant: machines with signals and physics, in lines with buffers and orders, in virtual or real time.

A plant file's `[simulate]` comes in (`plan`), events of the contract go out (`simulator`), with a log of the ground
truth beside them, against which the ledger is tested. Every machine draws its random numbers from seeded streams of its
own. `machines` are the kinds, `physics` their formulas, `plants` the shipped descriptions. It never reads a store.
"""
