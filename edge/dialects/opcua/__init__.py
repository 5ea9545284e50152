"""OPC UA, whose servers a gateway reads as their client: mapping file, profiles of machine states, translator.

`edge.gateways.opcua` speaks to the servers. What publishes itself as JSON over MQTT is `edge.dialects.opcua_json`.
"""
