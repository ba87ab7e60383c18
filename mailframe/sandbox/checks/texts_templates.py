"""Every text of Postmark's answers about templates, with its source. Pure.

Marks as in ``texts.py``: D is documented by Postmark, O was observed in a published answer, S was
read in the source of Mustachio or in the test of a client, A is an assumption.
"""

from __future__ import annotations

# S: Mustachio, Tokenizer.cs. Its exceptions format their text twice, so two braces become one,
# which a recorded answer in the Ruby gem shows (O, postmark-gem, api_client_spec.rb).
EACH_WITHOUT_PATH = (
    "The 'each' block being opened requires a model path to be specified in the form "
    "'{#each <name>}'."
)
EACH_CLOSED_WRONG = "The syntax to close the 'each' block should be: '{/each}'."
EACH_NOT_OPEN = (
    "An 'each' block is being closed, but no corresponding opening element "
    "('{#each <name>}') was detected."
)
MISMATCHED = "It appears that open and closing elements are mismatched."
NOT_CLOSED = (
    "A scope block to the following path was opened but not closed: '{path}', "
    "please close it using the appropriate syntax."
)
BAD_PATH = "The path '{path}' is not valid. Please see documentation for examples of valid paths."
NOT_A_LIST = (  # S: Parser.cs
    "'{path}' is used like an array by the template, but is a scalar value or object in your model."
)
TOO_DEEP = "The path '{path}' is nested more than {limit} levels deep."  # A: a limit of the sandbox
TOO_MUCH = "The rendered content is larger than the sandbox renders."  # A: a limit of the sandbox
