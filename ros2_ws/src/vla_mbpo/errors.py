"""Errors of the project. Each message says what, where, what was expected and what exists.

Command lines print the message of a `VlaMbpoError` as one line and exit with code 2; any other exception is a defect.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggestion ' Did you mean ...?' for a mistyped name, or an empty string."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f' Did you mean {found[0]!r}?' if found else ''


class VlaMbpoError(Exception):
    """Base of every error that a user can cause and mend."""


class ConfigError(VlaMbpoError):
    """A configuration file or mapping does not fit its schema."""

    def __init__(self, source: str, problems: Iterable[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(f'{source}: ' + '; '.join(self.problems))


class UnknownNameError(VlaMbpoError):
    """A name that is looked up does not exist; lists what does."""

    def __init__(self, kind: str, name: str, *, known: Iterable[str], where: str = '') -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        place = f' in {where}' if where else ''
        listing = ', '.join(self.known) or 'none'
        super().__init__(
            f'unknown {kind} {name!r}{place}; known: {listing}.{nearest(name, self.known)}'
        )


class ShapeError(VlaMbpoError):
    """An array does not have the shape that its name promises."""

    def __init__(self, name: str, *, expected: object, got: object) -> None:
        super().__init__(f'{name}: expected shape {expected}, got {got}')


class MissingDependencyError(VlaMbpoError):
    """A package, library or device that the user asked for is not there."""

    def __init__(self, what: str, *, needed_for: str, remedy: str) -> None:
        super().__init__(f'{what} is missing; it is needed for {needed_for}. {remedy}')


class DatasetError(VlaMbpoError):
    """A dataset folder cannot be used as asked; nothing in it was changed."""

    def __init__(self, root: Path, problem: str) -> None:
        self.root = root
        super().__init__(f'dataset {root}: {problem}')
