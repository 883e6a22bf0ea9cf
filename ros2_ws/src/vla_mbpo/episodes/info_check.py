"""Whether what is said about an episode can be stored, and shown again on one line."""

import unicodedata
from dataclasses import asdict

from vla_mbpo.episodes.schema import EpisodeInfo

MAX_CHARACTERS = 2000
SHOWN_CHARACTERS = 40


def info_problem(info: EpisodeInfo) -> str | None:
    """What is wrong with a text of `info`, in words; None if nothing is."""
    texts = {name: value for name, value in asdict(info).items() if isinstance(value, str)}
    for name, text in texts.items():
        if len(text) > MAX_CHARACTERS:
            return f'{name} has {len(text)} characters, expected at most {MAX_CHARACTERS}'
        if any(unicodedata.category(character) in ('Cc', 'Cs') for character in text):
            shown = ascii(text[:SHOWN_CHARACTERS])
            return f'{name} {shown} has control characters or is no Unicode text'
    if not info.task or not info.instruction:
        return 'task and instruction are needed'
    return None
