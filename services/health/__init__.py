"""How a service says how it is: its vital signs and Prometheus metrics; `cli` and the wall serve them."""
