"""Check that comments, docstrings, messages and documents are plain technical English.

Usage: python tools/check_prose.py [FILE ...]

Without arguments, checks every file that git tracks. Reports each phrase of `PHRASES` with its
position and a suggestion, and exits with 1 if there is one. A line that must quote a phrase ends
with the marker `prose: ignore`.
"""

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PHRASES: Final = {
    r"who(?:m|so)?ever|whosever": "name the user, client, server or caller",
    r"what(?:so)?ever (?:is|was|are|were|it|they|happens|comes|fails)": "name the thing",
    r"nobody|somebody|everybody": "no user, a user, all users; or name the role",
    r"told|(?:is|are|be) telling": "reported, sent, returned, shown, notified",
    r"tells? (?:whether|what|how|why|which|who|when|of|apart|that|nothing|a|an|the|all)": (
        "return whether; report; describe; distinguish"
    ),
    r"stands?|stood": "is, are; is declared in; is stored in",
    r"anew": "again, or name what is new",
    r"shall": "must, or the present tense",
    r"likewise": "also, or repeat the rule",
    r"let in|lets in": "authenticate, authorize, accept",
    r"(?:give|gives|gave|given) back": "return",
    r"(?:go|goes|going|went) on": "continue",
    r"said (?:so|of|why|that|what|to)": "reported, declared",
    r"there (?:is|are|was|were) none": "name what is missing",
    r"(?:return|returns|find|read|of|than|with|and|that|as) what (?:is|was|are|were|has|it|they)": (
        "name the thing"
    ),
    r"mends?|mended|mending": "fix",
    r"any more|no more(?=\s*[.,;:)])": "no longer",
    r"all the same": "still, anyway",
    r"the very": "the same, exactly the",
    r"beside (?:it|them|the|that|what|whom|its|a|an|each|others?|answering|all)": (
        "next to, in addition to"
    ),
    r"worth (?:something|nothing|what)": "valid, invalid",
    r"is meant|are meant": "is intended; acknowledged",
    r"at one's|to oneself|oneself": "exclusive, own",
    r"dearer|dearest|gravest|graver": "more expensive; most severe",
    r"couriers?|(?<!dead\s)letters? (?:of|to|that)": "webhook worker, dead letter",
    r"who (?:asks|asked|looks|follows|listens|waits|dies|was let)": "the user, client, subscriber",
    r"whose (?:share|turn|word)": "name the owner",
    r"in force": "active, applied, current",
    r"for people": "for display, human-readable",
    r"(?<!\")people(?!\()|people(?![(\"])": "users",
    r"doors?": "interface, endpoint",
    r"a moment|moments?": "time, timestamp",
    r"promis(?:e|es|ed|ing)": "SLA target",
}
"""Phrases of the project's former dialect, as regular expressions, with what to write instead."""

PATTERN: Final = re.compile(
    "|".join(
        rf"(?P<p{number}>\b(?:{phrase})\b)".replace(" ", r"\s+")
        for number, phrase in enumerate(PHRASES)
    ),
    re.IGNORECASE,
)
ADVICE: Final = tuple(PHRASES.values())
IGNORE: Final = "prose: ignore"
MARKDOWN_CODE: Final = re.compile(r"^( *)```.*?^\1```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
SUFFIXES: Final = {".py", ".md", ".graphql", ".yaml", ".yml", ".html", ".css", ".js", ".toml"}


class Finding(NamedTuple):
    """A phrase to rewrite."""

    file: Path
    line: int
    phrase: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: '{self.phrase}': {self.advice}"


def tracked_files() -> Iterator[Path]:
    """Yield the text files that git tracks, except this one."""
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    for path in map(Path, listed.stdout.splitlines()):
        if path.suffix in SUFFIXES and path.name != Path(__file__).name and path.exists():
            yield path


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what a reader of a file reads as English, each text with the number of its first line.

    Names count as their words.
    """
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in {tokenize.COMMENT, tokenize.STRING}:
                yield token.start[0], MARKDOWN_CODE.sub(blank, token.string)
            elif token.type == tokenize.NAME:
                yield token.start[0], token.string.replace("_", " ")
    elif path.suffix == ".md":
        yield 1, MARKDOWN_CODE.sub(blank, text)
    else:
        yield 1, text


def blank(match: re.Match[str]) -> str:
    """Return as many empty lines as the match has."""
    return "\n" * match[0].count("\n")


def check(path: Path) -> Iterator[Finding]:
    """Yield the findings of one file."""
    lines = path.read_text("utf-8").splitlines()
    for first, text in prose_of(path):
        for found in PATTERN.finditer(text):
            line = first + text.count("\n", 0, found.start())
            if IGNORE not in lines[line - 1]:
                number = int(str(found.lastgroup)[1:])
                yield Finding(path, line, found[0], ADVICE[number])


def main(arguments: list[str]) -> int:
    """Print all findings; return the exit code."""
    paths = [Path(each) for each in arguments] or tracked_files()
    findings = [finding for path in paths for finding in check(path)]
    for finding in findings:
        print(finding)
    print(f"{len(findings)} phrases to rewrite" if findings else "prose: no findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
