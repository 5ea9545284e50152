"""The InfluxDB engine: line protocol in, InfluxQL out, over HTTP; one language for 1.x, 2.x and 3.x.

Batches come in, rows and events go out, as `services.store.interface` has it. It knows no other engine, and what rows
mean together never comes in.
"""
