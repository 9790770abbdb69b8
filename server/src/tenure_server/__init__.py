"""The Tenure server: licences, support periods, update checks, gated downloads, publishing."""

__version__ = "0.1.0"
