"""The sample letter, people for it, and its templates as a careful loop compiles them."""

from __future__ import annotations

import base64
from calendar import month_name
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd
from jinja2 import DictLoader, Environment

import mailframe as mf
from benchmarks.frame import people, with_missing
from benchmarks.loops import text_environment
from mailframe.letter.jinja.own_lines import keep_lines_with_text

if TYPE_CHECKING:
    import datetime as dt

    from jinja2 import Template

FOLDER: Final = Path(__file__).parent.parent / "sample_data" / "letters" / "renewal"
LETTER: Final = mf.Letter.load(FOLDER)
USED_COLUMNS: Final = (
    *("customer_id", "first_name", "last_name", "email", "company", "plan", "seats", "price"),
    *("currency", "renews_on", "account_manager"),
)
_UNSUBSCRIBE: Final = "{{{ pm:unsubscribe }}}"
_SYMBOLS: Final = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥"}
_PRICES: Final = {"free": 0.0, "team": 49.0, "business": 129.0, "enterprise": 499.0}
_MANAGERS: Final = ["Ines Duarte", "Tom Reed", "Yuki Mori", "Freja Lund"]
_SEED: Final = 20_261_126


def renewals(rows: int) -> pd.DataFrame:
    """People with the columns of ``sample_data/customers.csv``; the same number, the same frame.

    Some names, plans, seats, dates and account managers are missing, as in the sample.

    >>> renewals(3).shape
    (3, 17)
    """
    dice = np.random.default_rng(_SEED)
    some = people(rows)
    plan = _picked(dice, list(_PRICES), rows)
    return pd.DataFrame(
        {
            "customer_id": np.arange(10_001, 10_001 + rows),
            "first_name": with_missing(dice, some["first_name"], share=0.03),
            "last_name": with_missing(dice, some["last_name"], share=0.03),
            "email": some["email"],
            "company": some["company"],
            "plan": with_missing(dice, plan, share=0.05),
            "seats": with_missing(dice, some["seats"].astype("Int64"), share=0.05),
            "price": plan.map(_PRICES).astype("float64"),
            "currency": _picked(dice, list(_SYMBOLS), rows),
            "renews_on": with_missing(dice, some["renews_on"], share=0.03),
            **{
                name: some[name] for name in ("country", "zip", "source", "last_login", "consented")
            },
            "account_manager": with_missing(dice, _picked(dice, _MANAGERS, rows), share=0.2),
            "notes": some["notes"],
        }
    )


def _picked(dice: np.random.Generator, words: list[str], rows: int) -> pd.Series[str]:
    return pd.Series(dice.choice(words, rows), dtype="str")


@dataclass(frozen=True, slots=True)
class Templates:
    """The letter's templates, compiled as Jinja's documentation shows it; constants made once."""

    to: Template
    subject: Template
    html_body: Template
    text_body: Template
    customer: Template
    plan: Template
    constants: dict[str, Any]

    @classmethod
    def compiled(cls) -> Templates:
        """All templates; only that of the HTML part escapes values."""
        plain, markup = _environment(html=False), _environment(html=True)
        metadata = dict(cast("Any", LETTER.metadata))
        return cls(
            to=plain.from_string(str(LETTER.to)),
            subject=plain.get_template("subject.txt"),
            html_body=markup.get_template("body.html"),
            text_body=plain.get_template("body.txt"),
            customer=plain.from_string(metadata["customer"]),
            plan=plain.from_string(metadata["plan"]),
            constants=_constants(),
        )

    def message(self, record: Any) -> dict[str, Any]:
        """The mail of one row as Postmark's fields."""
        return {
            "To": self.to.render(record),
            "Subject": self.subject.render(record),
            "HtmlBody": self.html_body.render(record),
            "TextBody": self.text_body.render(record),
            "Metadata": {
                "customer": self.customer.render(record),
                "plan": self.plan.render(record),
            },
            **self.constants,
        }


def _environment(*, html: bool) -> Environment:
    """An environment with the files of the letter, and the two filters that it uses."""
    raw = f"{{% raw %}}{_UNSUBSCRIBE}{{% endraw %}}"
    texts = {
        path.name: path.read_text(encoding="utf-8").replace(_UNSUBSCRIBE, raw)
        for path in FOLDER.iterdir()
        if path.suffix in {".html", ".txt"}
    }
    if html:
        environment = Environment(autoescape=True, loader=DictLoader(texts))
    else:
        kept = {name: keep_lines_with_text(text) for name, text in texts.items()}
        environment = text_environment(loader=DictLoader(kept))
    environment.filters |= {"date": _date, "money": _money}
    return environment


def _date(value: dt.date) -> str:
    return f"{value.day} {month_name[value.month]} {value.year}"


def _money(value: float, currency: str) -> str:
    return f"{_SYMBOLS[currency]}{value:,.{0 if currency == 'JPY' else 2}f}"


def _constants() -> dict[str, Any]:
    """What is the same for every row."""
    return {
        "From": LETTER.sender,
        "ReplyTo": str(LETTER.reply_to),
        "Tag": str(LETTER.tag),
        "MessageStream": LETTER.message_stream,
        "TrackOpens": True,
        "TrackLinks": "HtmlAndText",
        "Headers": [{"Name": "X-Auto-Response-Suppress", "Value": "OOF, AutoReply"}],
        "Attachments": [
            _attachment("logo.png", "image/png") | {"ContentID": "cid:logo.png"},
            _attachment("terms.txt", "text/plain"),
        ],
    }


def _attachment(name: str, content_type: str) -> dict[str, str]:
    content = base64.b64encode((FOLDER / name).read_bytes()).decode()
    return {"Name": name, "Content": content, "ContentType": content_type}
