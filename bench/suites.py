"""What can be measured side by side: for each suite its peers, its cases and its targets. The first peer is the subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.cases import TARGETS, Case, Target
from bench.peers.bare_driver import BareDriverPeer, PipelinePeer, RolePeer
from bench.peers.bare_sql import BareSqlPeer
from bench.peers.base import Peer
from bench.peers.constant import ConstantPeer
from bench.peers.fastapi import FastApiPeer
from bench.peers.mainspring import MainspringPeer
from bench.peers.pocketbase import PocketBasePeer
from bench.peers.postgres import AppModePeer, DatabaseModePeer
from bench.peers.rows import HundredThousandPeer, MillionPeer, TenThousandPeer


@dataclass(frozen=True, slots=True)
class Suite:
    """Peers, the cases they are asked, the ratios their subject is to reach, and what must be known to read the table.

    The cases `apart` are measured only when `--only` names them.
    """

    peers: tuple[type[Peer], ...]
    cases: tuple[Case, ...]
    targets: Mapping[Case, tuple[Target, ...]]
    notes: str = ""
    apart: tuple[Case, ...] = ()

    @property
    def subject(self) -> str:
        """The name of the peer whose ratios to the others are told."""
        return self.peers[0].name


SUITES: dict[str, Suite] = {
    "sqlite": Suite(
        (MainspringPeer, PocketBasePeer, FastApiPeer, ConstantPeer, BareSqlPeer),
        tuple(case for case in Case if case is not Case.SEARCH),
        TARGETS,
        "Durability: Mainspring and the bare SQL loop commit with synchronous=FULL; PocketBase (its built-in setting)\n"
        "and the FastAPI application with synchronous=NORMAL, which may lose the last commits at a power cut.",
        apart=(Case.SEARCH,),
    ),
    "rows": Suite(
        (MillionPeer, HundredThousandPeer, TenThousandPeer),
        (Case.BY_ID, Case.LIST),
        dict.fromkeys((Case.BY_ID, Case.LIST), (Target("rows_10k", 0.85),)),
        "The same reads by an index of 10^4, 10^5 and 10^6 posts in SQLite.",
    ),
    "postgres": Suite(
        (AppModePeer, DatabaseModePeer, BareDriverPeer, PipelinePeer, RolePeer),
        (Case.BY_ID, Case.LIST, Case.MINE),
        dict.fromkeys((Case.BY_ID, Case.LIST, Case.MINE), (Target("driver", 0.6),)),
        "PostgreSQL, both servers and the loops share the machine. App mode over database mode is what switching roles costs;\n"
        "bare psycopg over the same with the role switched is what it costs the driver alone.",
    ),
}
