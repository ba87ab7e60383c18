"""The columnar way: the messages of many rows at once, column by column; ``docs/how-it-works.md``.

A letter is split into pieces: constant text, printed columns, expressions and branches. Each piece
makes a column of encoded texts for a chunk of rows, and a message is one join of these columns.

The plain way (``render.py``, ``payload.py``, ``checks.py``, ``pipeline.py``), which makes one
message at a time, stays the definition of every message and every problem. The columnar way either
makes the same message or declines: a row that may have any problem, a chunk with many such rows, or
a whole letter is left to the plain way.
"""
