"""The contract, and how to reach the broker that carries it.

Here live the topic grammar (`topics`), the event types (`events`), their codec (`codec`) and JSON Schema (`schema`),
the equipment hierarchy that a plant file describes (`plant`), recordings (`recording`), the MQTT session (`session`,
with its parts `connection`, `inbox`, `outbox` and the codecs `mqtt5` and `mqtt311`) and the broker that the demo starts
(`embedded`, with `mosquitto`, `nats` and their `guard`). Nothing here imports `edge`, `services` or `cli`.
"""
