"""The credentials of devices at a running broker: each device has a user of its own, which is its asset path.

`registrar` is what every broker's way has in common. `dynamic_security` asks Mosquitto's plugin by MQTT, for the stack;
`security_document` is the file that the plugin begins with; `password_files` changes the files of the embedded
Mosquitto. A change counts at once: a device without a credential any more is disconnected.
"""
