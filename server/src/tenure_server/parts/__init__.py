"""An installation, put together part by part; ``tenure_server.installation`` is the whole."""
