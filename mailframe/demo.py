"""The demo: the sample campaign from the DataFrame to the results CSV, with a local Postmark."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

import mailframe as mf
from mailframe.pages.text import one_line
from mailframe.results.csv import is_free, write_csv, wrote

if TYPE_CHECKING:
    from mailframe.campaign import Campaign

NAME = "renewals-2026-11"
AUTHOR = "mailframe demo"


def sample_data() -> Path:
    """The folder of the sample data: inside an installed wheel, beside the package in a checkout.

    >>> (sample_data() / "customers.csv").exists()
    True
    """
    inside = Path(__file__).parent / "sample_data"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "sample_data"


def sample_customers(rows: int | None = None) -> pd.DataFrame:
    """The sample customers, one per row; zip codes are text, and "NA" can be a name.

    Args:
        rows: the number of rows, from the first; None for all.
    """
    text = {"zip": "str", "price": "str"}
    customers = pd.read_csv(
        sample_data() / "customers.csv", dtype=text, keep_default_na=False, na_values=[""]
    )
    return customers if rows is None else customers.head(rows)


def sample_campaign(rows: int | None = None) -> Campaign:
    """The sample campaign, for the customers who consented."""
    letter = mf.Letter.load(sample_data() / "letters" / "renewal")
    campaign: Campaign = (
        sample_customers(rows).query("consented").mail.compose(letter, name=NAME, key="customer_id")
    )
    return campaign


def sample_sandbox() -> mf.Sandbox:
    """A sandbox with the sample's inactive recipients."""
    inactive = pd.read_csv(sample_data() / "suppressions.csv")["EmailAddress"].tolist()
    return mf.Sandbox(suppressions={"broadcast": inactive})


def demo(*, out: Path, rows: int | None) -> None:
    """Run the demo: print each step, and write *out*."""
    if not out.absolute().parent.is_dir():
        raise mf.errors.MailframeError(f"{out}: there is no folder {out.parent}")
    _refuse_to_overwrite(out)
    began = time.perf_counter()
    campaign = sample_campaign(rows)
    print(f"campaign   {campaign!r}")
    with sample_sandbox() as sandbox:
        _look(campaign, sandbox)
        results = _sent(campaign, sandbox)
    _refuse_to_overwrite(out)  # it may have been written while the demo ran
    write_csv(results, out, author=AUTHOR)
    took_s = time.perf_counter() - began
    print(f"{out}: {len(results):,} rows, one for each row of the campaign, in {took_s:.1f} s")
    print(_next(out))


def _look(campaign: mf.Campaign[pd.DataFrame], sandbox: mf.Sandbox) -> None:
    """Print the plan, the tour and the problems."""
    print(f"plan       {campaign.plan(sandbox.server)}")
    tour = campaign.tour(progress=False)
    print(f"tour       {len(tour)} of {tour.rows:,} rows cover every branch of the templates:\n")
    print("\n".join(f"  row {row!s:<6} {_shortened(reason)}" for row, reason in _first_stops(tour)))
    problems = campaign.problems()
    print(
        f"\nproblems   {len(problems):,} found before anything is sent; the first of each kind:\n"
    )
    print(_table(problems.drop_duplicates("code")[["row", "field", "code", "severity"]]))


def _sent(campaign: mf.Campaign[pd.DataFrame], sandbox: mf.Sandbox) -> pd.DataFrame:
    """Send twice, and print what came of it; the results of the first send."""
    with TemporaryDirectory() as folder:
        print(f"\nsending to a local Postmark, {sandbox.url}; nothing leaves this machine")
        ledger = Path(folder) / "ledger.sqlite3"  # not the ledger of the person who runs it
        results = campaign.send(sandbox.server, on_invalid="skip", ledger=ledger)
        again = campaign.send(sandbox.server, on_invalid="skip", ledger=ledger, progress=False)
        arrived = len(sandbox.messages())
    print(f"\n{_table(results.mail.summary().drop(columns='Message'))}")
    print(f"\nthe sandbox holds {arrived:,} messages, one for each accepted row")
    already = int((again["reason"] == "already_sent").sum())
    print(f"sent again, as if the cell was run twice: {already:,} already sent, no duplicate sends")
    return results


def _refuse_to_overwrite(out: Path) -> None:
    """Refuse to overwrite a file that is not of an earlier demo."""
    if out.is_dir():
        raise mf.errors.MailframeError(
            f"{out} is a folder; name a file: python -m mailframe demo --out demo.csv"
        )
    if not is_free(out) and not wrote(AUTHOR, out):
        raise mf.errors.MailframeError(
            f"{out} or its metadata file exists, and was not written by the demo as it is now; "
            "name another file: python -m mailframe demo --out demo.csv"
        )


def _first_stops(tour: mf.Tour) -> list[tuple[object, str]]:
    labels = tour.frame()["row"].tolist()
    return [(label, stop.reasons[0]) for label, stop in zip(labels, tour.stops, strict=True)][:4]


def _table(frame: pd.DataFrame) -> str:
    text = frame.to_string(index=False, na_rep="-", formatters={"reason": _shortened})
    return "\n".join(f"  {line}" for line in text.splitlines())


def _shortened(value: object) -> str:
    return "-" if pd.isna(value) else one_line(str(value), most=60)  # type: ignore[call-overload]  # a cell


def _next(out: Path) -> str:
    return f"""
next
  see it first    campaign.preview() in a notebook, campaign.preview().save("preview.html") anywhere
  read it again   python -c "import mailframe as mf; print(mf.read_results('{out}').mail.summary())"
  your own frame  df.mail.compose(to="{{{{ email }}}}", sender=…, subject=…, text_body=…).plan()
  in a notebook   notebooks/01_quickstart.ipynb
  a local server  python -m mailframe sandbox"""
