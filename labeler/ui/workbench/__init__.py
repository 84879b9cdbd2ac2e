"""The workbench: the canvas of our own, which talks to the HTTP API alone."""
