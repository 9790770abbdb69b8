"""Tenure over HTTP: the API of docs/http-api.md, TUF metadata, gated downloads, health."""
