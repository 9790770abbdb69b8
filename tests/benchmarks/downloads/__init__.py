"""What downloads and publishing cost: ``python -m tests.benchmarks.downloads``."""
