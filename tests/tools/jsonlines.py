#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks lines of JSON against a schema, and prints them without what differs each time.

  jsonlines.py SCHEMA FILE [KEY...]

Prints of each line its type and the KEYs that it has, as JSON. The exit status is 1 if a line is wrong.
"""

import base64
import json
import re
import sys

TYPES = {"object": dict, "string": str, "integer": int, "number": (int, float), "boolean": bool}
SILENT = {"$schema", "title", "description"}


class Wrong(Exception):
    pass


def once(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise Wrong(f"a key is there twice: {pairs}")
    return dict(pairs)


def check(schema, value):
    """As much of JSON Schema as ours has."""
    for word, wanted in schema.items():
        if word == "type":
            good = isinstance(value, TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
        elif word == "const":
            good = value == wanted
        elif word == "enum":
            good = value in wanted
        elif word == "minimum":
            good = value >= wanted
        elif word == "maximum":
            good = value <= wanted
        elif word == "pattern":
            good = re.search(wanted, value)
        elif word == "required":
            good = set(wanted) <= set(value)
        elif word == "additionalProperties":
            good = set(value) <= set(schema["properties"])
        elif word == "properties":
            for key in set(wanted) & set(value):
                check(wanted[key], value[key])
            good = True
        elif word == "oneOf":
            good = check_one_of(wanted, value)
        else:
            good = word in SILENT
        if not good:
            raise Wrong(f"{word} is not {wanted!r}: {value!r}")


def check_one_of(schemas, value):
    fits = [one for one in schemas if one["properties"]["type"] == {"const": value.get("type")}]
    for one in fits:
        check(one, value)
    return len(fits) == 1


def check_names(event):
    """The bytes of a name say the same as its text."""
    for key, value in event.items():
        if key.endswith("_base64"):
            name = base64.b64decode(value, validate=True)
            text = event[key.removesuffix("_base64")]
            # One mark for each byte or several for a broken character: what is right is there
            parts = [re.escape(part) for part in re.split("\ufffd+", text)]
            if not re.fullmatch("[\ufffd]+".join(parts), name.decode(errors="replace")):
                raise Wrong(f"{text!r} is not {name!r}")
            event[key] = str(name)[2:-1]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    with open(sys.argv[2], "rb") as file:
        lines = file.read().split(b"\n")
    try:
        if lines.pop() != b"":
            raise Wrong("the last line has no end")
        events = [json.loads(line.decode(), object_pairs_hook=once) for line in lines]
        for event in events:
            check(schema, event)
            check_names(event)
        if [event["type"] for event in events].count("summary") != 1 or events[-1]["type"] != "summary":
            raise Wrong("there is no summary, or it is not the end")
        if events[0]["type"] != "started":
            raise Wrong("the first line is another")
    except (Wrong, ValueError) as wrong:
        print(f"jsonlines.py: {wrong}")
        sys.exit(1)
    for event in events:
        print(event["type"], json.dumps({key: event[key] for key in sys.argv[3:] if key in event}))


main()
