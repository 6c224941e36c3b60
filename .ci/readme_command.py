"""Print README's command of that name: the one line of the code block under `<!-- NAME -->`."""

import re
import sys
from pathlib import Path

name = sys.argv[1]
readme = Path(__file__).resolve().parents[1] / "README.md"
text = readme.read_text(encoding="utf-8")
match = re.search(rf"<!-- {re.escape(name)} -->\s*```\w*\n(.+?)\n```", text, re.DOTALL)
if match is None or "\n" in match.group(1):
    sys.exit(f"README.md has no one-line code block under <!-- {name} -->")
print(match.group(1))
