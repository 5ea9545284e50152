"""Commands about messages: publish, watch, validate, record, replay, translate."""
