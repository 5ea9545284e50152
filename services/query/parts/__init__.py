"""Parts with serial numbers: where each came from, what it passed, and what was made from it.

Part events and measurements come in from a store, flows of material from a plant. `genealogy` makes `records` of them,
with the shares of electricity (`energy`) and the way of the `batches`; `search` finds parts by name. Indicators never
come in: those are of machines.
"""
