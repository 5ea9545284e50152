"""The store: events as they were, the ledger, refused messages, and what is known of assets.

`interface` says what a store is. There are two engines: `sqlite` is embedded, `influx` speaks to an InfluxDB; `opening`
opens one by its URL. `ranges` answers range questions from ledger rows and, at the ends of the range, from events;
`answers` makes the indicators of that, and `explaining` tells how a number came about.
"""
