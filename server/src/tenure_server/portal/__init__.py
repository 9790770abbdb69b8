"""The customer's page: paste a licence key, see what it covers and why, download. Works without JavaScript."""
