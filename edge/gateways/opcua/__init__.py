"""The client of OPC UA servers: the source of the dialect `opcua`, certificates, and browsing.

It needs `asyncua`, the extra `opcua`: only modules of this folder import it, and they are imported when a user asks for
OPC UA.
"""
