"""What cumulative readings (counters, meters, materials) added: each reading is classified, and counted accordingly.

`kinds` names what a reading can be, `limits` what a machine can have made, `series` holds the readings of one field,
`classification` has the rules over them, `group` applies the rules to what one message holds, as readings come in,
and `cumulative` holds all groups of a machine.
"""
