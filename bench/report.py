"""The table: medians per case and peer, their ratios, and whether the targets are reached."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from bench.cases import TITLES, Case, Target
from bench.load import Sample
from bench.peers.base import Peer

STEADY = 1.3  # fastest over slowest round
Results = dict[Case, dict[str, list[Sample]]]


def table(results: Results, peers: Sequence[Peer], subject: str, targets: Mapping[Case, Sequence[Target]]) -> str:
    """A markdown table, a line per case: requests per second, the subject's ratios, the targets."""
    measured = any(peer.name == subject for peer in peers)
    rivals = [peer for peer in peers if measured and peer.name != subject]
    rates_of, ratios_to = [f"{peer.title} /s" for peer in peers], [f"x {peer.title}" for peer in rivals]
    heads = ["case", *rates_of, *ratios_to, "target"]
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 2), "---"])]
    for case, by_peer in results.items():
        rates = {name: median(sample.per_second for sample in samples) for name, samples in by_peer.items()}
        figures = [f"{rates[peer.name]:,.0f}" if peer.name in rates else "-" for peer in peers]
        ratios = [_ratio(by_peer, subject, rival.name) for rival in rivals]
        wanted = ", ".join(_target(target, subject, by_peer) for target in targets.get(case, ())) or "-"
        told = ["-" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        lines.append(_line([TITLES[case], *figures, *told, wanted]))
    return "\n".join(lines)


def latencies(results: Results, peers: Sequence[Peer]) -> str:
    """A markdown table of median and 99th percentile latency and of processor time, medians over the rounds."""
    served = [peer for peer in peers if any(by[peer.name][0].p99_ms for by in results.values() if peer.name in by)]
    lines = [
        _line(["latency p50 / p99, ms; processor time a request, us", *(peer.title for peer in served)]),
        _line(["---", *["---:"] * len(served)]),
    ]
    for case, by_peer in results.items():
        lines.append(_line([TITLES[case], *(_latency(by_peer.get(peer.name)) for peer in served)]))
    return "\n".join(lines)


def failures(results: Results) -> list[str]:
    """One sentence for each case and peer that refused or broke requests under load."""
    found = []
    for case, by_peer in results.items():
        for name, samples in by_peer.items():
            if count := sum(sample.failures for sample in samples):
                found.append(f"{name} failed {count:,} requests of `{case}`: its figure does not count")
    return found


def unsteady(results: Results) -> list[str]:
    """One sentence for each case and peer whose rounds differ so much that the machine was not quiet."""
    found = []
    for case, by_peer in results.items():
        for name, samples in by_peer.items():
            rates = [sample.per_second for sample in samples]
            if max(rates) > STEADY * min(rates):
                found.append(f"unsteady: {name} `{case}` {min(rates):,.0f} to {max(rates):,.0f} /s")
    return found


def _latency(samples: list[Sample] | None) -> str:
    if samples is None:
        return "-"
    times = f"{median(s.p50_ms for s in samples):.2f} / {median(s.p99_ms for s in samples):.2f}"
    return f"{times}; {median(s.cpu_us for s in samples):,.0f}"


def median_ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> float:
    """The median of the rounds' ratios: what slows the machine for a while slows both. Infinite where nothing was answered."""
    rounds = zip(ours, theirs, strict=True)
    return median(one.per_second / other.per_second if other.per_second else math.inf for one, other in rounds)


def _ratio(by_peer: dict[str, list[Sample]], subject: str, rival: str) -> float | None:
    if subject not in by_peer or rival not in by_peer:
        return None
    return median_ratio(by_peer[subject], by_peer[rival])


def _target(target: Target, subject: str, by_peer: dict[str, list[Sample]]) -> str:
    wanted = f"{target.ratio:g}x {target.peer}"
    ratio = _ratio(by_peer, subject, target.peer)
    if ratio is None:
        return wanted
    reached = ratio >= target.ratio
    return f"{wanted}: {'reached' if reached else '**missed**'}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
