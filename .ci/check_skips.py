"""Fail when a test skipped that is not on the list of those that may.

Each line of the list is a regular expression for "test id: reason"; `#` starts a comment.
"""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

report, allowed = map(Path, sys.argv[1:3])
rules = [
    re.compile(line)
    for line in allowed.read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]
skipped = [
    f"{case.get('classname')}.{case.get('name')}: {mark.get('message')}"
    for case in ElementTree.parse(report).iter("testcase")
    for mark in case.iter("skipped")
]
surprises = [text for text in skipped if not any(rule.search(text) for rule in rules)]
for text in surprises:
    print(f"skipped, and not on the list of what may skip: {text}")
print(f"{len(skipped)} skipped, {len(surprises)} of them not allowed")
sys.exit(bool(surprises))
