"""The InfluxDB engine: line protocol in, InfluxQL out, over HTTP; one language for 1.x, 2.x and 3.x."""
