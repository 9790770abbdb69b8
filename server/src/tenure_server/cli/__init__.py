"""The ``tenure`` command: what the operator and the release engineers type.

Results go to standard output, everything else to standard error: at most one ``error:`` and one ``hint:`` line, in
lower case and without a full stop. ``--json`` prints what a program needs and nothing else.
"""
