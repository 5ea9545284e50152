"""The contract, and how to reach the broker that carries it.

Here live the topic grammar (`topics`), the event types (`events`), their codec (`codec`) and JSON Schema (`schema`),
the equipment hierarchy that a plant file describes (`plant`), recordings (`recording`), the MQTT session (`session`)
and the broker that the demo starts (`embedded`). Nothing here imports `edge`, `services` or `cli`.
"""
