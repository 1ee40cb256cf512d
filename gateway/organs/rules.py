"""How organs are searched: by every word, in name or code, with or without the accents of Vietnamese. Pure."""

import unicodedata

from contracts.messages.registry import OrganChanged


def fold(text: str) -> str:
    """Lower case without accents, one blank between words: `Phường  Đồng Tiến` is `phuong dong tien`."""
    plain = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return " ".join(plain.replace("đ", "d").replace("Đ", "D").casefold().split())


def search_text(organ: OrganChanged) -> str:
    """What an organ is found by: name, code and aliases."""
    return fold(" ".join((organ.name, organ.code, *(alias.code for alias in organ.aliases))))


def search_words(query: str) -> list[str]:
    """All of these must occur; none given finds everything."""
    return fold(query).split()
