"""OPC UA, whose servers a gateway reads as their client: mapping file, profiles of machine states, translator.

Values of nodes come in, events go out. `edge.gateways.opcua` reads them from the servers; what a server publishes as
JSON over MQTT is `edge.dialects.shopfloor.opcua_json`.
"""
