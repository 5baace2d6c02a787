#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Python accepts and nobody means: a name that is defined twice in one place. Prints one line a finding."""

import ast
import sys


def check(path, body):
    """Functions and classes of one body, and those inside them. Returns the number of findings."""
    seen, findings = {}, 0
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if node.name in seen and not node.decorator_list:
                findings += 1
                print(f"{path}:{node.lineno}: {node.name} is defined in line {seen[node.name]} already")
            seen[node.name] = node.lineno
            findings += check(path, node.body)
    return findings


def main():
    findings = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            findings += check(path, ast.parse(file.read(), path).body)
    return findings > 0


sys.exit(main())
