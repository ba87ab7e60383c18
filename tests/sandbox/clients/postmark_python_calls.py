"""The calls of postmark-python 0.4, and what their answers show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from postmark.exceptions import PostmarkAPIException
from postmark.models.servers import ServerColor
from postmark.models.streams import MessageStreamType

from tests.sandbox.clients.seeded import (
    BOUNCING,
    RECIPIENT,
    SENDER,
    Call,
    Seeded,
)

MAIL = {"From": SENDER, "To": RECIPIENT, "Subject": "Hi", "TextBody": "Hi"}
NO_ID = "4bba52b4-8a54-4eb8-b7d3-22fe251ffc99"


@dataclass(frozen=True)
class Official:
    """The two clients of the package, and what they find."""

    client: Any
    account: Any
    seed: Seeded

    def template(self, **fields):
        """A new template."""
        alias = self.seed.name("a")
        fields = {"Name": alias, "Alias": alias, "Subject": "Hi", "TextBody": "{{name}}"} | fields
        return self.client.templates.create(fields)

    def templated(self):
        """A message that uses a new template."""
        model = {"name": "Ann"}
        template_id = self.template().template_id
        return {"TemplateId": template_id, "TemplateModel": model, "From": SENDER, "To": RECIPIENT}

    def stream(self):
        """A new message stream."""
        kind = MessageStreamType.BROADCASTS
        return self.client.stream.create(self.seed.name("s"), "News", kind)

    def old_stream(self):
        """A message stream that can be archived."""
        stream = self.stream()
        self.seed.sandbox.advance("3s")
        return stream

    def webhook(self):
        """A new webhook."""
        return self.client.webhooks.create("http://127.0.0.1:9/hook")

    def rule(self):
        """A new inbound rule."""
        return self.client.inbound_rules.create(f"{self.seed.name('r')}.example.org")

    def server(self):
        """A new server."""
        return self.account.server.create(self.seed.name("Server"))

    def domain(self):
        """A new domain."""
        return self.account.domain.create(f"{self.seed.name('d')}.example.org")

    def signature(self):
        """A new sender signature."""
        return self.account.signature.create(f"{self.seed.name('s')}@acme.example.org", "Ann")

    def removal(self):
        """A new request to remove data."""
        return self.account.data_removals.create("me@example.com", "ann@example.com")


def refusal(call, *arguments):
    """The code and text of the error that *call* raises."""
    with pytest.raises(PostmarkAPIException) as caught:
        call(*arguments)
    return caught.value.error_code, caught.value.message


def removed(answer):
    """Whether the text of *answer* says that something is removed."""
    return answer.error_code == 0 and answer.message.endswith("removed.")


RENEWED = (505, "This DKIM is already being renewed.")
CALLS = {
    # outbound
    "outbound.send": Call(lambda o: o.client.outbound.send(MAIL).message, "OK"),
    "outbound.send_batch": Call(
        lambda o: [sent.success for sent in o.client.outbound.send_batch([MAIL, MAIL])],
        [True, True],
    ),
    "outbound.send_with_template": Call(
        lambda o: o.client.outbound.send_with_template(o.templated()).message, "OK"
    ),
    "outbound.send_batch_with_template": Call(
        lambda o: [
            sent.message for sent in o.client.outbound.send_batch_with_template([o.templated()])
        ],
        ["OK"],
    ),
    "outbound.get_bulk_status": Call(
        lambda o: refusal(o.client.outbound.get_bulk_status, NO_ID)[0], 12
    ),
    "outbound.list": Call(
        lambda o: [m.subject for m in o.client.outbound.list(tag="welcome").items], ["Your offer"]
    ),
    "outbound.stream": Call(
        lambda o: [m.metadata for m in o.client.outbound.stream(tag="welcome")], [{"customer": "7"}]
    ),
    "outbound.get": Call(lambda o: o.client.outbound.get(o.seed.message_id).text_body, "Hi Ann"),
    "outbound.get_dump": Call(
        lambda o: "Your offer" in o.client.outbound.get_dump(o.seed.message_id).body, True
    ),
    "outbound.list_opens": Call(
        lambda o: [opened.recipient for opened in o.client.outbound.list_opens().items], [RECIPIENT]
    ),
    "outbound.list_message_opens": Call(
        lambda o: o.client.outbound.list_message_opens(o.seed.message_id).total, 1
    ),
    "outbound.list_clicks": Call(
        lambda o: [clicked.original_link for clicked in o.client.outbound.list_clicks().items],
        ["https://acme.example/offer"],
    ),
    "outbound.list_message_clicks": Call(
        lambda o: o.client.outbound.list_message_clicks(o.seed.message_id).total, 1
    ),
    # inbound
    "inbound.list": Call(
        lambda o: [message.subject for message in o.client.inbound.list().items], ["A question"]
    ),
    "inbound.get": Call(lambda o: o.client.inbound.get(o.seed.inbound_id).text_body, "Hi Acme"),
    "inbound.bypass": Call(lambda o: refusal(o.client.inbound.bypass, o.seed.inbound_id)[0], 701),
    "inbound.retry": Call(lambda o: refusal(o.client.inbound.retry, o.seed.inbound_id)[0], 701),
    "inbound_rules.create": Call(lambda o: o.rule().rule.endswith(".example.org"), True),
    "inbound_rules.list": Call(
        lambda o: o.rule().id in {rule.id for rule in o.client.inbound_rules.list().items}, True
    ),
    "inbound_rules.delete": Call(
        lambda o: removed(o.client.inbound_rules.delete(o.rule().id)), True
    ),
    # bounces
    "bounces.list": Call(
        lambda o: {bounce.type.value for bounce in o.client.bounces.list(inactive=True).items},
        {"HardBounce"},
    ),
    "bounces.stream": Call(
        lambda o: o.seed.bounce_id in {bounce.id for bounce in o.client.bounces.stream()}, True
    ),
    "bounces.get": Call(lambda o: o.client.bounces.get(o.seed.bounce_id).type_code, 1),
    "bounces.get_dump": Call(
        lambda o: BOUNCING in o.client.bounces.get_dump(o.seed.bounce_id).body, True
    ),
    "bounces.activate": Call(
        lambda o: o.client.bounces.activate(o.seed.bounce()).bounce.inactive, False
    ),
    # templates
    "templates.create": Call(lambda o: o.template().template_type.value, "Standard"),
    "templates.get": Call(
        lambda o: o.client.templates.get(o.template().template_id).text_body, "{{name}}"
    ),
    "templates.edit": Call(
        lambda o: o.client.templates.edit(o.template().alias, {"Name": "New"}).name, "New"
    ),
    "templates.list": Call(
        lambda o: o.template().alias in {kept.alias for kept in o.client.templates.list().items},
        True,
    ),
    "templates.delete": Call(
        lambda o: removed(o.client.templates.delete(o.template().template_id)), True
    ),
    "templates.validate": Call(
        lambda o: (
            o.client.templates.validate(
                {"Subject": "Hi", "TextBody": "Hi {{name}}", "TestRenderModel": {"name": "Ann"}}
            ).text_body.rendered_content
        ),
        "Hi Ann",
    ),
    # server
    "server.get": Call(lambda o: o.client.server.get().delivery_type.value, "Sandbox"),
    "server.edit": Call(
        lambda o: o.client.server.edit(color=ServerColor.PURPLE).color, ServerColor.PURPLE
    ),
    # streams
    "stream.create": Call(lambda o: o.stream().message_stream_type.value, "Broadcasts"),
    "stream.get": Call(lambda o: o.client.stream.get("outbound").archived_at, None),
    "stream.list": Call(
        lambda o: {"outbound", "inbound"} <= {s.id for s in o.client.stream.list().items}, True
    ),
    "stream.edit": Call(
        lambda o: o.client.stream.edit(o.stream().id, description="Weekly").description, "Weekly"
    ),
    "stream.archive": Call(
        lambda o: o.client.stream.archive(o.old_stream().id).expected_purge_date is not None, True
    ),
    "stream.unarchive": Call(
        lambda o: (
            o.client.stream.unarchive(o.client.stream.archive(o.old_stream().id).id).archived_at
        ),
        None,
    ),
    # stats
    "stats.overview": Call(lambda o: o.client.stats.overview(tag="welcome").unique_opens, 1),
    "stats.sent_counts": Call(lambda o: o.client.stats.sent_counts(tag="welcome").sent, 1),
    "stats.spam_counts": Call(lambda o: o.client.stats.spam_counts().spam_complaint, 0),
    "stats.tracked_counts": Call(lambda o: o.client.stats.tracked_counts(tag="welcome").tracked, 1),
    "stats.open_counts": Call(lambda o: o.client.stats.open_counts(tag="welcome").unique, 1),
    "stats.email_client_usage": Call(
        lambda o: sum(o.client.stats.email_client_usage(tag="welcome").model_extra.values()), 1
    ),
    "stats.read_times": Call(
        lambda o: isinstance(o.client.stats.read_times(tag="welcome").days, list), True
    ),
    "stats.click_counts": Call(lambda o: o.client.stats.click_counts(tag="welcome").unique, 1),
    "stats.browser_usage": Call(
        lambda o: sum(o.client.stats.browser_usage(tag="welcome").model_extra.values()), 1
    ),
    # webhooks
    "webhooks.create": Call(lambda o: o.webhook().message_stream, "outbound"),
    "webhooks.get": Call(lambda o: o.client.webhooks.get(o.webhook().id).url[:4], "http"),
    "webhooks.list": Call(
        lambda o: o.webhook().id in {hook.id for hook in o.client.webhooks.list()}, True
    ),
    "webhooks.edit": Call(
        lambda o: (
            o.client.webhooks.edit(
                o.webhook().id, triggers={"Click": {"Enabled": True}}
            ).triggers.click.enabled
        ),
        True,
    ),
    "webhooks.delete": Call(lambda o: removed(o.client.webhooks.delete(o.webhook().id)), True),
    # suppressions
    "suppressions.create": Call(
        lambda o: o.client.suppressions.create("broadcast", ["a@example.com"])[0].status,
        "Suppressed",
    ),
    "suppressions.dump": Call(
        lambda o: [
            entry.origin.value
            for entry in o.client.suppressions.dump("outbound", email_address=BOUNCING)
        ],
        ["Recipient"],
    ),
    "suppressions.delete": Call(
        lambda o: o.client.suppressions.delete("broadcast", ["b@example.com"])[0].status, "Deleted"
    ),
    # the account
    "account.server.create": Call(lambda o: len(o.server().api_tokens), 1),
    "account.server.get": Call(
        lambda o: o.account.server.get(o.server().id).name.startswith("Server-"), True
    ),
    "account.server.list": Call(
        lambda o: o.server().id in {server.id for server in o.account.server.list().items}, True
    ),
    "account.server.edit": Call(
        lambda o: o.account.server.edit(o.server().id, track_opens=True).track_opens, True
    ),
    "account.server.delete": Call(lambda o: removed(o.account.server.delete(o.server().id)), True),
    "account.domain.create": Call(lambda o: o.domain().dkim_update_status, "Pending"),
    "account.domain.get": Call(lambda o: o.account.domain.get(o.domain().id).weak_dkim, False),
    "account.domain.list": Call(
        lambda o: o.domain().id in {domain.id for domain in o.account.domain.list().items}, True
    ),
    "account.domain.edit": Call(
        lambda o: o.account.domain.edit(o.domain().id, "").return_path_domain, ""
    ),
    "account.domain.delete": Call(lambda o: removed(o.account.domain.delete(o.domain().id)), True),
    "account.domain.verify_dkim": Call(
        lambda o: o.account.domain.verify_dkim(o.domain().id).weak_dkim, False
    ),
    "account.domain.verify_return_path": Call(
        lambda o: o.account.domain.verify_return_path(o.domain().id).weak_dkim, False
    ),
    "account.domain.verify_spf": Call(
        lambda o: o.account.domain.verify_spf(o.domain().id).spf_verified, True
    ),
    "account.domain.rotate_dkim": Call(
        lambda o: refusal(o.account.domain.rotate_dkim, o.domain().id), RENEWED
    ),
    "account.signature.create": Call(lambda o: o.signature().confirmed, False),
    "account.signature.get": Call(
        lambda o: o.account.signature.get(o.signature().id).domain, "acme.example.org"
    ),
    "account.signature.list": Call(
        lambda o: o.signature().id in {s.id for s in o.account.signature.list().items}, True
    ),
    "account.signature.edit": Call(
        lambda o: o.account.signature.edit(o.signature().id, name="Bob").name, "Bob"
    ),
    "account.signature.delete": Call(
        lambda o: removed(o.account.signature.delete(o.signature().id)), True
    ),
    "account.signature.resend_confirmation": Call(
        lambda o: o.account.signature.resend_confirmation(o.signature().id).error_code, 0
    ),
    "account.signature.verify_spf": Call(
        lambda o: o.account.signature.verify_spf(o.signature().id).spf_verified, True
    ),
    "account.signature.request_new_dkim": Call(
        lambda o: refusal(o.account.signature.request_new_dkim, o.signature().id), RENEWED
    ),
    "account.data_removals.create": Call(lambda o: o.removal().status, "Pending"),
    "account.data_removals.get": Call(
        lambda o: o.account.data_removals.get(o.removal().id).status, "Pending"
    ),
    "account.templates.push": Call(
        lambda o: refusal(
            o.account.templates.push,
            {"SourceServerID": "0", "DestinationServerID": "1", "PerformChanges": False},
        ),
        (601, "The source and destination servers were not found."),
    ),
}
