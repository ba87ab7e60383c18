"""What must be equal with every pandas: keys and messages of frames, and a ledger that was begun.

``files/digests.json`` and the ledgers ``files/pandas-….sqlite3.gz`` were written with the versions
of pandas in their names: ``python -m tests.send.ledger.across_pandas`` writes both anew.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

import mailframe as mf
from tests.campaigns import send_with
from tests.frames import ZOO

FILES = Path(__file__).parent / "files"
DIGESTS = FILES / "digests.json"
BODY = "{% for name in row %}{{ name }}={{ row[name] | d('-') }}\n{% endfor %}"
CSV = '''\
customer_id,email,name,seats,since,price,vip,note
7,ann@example.com,Ann,3,2026-11-01,9.50,True,
8,bob@example.com,,,2026-11-02T09:30:00,1e5,False,NA
0009,cleo@example.com,Cléo,5,,0.1,True,"a, ""b"""
10,dora@example.com,Dora,7,2026-11-04,,False,-
11,emil@example.com,Emil,,2026-11-05,12,,x
'''
"""What an analyst reads: whole numbers and dates with missing values, text, amounts, truths."""
DONE = 3


def recorded_of(frame: pd.DataFrame) -> dict[str, Any]:
    """The digests of keys and messages of a frame, and the problems of its rows."""
    letter = mf.Letter(sender="a@acme.example", subject="Hi", text_body=BODY)
    key = "x" if "x" in frame.columns else None
    campaign = mf.compose(frame, letter, to="{{ row['email'] }}", key=key)
    preflight = campaign._composed.preflight()
    digests = {
        name: hashlib.sha256(b"".join(column.at(row) for row in range(len(frame)))).hexdigest()
        for name, column in (("keys", preflight.keys), ("contents", preflight.contents))
    }
    problems = campaign.problems()[["position", "field", "code"]]
    return digests | {"problems": problems.astype(str).to_csv(index=False).split()}


def recorded() -> dict[str, Any]:
    """The digests of every frame of the zoo that can be composed."""
    made = {}
    for name, build in ZOO.items():
        frame = build()
        if "email" in frame.columns and frame.columns.is_unique:
            made[name] = recorded_of(frame)
    return made


def campaign(rows: int) -> mf.Campaign:
    """The campaign over the first rows of the CSV."""
    frame = pd.read_csv(io.StringIO(CSV), dtype={"note": "str"}).head(rows)
    frame["since"] = pd.to_datetime(frame["since"], format="ISO8601")
    return frame.mail.compose(
        sender="Acme <hello@acme.example>",
        to="{{ name | d('Customer') }} <{{ email }}>",
        subject="{{ seats | d('No') }} seats",
        text_body=BODY,
        metadata={"since": "{{ since | d('-') }}"},
        name="begun",
        key="customer_id",
    )


def send_to(sandbox: mf.Sandbox, rows: int, ledger: str | Path) -> pd.DataFrame:
    """Send to the first rows."""
    return send_with(campaign(rows), sandbox.server, ledger=ledger)


def write_files() -> None:
    """Write the digests, and the ledger of this pandas."""
    DIGESTS.write_text(json.dumps(recorded(), indent=1) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger.sqlite3")
        with mf.Sandbox(in_process=True, server_id=7, delivery_type="Sandbox") as sandbox:
            send_to(sandbox, DONE, path)
        content = gzip.compress(path.read_bytes(), mtime=0)
    version = pd.__version__.rpartition(".")[0]
    (FILES / f"pandas-{version}.sqlite3.gz").write_bytes(content)


if __name__ == "__main__":
    write_files()
