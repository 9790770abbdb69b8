"""Two update servers that others run, beside ours: CPU of the server for a check, in one run, as the benchmark has it.

Nothing of theirs is here: they are installed from their own repositories and registries. docs/scale.md says how, and
what came of it. ``python -m tests.benchmarks.peers --balrog … --electron-release-server …``.
"""
