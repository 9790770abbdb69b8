"""Installs by the million before servers that do not exist: what docs/scale.md says, from measured costs.

``python -m tests.benchmarks.simulation`` prints it, ``--write`` writes it down, ``--validate`` first holds it against
wrk and a real server on this machine. Seeded: the same figures come out each time.
"""
