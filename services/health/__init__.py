"""The health of a service: whether broker and store do their part, what it has done so far, the same for Prometheus.

A session and a store come in; the first thing that is wrong, and numbers, go out. It answers no request: `cli` and the
wall serve what stands here.
"""
