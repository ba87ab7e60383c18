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

# --- fields ---------------------------------------------------------------------------------------

NO_DATA = "No template data received."  # O (postmark-php#75), the answer to GET /templates/validate
REQUIRED = "A '{field}' is required when {doing}."  # A, in the form of NO_MODEL
NO_BODIES = "An 'HtmlBody' or a 'TextBody' is required when {doing}."  # A
NO_MODEL = "A 'TemplateModel' is required when using a template to send an email."  # O (rails#71)
TOO_LONG = "The '{field}' of a template is limited to {limit} characters; found {found}."  # A
BAD_ALIAS = (  # A; the rule is D
    "The 'Alias' may have letters, digits, dots, hyphens and underscores, "
    "and must start with a letter."
)
ALIAS_TAKEN = "The 'Alias' '{alias}' is already used by another template of this server."  # A
BAD_TYPE = "The 'TemplateType' must be 'Standard' or 'Layout'."  # A
TYPE_IS_FIXED = "The 'TemplateType' of a template cannot be changed."  # A; that it cannot is D
NOT_PARSED = "The '{field}' is not valid: line {line}, character {position}: {text}"  # A
NOT_FOR_LAYOUTS = "A '{field}' may not be specified for a layout."  # A
UNKNOWN_ID = "The 'TemplateId' associated with this request is not valid or was not found."  # O
UNKNOWN_ALIAS = (  # S (postmark-dotnet), O (libscie/ResearchEquals.com#1017)
    "The Template's 'Alias' associated with this request is not valid or was not found."
)
UNKNOWN_LAYOUT = (
    "The 'LayoutTemplate' associated with this request is not valid or was not found."  # A
)
TOO_MANY = (  # D
    "A Server may have up to 100 templates, processing this request would exceed this limit. "
    "Please contact support if you need more Templates within a Server."
)
LAYOUT_IN_USE = (  # D
    "The layout template cannot be deleted because it has dependent templates using it."
)
NO_PLACE = (  # D; its beginning is S (postmark.js)
    "The layout content placeholder must be present in the layout HTML and/or Text body "
    "exactly once."
)
PLACE_OUTSIDE = "The content placeholder cannot be present in a standard template."  # D
REMOVED = "Template {id} removed."  # D, O

# --- sending --------------------------------------------------------------------------------------

CONTENT_TOO = (  # O 2018 and 2021 (anymail#121, swoosh#568)
    "Neither 'TextBody', 'HtmlBody', or 'Subject' may be specified when using a template for the "
    "email."
)
RESERVED_NAME = "The name '{name}' in the 'TemplateModel' is reserved."  # A; the code 1122 is D

# --- pushing --------------------------------------------------------------------------------------

NO_SERVERS = "The source and destination servers were not found."  # S (postmark.js, java)
NO_SOURCE = "The source server was not found."  # S (postmark.js)
NO_DESTINATION = "The destination server was not found."  # S (postmark.js)
NOTHING_TO_PUSH = "The source server has no templates with an alias."  # A; the code 1124 is D
TYPES_DIFFER = "The template types don't match on the source and destination servers."  # D
