"""The client of MTConnect agents: what a machine's agent answers by HTTP, document by document.

`source` runs it: `probe` once, `current`, then the `sample` stream from the next sequence on. `agent` speaks HTTP,
`multipart` takes a stream apart, `position` knows what was read, `slicing` hands it over to the dialect.
"""
