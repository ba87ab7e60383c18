"""The layouts of mailframe, their theme, and how a letter finds them.

A layout file is written with ``[[ … ]]`` and ``[% … %]`` for the theme. These are replaced once,
when the file is read, so that what is left is an ordinary template.
"""
