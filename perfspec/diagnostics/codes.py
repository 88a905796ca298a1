"""The table of codes: this list is the index. A code is never re-used for another meaning.

PS0 file and YAML, PS1 structure, PS2 values and units, PS3 names, PS4 steps, PS5 load, PS6 thresholds, PS7 secrets,
PS8 style, PS9 versions.
"""

from dataclasses import dataclass

__all__ = ["CODES", "Code"]


@dataclass(frozen=True, slots=True)
class Code:
    code: str
    about: str
    """One line: what is wrong whenever this code appears."""


_ROWS = (
    Code("PS001", "a tab stands where spaces belong"),
    Code("PS002", "the text cannot be read as YAML"),
    Code("PS003", "a text inside `{ }` or `[ ]` needs quotes"),
    Code("PS004", "a key is there twice"),
    Code("PS005", "a YAML tag or directive, which the language does not have"),
    Code("PS006", "a YAML anchor, alias or merge key, which the language does not have"),
    Code("PS007", "a text that older YAML would read as a boolean, a number or a time"),
    Code("PS008", "the file is too large, too long or nested too deep"),
    Code("PS009", "the file is empty"),
    Code("PS010", "the file holds more than one document"),
    Code("PS011", "a key is no plain text"),
    Code("PS012", "the file is not UTF-8 text"),
    Code("PS101", "a key is not known here"),
    Code("PS102", "a key is missing"),
    Code("PS103", "a value is of the wrong kind: text, number, list or map"),
    Code("PS104", "a value is none of the words allowed here"),
    Code("PS105", "files include each other in a circle"),
    Code("PS106", "a name holds characters that it cannot be read with"),
    Code("PS107", "two keys exclude each other"),
    Code("PS108", "one of several keys is needed and none is there"),
    Code("PS109", "an included file cannot be found or read"),
    Code("PS110", "an include points outside the folder of the specs"),
    Code("PS111", "a file of the wrong `kind` is included or run"),
    Code("PS112", "a list or a map is empty"),
    Code("PS113", "a text or a number does not fit its key"),
    Code("PS114", "an option needs an `https://` address"),
    Code("PS201", "a quantity has no unit"),
    Code("PS202", "a quantity cannot be read"),
    Code("PS203", "what an answer must look like cannot be read"),
    Code("PS204", "what to capture cannot be read"),
    Code("PS205", "a JSON path cannot be read"),
    Code("PS206", "nothing of an answer is called so"),
    Code("PS207", "a range cannot be read or runs backwards"),
    Code("PS208", "an order cannot be read"),
    Code("PS209", "a way of authenticating cannot be read"),
    Code("PS210", "shares do not add up to 100 %"),
    Code("PS211", "a kind of fake data is not known"),
    Code("PS212", "a data file cannot be found or read"),
    Code("PS220", "a regular expression holds what RE2 does not have"),
    Code("PS230", "a spread of numbers does not fit their range"),
    Code("PS232", "generators read each other in a circle, or too deep"),
    Code("PS233", "`fresh` draws again what is not drawn"),
    Code("PS301", "a name is not known"),
    Code("PS302", "a function is not known, or called with the wrong number of arguments"),
    Code("PS303", "an environment lacks a value that is used"),
    Code("PS304", "a secret is not known"),
    Code("PS305", "an expression cannot be read"),
    Code("PS306", "a name is used before it is captured"),
    Code("PS307", "a name drawn inside a loop has the same value in every pass"),
    Code("PS308", "a name has two meanings"),
    Code("PS309", "a row of data has no such column"),
    Code("PS311", "a step can never happen"),
    Code("PS401", "a step has two verbs"),
    Code("PS402", "a step has no verb"),
    Code("PS403", "an option does not belong to this kind of step"),
    Code("PS404", "a request whose path has a hole needs a name"),
    Code("PS405", "a request has two bodies"),
    Code("PS410", "a fragment is not known"),
    Code("PS411", "fragments use each other in a circle, or too often"),
    Code("PS412", "a fragment is given too little, or what it does not need"),
    Code("PS413", "a fragment gives a name that it does not capture"),
    Code("PS414", "a round is stopped where there is none"),
    Code("PS415", "how often something is repeated cannot be read"),
    Code("PS416", "no way of a `choose` has a weight"),
    Code("PS451", "a JSON path that is slow to find, in a step that runs often"),
    Code("PS501", "a phase has both `users` and `arrivals`"),
    Code("PS502", "a phase begins with another number of users than the last one ended with"),
    Code("PS503", "a stage is not allowed in this environment"),
    Code("PS504", "no flow has a weight, so nothing would run"),
    Code("PS505", "a flow in `mix` is not known"),
    Code("PS506", "a stage has both `phases` and `find_limit`"),
    Code("PS507", "a stage has no load"),
    Code("PS508", "a number of users cannot be read"),
    Code("PS509", "a reason to abort cannot be read"),
    Code("PS510", "a stage is not known"),
    Code("PS511", "a phase would send more than the environment allows"),
    Code("PS512", "the warm-up leaves nothing to judge"),
    Code("PS601", "a limit does not say which side is good"),
    Code("PS602", "a row of the thresholds names nothing that is measured"),
    Code("PS603", "the spec has no thresholds"),
    Code("PS604", "a tag has more than 50 values"),
    Code("PS605", "a cell of the thresholds names nothing that is measured"),
    Code("PS606", "a limit's unit does not fit what it limits"),
    Code("PS607", "a limit cannot be read"),
    Code("PS608", "too few requests are planned to judge a threshold"),
    Code("PS609", "a limit on single polls where the whole wait is meant"),
    Code("PS701", "a credential stands in the spec"),
    Code("PS702", "a secret is too short to be masked"),
    Code("PS801", "a stage limits what it never reaches"),
    Code("PS901", "the version of the language is not known"),
    Code("PS902", "a word of the language that this version does not run yet"),
)

CODES = {row.code: row for row in _ROWS}
assert len(CODES) == len(_ROWS)
