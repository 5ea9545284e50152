"""The broker, and the one contract that its messages follow.

`contract` is the language: topics, kinds, events, codec, schema. `plant` is the equipment hierarchy and its calendars,
as a plant file describes them. `source` is what a service needs of whatever carries messages, and `mqtt` the session
that does it over MQTT; `backoff` is how long to wait before another attempt. `server` is the broker that the demo
starts, and users and rights of the stack's. Every other folder may import these; nothing here imports `edge`,
`services` or `cli`.
"""
