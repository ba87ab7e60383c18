"""How a caller's code is read by a type checker. Never run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_type

import pandas as pd
from matplotlib.axes import Axes

import mailframe as mf

people = pd.DataFrame({"email": ["ann@example.com"]})
letter = mf.Letter(
    sender="a@acme.example", to="{{ email }}", text_body="Hi", cc=["{{ email }}", pd.col("email")]
)
mf.Letter(template=7, model={"name": "{{ name }}", "orders": [pd.col("orders"), {"n": 1}]})
mf.Letter(template=pd.col("template"), model=lambda df: df["model"])
assert_type(mf.Letter.load("folder"), mf.Letter)
assert_type(letter.replace(subject="Hi"), mf.Letter)
campaign = mf.compose(people, letter, name="hello", key="email")
assert_type(campaign, mf.Campaign)
assert_type(campaign, mf.Campaign[pd.DataFrame])
assert_type(mf.compose(people, letter, allow_empty_subject=True), mf.Campaign)
assert_type(campaign.plan(), mf.Plan)
assert_type(campaign.problems(), pd.DataFrame)
assert_type(campaign.messages(), pd.DataFrame)
assert_type(campaign.messages(chunk_rows=2), Iterator[pd.DataFrame])
assert_type(campaign.message(0), mf.Message)
assert_type(campaign.message(key="ann@example.com"), mf.Message)
for batch in campaign.batches():
    assert_type(batch, mf.Batch)
    assert_type(batch.body, bytes)
    assert_type(batch.positions, tuple[int, ...])
tour = campaign.tour()
assert_type(tour, mf.Tour)
assert_type(tour.positions, tuple[int, ...])
assert_type(tour.frame(), pd.DataFrame)
campaign.preview(tour, static=True, mask=True).save("preview.html")
campaign.preview(["label"], save=False).close()
campaign.preview(people["email"].notna())
campaign.preview(campaign.problems()["row"])
campaign.preview(key=["ann@example.com"])
campaign.preview(server=mf.Postmark("token"))
assert_type(campaign.preview(), mf.Preview | mf.StaticPreview)
assert_type(campaign.gallery(), mf.Page)
assert_type(campaign.diff(0, 1), mf.Difference)
assert_type(tour.stops, tuple[mf.Stop, ...])
assert_type(tour.untaken, tuple[mf.Branch, ...])
campaign.gallery(n=3).save("sheet.html")
campaign.gallery(key="ann@example.com")
assert_type(campaign.diff(0, 1).frame(), pd.DataFrame)
assert_type(campaign.diff(key=("ann@example.com", "bob@example.com")).frame(), pd.DataFrame)
assert_type(campaign.diff(campaign, progress=False).frame(), pd.DataFrame)
assert_type(campaign.fingerprint, str)


def first_rows(campaign: mf.Campaign, rows: int, *, name: str = "first") -> mf.Campaign:
    """A function for ``pipe``."""
    return mf.compose(campaign.frame.head(rows), campaign.letter, name=name)


assert_type(campaign.pipe(first_rows, 5), mf.Campaign)
assert_type(campaign.pipe(first_rows, rows=5, name="five").plan(), mf.Plan)
campaign.pipe(first_rows, "5")  # type: ignore[arg-type]  # the argument of first_rows is an int
with mf.Sandbox() as sandbox:
    assert_type(campaign.send_test(sandbox.server, to="me@example.com", rows=tour), pd.DataFrame)
    assert_type(campaign.send(sandbox.server, approved=campaign.fingerprint), pd.DataFrame)
    campaign.send_test(sandbox.server, to="me@example.com", key=["ann@example.com"])
    resolved = mf.resolve(
        "hello", sandbox.server, as_="unsent", reason="not there", control="me@example.com"
    )
    assert_type(resolved, int)
    assert_type(campaign.send(sandbox.server, dry_run=True), pd.DataFrame)
    assert_type(campaign.plan().plot(), Axes)
    assert_type(sandbox, mf.Sandbox)
    assert_type(sandbox.server, mf.Postmark)
    answer = sandbox.server.send_email(campaign.message(0))
    assert_type(answer, mf.Answer)
    assert_type(answer.verdict, mf.Verdict)
    assert_type(answer.outcomes, tuple[mf.Outcome, ...])
    assert_type(sandbox.server.ask("/server"), mf.GetResult)
    assert_type(
        campaign.send(sandbox.server, on_invalid="skip", limit=1, workers=2, progress=False),
        pd.DataFrame,
    )
    assert_type(sandbox.messages(), pd.DataFrame)
assert_type(mf.read_results("results.csv"), pd.DataFrame)
try:
    campaign.send(mf.Postmark())
except mf.errors.InvalidRows as error:
    assert_type(error.problems, pd.DataFrame)
except mf.errors.SendError as error:
    assert_type(error.results, pd.DataFrame)
except mf.errors.MailframeWarning as warning:
    assert_type(warning.results, pd.DataFrame | None)
