"""Writes tables into docs/performance.md, between the lines that mark their places. What stands around them is written by
hand."""

import re

import builds

PAGE = builds.ROOT / "docs/performance.md"


def write(name, lines):
    page = PAGE.read_text()
    place = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.S)
    if not place.search(page):
        raise SystemExit(f"{PAGE} has no place for {name}")
    PAGE.write_text(place.sub(lambda found: found[1] + "\n" + "\n".join(lines) + "\n\n" + found[2], page))


def table(head, rows):
    cells = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return ["| " + " | ".join(row) + " |" for row in cells]


PEERS = {"liburing": "liburing", "bare": "bare loop", "call": "an empty call", "epoll": "epoll", "asio": "Asio",
         "asio_uring": "Asio on io_uring", "calls": "plain calls"}


def instruction_tables(result):
    lines = [f"Linux {result['kernel']} in the emulator; {described(result['versions'])}.", ""]
    for case in ("nop", "echo"):
        rows = [row for row in result["rows"] if row["name"].startswith(case)]
        peers = [peer for peer in PEERS if any(peer in row["counts"] for row in rows)]
        if not rows:
            continue
        body = []
        for row in rows:
            best = {peer: min(modes.values()) for peer, modes in row["counts"].items()}
            digits = 1 if case == "nop" else 0
            cells = [f"{best[peer]:.{digits}f} ({best['lio'] / best[peer]:.3f})" if peer in best else "" for peer in peers]
            body.append([row["name"], f"{best['lio']:.{digits}f}", *cells])
        lines += table(["instructions (lio : peer)", "lio-uring", *(PEERS[peer] for peer in peers)], body) + [""]
    return lines[:-1]


def described(versions):
    return ", ".join(f"{name} {version}" if name != "compiler" else version for name, version in versions.items() if version)


def quantity(value, unit):
    if unit.startswith("ns") and value >= 1e6:
        return f"{value / 1e6:.1f} ms"
    if unit.startswith("ns") and value >= 10000:
        return f"{value / 1000:.1f} us"
    return f"{value:.0f} {unit.split()[0]}"


def time_tables(result):
    machine = result["machine"]
    lines = [f"Linux {machine['kernel']}, {machine['processor']}, {machine['cpus']} CPUs; {described(result['versions'])}."]
    for case in dict.fromkeys(row["case"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["case"] == case]
        peers = list(dict.fromkeys(peer for row in rows for peer in row["ratios"]))
        body = []
        for row in rows:
            cells = []
            for peer in peers:
                ratio = row["ratios"].get(peer)
                spread = f" ({ratio['low']:.2f} to {ratio['high']:.2f})" if ratio and row["rounds"] > 1 else ""
                cells.append(f"{ratio['median']:.3f}{spread}" if ratio else "")
            body.append([row["name"], quantity(row["values"]["lio"]["median"], row["unit"]), *cells])
        lines += ["", *table([f"{case} (lio : peer)", "lio-uring", *(PEERS.get(peer, peer) for peer in peers)], body)]
    return lines
