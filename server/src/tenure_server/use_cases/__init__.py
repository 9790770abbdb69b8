"""What people and programs can do: one file per action. Read, decide, write."""
