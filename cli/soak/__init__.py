"""`corridor soak` (`command`): a counted stream through broker, services and store while everything around them fails.

run         the course of a soak, from the first process to the verdict
devices     what each device publishes, and what the broker has acknowledged
processes   broker, services and InfluxDB as processes, and what is done to them; `programs` finds those of others
proxy       the network between them, which can be cut, frozen and slowed
faults      which fault comes when, by the seed
watch       how far the store is behind, and what each process takes of memory and descriptors
verdict     what was acknowledged against what is stored, and the ledger against a recomputed one
report      the `outcome` in Markdown
"""
