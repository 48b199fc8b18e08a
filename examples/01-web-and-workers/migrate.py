"""Brings the database up to date; may run any number of times."""
import sqlite3
import sys

with sqlite3.connect(sys.argv[1]) as db:
    db.execute("CREATE TABLE IF NOT EXISTS page (title TEXT)")
    if db.execute("SELECT count(*) FROM page").fetchone() == (0,):
        db.execute("INSERT INTO page VALUES ('world')")
