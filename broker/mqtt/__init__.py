"""The MQTT session: batches of messages in, acknowledged publications out, over MQTT 5 or 3.1.1.

`session` joins the parts: `handshake` sets up a `connection`, which reads and writes a socket; `mqtt5` and `mqtt311`
are the two versions' packets; `inbox` holds what was received and `outbox` what waits for its acknowledgement;
`takeover` and `witness` notice another client with the same client id. It carries bytes; of the contract it uses only
the types `Message` and `Publication`.
"""
