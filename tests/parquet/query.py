"""Runs the query on standard input with DuckDB and prints its rows as a JSON list of objects."""
import json
import sys

import duckdb

result = duckdb.connect().execute(sys.stdin.read())
names = [column[0] for column in result.description]
print(json.dumps([dict(zip(names, row)) for row in result.fetchall()], default=str))
