"""The live wall and its HTTP API.

Messages come in from the broker, questions from browsers. `live/` is how all machines are now, and sends pages what
changes. `addresses` is what may be asked, `api` the handlers, `answers/` the documents and tables they answer with,
`access/` bounds who may ask, `server` puts them together, and `static/` is what a browser loads. Numbers are made in
`services.query`; it writes nothing to a store.
"""
