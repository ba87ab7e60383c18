"""The same people, other keys and names: ``python -m tests.send.ledger.respelling --seconds 60``.

Each round sends one table of people several times: read again with another dtype, respelled,
shuffled, under the same or another name, by one thread or by three at once. The judge is the
sandbox: no person may have two copies.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from threading import Thread

import pandas as pd

import mailframe as mf
from mailframe import errors
from tests.campaigns import LETTER, send_with

LETTERS = (
    LETTER.replace(subject="Your plan", text_body="It renews.", metadata={"customer": "{{ id }}"}),
    LETTER.replace(subject="Your plan", text_body="It renews.", metadata=None),
    LETTER.replace(subject="Your plan", text_body="Customer {{ id }}: it renews.", metadata=None),
)
"""The key in the metadata, nowhere, and in the text, where only its spelling is comparable."""


def table(chance: random.Random, rows: int) -> str:
    """A CSV of people; ids with zeros in front, or with letters."""
    width = chance.choice([4, 6, 12])
    start = chance.choice(["", "", "", "ab-", "Kd"])
    numbers = chance.sample(range(1, 10 ** min(width, 6)), rows)
    ids = [f"{start}{number:0{width}}" for number in numbers]
    return pd.DataFrame({"id": ids, "email": [f"p{n}@example.com" for n in range(rows)]}).to_csv(
        index=False
    )


def with_zeros(frame: pd.DataFrame) -> pd.DataFrame:
    """More zeros in front of each number."""
    return frame.assign(id=frame["id"].str.replace(r"^0*(?=\d+$)", "000000", regex=True))


def read_again(chance: random.Random, text: str) -> pd.DataFrame:
    """The same table as somebody else reads it."""
    ways = (
        lambda: pd.read_csv(io.StringIO(text), dtype={"id": str}),
        lambda: pd.read_csv(io.StringIO(text)),
        lambda: pd.read_csv(io.StringIO(text), dtype={"id": object}),
        lambda: pd.concat([pd.read_csv(io.StringIO(text)), pd.DataFrame({"x": [1]})]).iloc[:-1],
        lambda: pd.read_csv(io.StringIO(text), dtype={"id": str}).assign(
            id=lambda df: df["id"].str.upper()
        ),
        lambda: pd.read_csv(io.StringIO(text), dtype={"id": str}).assign(
            id=lambda df: " " + df["id"] + " "
        ),
        lambda: pd.read_csv(io.StringIO(text), dtype={"id": str}).assign(
            id=lambda df: df["id"].str.replace(r"^0*(?=\d+$)", "000000", regex=True)
        ),
        lambda: pd.read_csv(io.StringIO(text), dtype={"id": str}).assign(
            email=lambda df: df["email"].str.upper()
        ),
    )
    frame = (
        chance.choice(ways)()
        if chance.random() < 0.9
        else pd.read_csv(io.StringIO(text)).convert_dtypes()
    )
    frame = frame.drop(columns="x", errors="ignore")
    return frame.sample(frac=1.0, random_state=chance.randrange(2**31))


def one_round(seed: int, rows: int) -> Counter[str]:
    """Send one table in several readings; how often what happened.

    Raises:
        AssertionError: somebody got the mail twice, or a row lies.
    """
    chance = random.Random(seed)
    text, letter = table(chance, rows), chance.choice(LETTERS)
    one_name = letter is LETTERS[2]  # another id in the text is another mail under another name
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, mf.Sandbox(in_process=True) as sandbox:
        ledger = str(Path(folder) / "ledger.sqlite3")

        def send() -> None:
            frame = read_again(chance, text)
            name = "plans" if one_name else chance.choice(["plans", "plans", "other", "third"])
            limit = chance.choice([None, None, rows // 3])
            try:
                results = send_with(
                    frame.mail.compose(letter, name=name, key="id"),
                    sandbox.server,
                    ledger=ledger,
                    limit=limit,
                )
                seen["sent" if results["status"].eq("accepted").any() else "nothing to send"] += 1
            except errors.MailframeError as error:
                seen[type(error).__name__] += 1

        for _ in range(6):
            senders = [Thread(target=send) for _ in range(chance.choice([1, 1, 2, 3]))]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
        copies = Counter(to.lower() for to in sandbox.messages()["To"])
    twice = {to: count for to, count in copies.items() if count > 1}
    assert not twice, f"seed {seed}: {len(twice)} people have it twice"
    seen["people mailed"] += len(copies)
    seen["people mailed twice"] += len(twice)
    return seen


def main() -> None:
    """Rounds until the time is up; the counts at the end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    until, seed, seen = time.monotonic() + chosen.seconds, chosen.seed, Counter[str]()
    while time.monotonic() < until:
        seen += one_round(seed, chosen.rows)
        seed += 1
    sys.stdout.write(f"seeds {chosen.seed} to {seed - 1}: {dict(seen)}\n")


if __name__ == "__main__":
    main()
