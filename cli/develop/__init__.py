"""Commands for whoever changes Corridor itself: `test`, `bench`, `version`."""
