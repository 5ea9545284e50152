"""The health of a service: its vital signs and Prometheus metrics; `cli` and the wall serve them."""
