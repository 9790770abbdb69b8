"""SQLite's locks belong to the process: whatever one part of it does with the file, no other loses them.

Closing any descriptor of the database file drops every lock that the process holds on it (SQLite, How To Corrupt An
SQLite Database File, section 2.2). Another process that then closes its last connection believes itself alone, and
removes the write-ahead log that this one goes on writing to: its commits are lost.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.domain.products import Product
from tenure_signing.names import EditionName, ProductName

ROUNDS = 20

ANOTHER_PROCESS = textwrap.dedent(
    """
    import sys
    from tenure_server.adapters.database import SqlDatabase
    from tenure_server.domain.products import Product

    for line in sys.stdin:
        database = SqlDatabase(sys.argv[1])
        with database.reading() as records:
            seen = len(records.products.all())
        with database.writing() as records:
            records.products.add(Product("theirs-" + line.strip(), "Theirs", ("pro",)))
        database.close()
        print(seen, flush=True)
    """
)


@pytest.mark.parametrize("mode", [0o600, 0o644], ids=["private", "to-be-made-private"])
def test_every_commit_is_seen_while_the_schema_is_looked_after_again_and_again(tmp_path: Path, mode: int) -> None:
    """As when ``tenure serve`` looks after the schema with connections open, and commands come and go meanwhile."""
    file = tmp_path / "tenure.db"
    url = f"sqlite:///{file}"
    upgrade_schema(url)
    one, other = SqlDatabase(url), SqlDatabase(url)
    process = subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    there = 0
    try:
        for number in range(ROUNDS):
            with other.writing() as records:
                records.products.add(Product(ProductName(f"ours-{number}"), "Ours", (EditionName("pro"),)))
            there += 1
            file.chmod(mode)
            with one.reading() as open_view:
                assert len(open_view.products.all()) == there
                upgrade_schema(url)
                print(number, file=process.stdin, flush=True)
                assert process.stdout.readline() == f"{there}\n"
                assert len(open_view.products.all()) == there, "a view that is open does not change"
            there += 1
            with one.reading() as records:
                assert len(records.products.all()) == there
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()
        one.close()
        other.close()
    assert process.returncode == 0
    assert file.stat().st_mode & 0o077 == 0
    afterwards = SqlDatabase(url)
    with afterwards.reading() as records:
        assert len(records.products.all()) == 2 * ROUNDS
    afterwards.close()
