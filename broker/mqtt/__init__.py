"""The MQTT session: batches of messages in, acknowledged publications out, over MQTT 5 or 3.1.1.

`session` joins the parts: `connection` reads and writes a socket, `mqtt5` and `mqtt311` are the two versions' packets,
`inbox` holds what was received and `outbox` what waits for its acknowledgement. It carries bytes; of the contract it
uses only the types `Message` and `Publication`.
"""
