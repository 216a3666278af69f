"""Leaves the members that are null out of a JSON document; everything else stays byte for byte."""

from __future__ import annotations

import re

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^{}\[\],:"\s]+|\s+', re.DOTALL)


def strip_nulls(body: bytes) -> bytes:
    """The document without null members of objects, at every depth. Nulls in arrays stay."""
    kept: list[bytes] = []
    pending: bytes | None = None
    for token in _TOKEN.findall(body):
        if token == b":":
            pending = kept.pop()
        elif pending is not None and not token.isspace():
            if token != b"null":
                kept += [pending, b":", token]
            pending = None
        elif token == b"," and (not kept or kept[-1] in (b"{", b",")):
            continue
        else:
            if token == b"}" and kept and kept[-1] == b",":
                kept.pop()
            kept.append(token)
    return b"".join(kept)
