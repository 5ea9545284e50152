"""The live wall and its HTTP API.

Messages come in from the broker, questions from browsers. `live_state` is how all machines are now, `stream` sends
pages what changes, `api` answers with `documents`, `tables` with CSV, `auth` and `connections` bound who may ask, and
`static` is what a browser loads. Numbers are made in `services.query`; it writes nothing to a store.
"""
