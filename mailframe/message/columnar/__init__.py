"""The columnar path: the messages of many rows at once, column by column; ``docs/how-it-works.md``.

A letter is split into pieces: constant text, printed columns, expressions and branches. Each piece
makes a column of encoded texts for a chunk of rows, and a message is one join of these columns.

The row-by-row path (``render.py``, ``payload.py``, ``checks.py``, ``pipeline.py``), which makes one
message at a time, is the definition of every message and every problem. The columnar path makes the
same messages. A row that may have any problem falls back to the row-by-row path, as do a chunk with
many such rows and a letter that does not fit.
"""
