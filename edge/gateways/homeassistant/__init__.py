"""The plant's machines in Home Assistant: each is announced as a device, with its values on a topic of its own.

`values` knows what the plant's broker reports of a machine, `announcement` what Home Assistant reads of it, `board`
what is to be published of all machines, and `announcer` joins the two brokers.
"""
