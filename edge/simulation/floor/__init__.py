"""The simulated floor in virtual time: lines, buffers and orders, and machines at work, at rest or broken.

The plan of a floor comes in, and events in order of time go out, through the emitter. It draws all chance from
seeded streams. Real time, the broker and files never come in: `simulator` and `simulation` beside it see to them.
"""
