"""The language of templates in its plainest form: what the compiled templates have to agree with.

It reads an expression anew each time and knows nothing of escaping.
"""

import json
import re
import urllib.parse

NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NAME = re.compile(r"[A-Za-z0-9_]+")
KINDS = {"$": "str", ".": "dots", "%": "uri", "#": "num"}


class BadValueError(ValueError):
    """An expression is wrong."""


def token(s, i):  # noqa: C901 - one plain walk, to be read against the description
    """One token at s[i]: (kind, property or text, length, default, where the next one begins)."""
    c = s[i]
    if c in "'\"":
        j, out = i + 1, ""
        while True:
            k = s.find(c, j)
            if k < 0:
                raise BadValueError("literal not closed")
            out += s[j:k]
            if s[k + 1 : k + 2] == c:
                out += c
                j = k + 2
                continue
            return ("lit", out, None, None, k + 1)
    if c not in KINDS or s[i + 1 : i + 2] != "(":
        raise BadValueError("no token")
    j = k = i + 2
    while k < len(s) and s[k] not in ",):":
        k += 1
    prop, default = s[j:k].strip(), None
    if s[k : k + 2] == ":{":
        default, k = default_text(s, k + 2)
    n = None
    if s[k : k + 1] == ",":
        m = s.find(")", k)
        if m < 0:
            raise BadValueError(") expected")
        t = s[k + 1 : m].strip()
        if not re.fullmatch(r"\+?[0-9]+", t):
            raise BadValueError("n must be a non-negative integer")
        n, k = int(t), m
    if s[k : k + 1] != ")":
        raise BadValueError(") expected")
    if not NAME.fullmatch(prop) or len(prop) > 120:
        raise BadValueError("property name")
    if (c in "%#" and n is not None) or (c == "." and n is None):
        raise BadValueError("length")
    return (KINDS[c], prop, n, default, k + 1)


def default_text(s, k):
    """A default, and where it is over."""
    escaped, out = False, ""
    while True:
        if k >= len(s):
            raise BadValueError("default not closed")
        ch = s[k]
        if ch == "}" and not escaped:
            return out, k + 1
        if ch == "\\" and not escaped:
            escaped = True
        else:
            out += ch
            escaped = False
        k += 1


def text_of(kind, prop, n, default, known):
    """What one token says."""
    if kind == "lit":
        return prop
    v = known.get(prop.lower(), default if default is not None else "")
    if kind == "uri":
        return urllib.parse.quote(v, safe="-_.~")
    if kind == "str" and n is not None:
        return v[:n]
    if kind == "dots" and len(v) > n:
        return (v[: max(0, n - 3)] + "...")[:n]
    return v


def evaluate(expression, props):  # noqa: C901 - likewise
    """The value of an expression or a literal: a text, or a number."""
    known = {k.lower(): v for k, v in props.items()}
    if not expression.strip() or expression[0] not in "$.%#{":
        return expression
    s, composite = expression, expression[0] == "{"
    if composite:
        if s[-1] != "}":
            raise BadValueError("} expected")
        s = s[1:-1].rstrip()
    out, kinds, i = [], [], 0
    while True:
        while s[i : i + 1].isspace():
            i += 1
        if i >= len(s):
            raise BadValueError("token expected")
        kind, prop, n, default, i = token(s, i)
        kinds.append(kind)
        out.append(text_of(kind, prop, n, default, known))
        while s[i : i + 1].isspace():
            i += 1
        if i == len(s):
            break
        if s[i] != "+" or not composite:
            raise BadValueError("only + composes, in braces")
        i += 1
    if len(kinds) > 1 and "num" in kinds:
        raise BadValueError("# not allowed in composite")
    if kinds == ["num"] and NUMBER.fullmatch(out[0]):
        return json.loads(out[0])
    return "".join(out)
