"""What the Tenure server and its clients must agree on. No network, no database.

The signed statements (licence key, SMP certificate, release record), what follows from them (``coverage``,
``update_choice``), and how they are made (``issuing``, ``tuf_publishing``).
"""

__version__ = "0.1.0"
