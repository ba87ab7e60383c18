"""The calls of postmarker 1.0, and what their answers show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from postmarker.exceptions import ClientError

from tests.sandbox.clients.seeded import (
    BOUNCING,
    RECIPIENT,
    SENDER,
    Call,
    Seeded,
)

if TYPE_CHECKING:
    from postmarker.core import PostmarkClient

MAIL = {"From": SENDER, "To": RECIPIENT, "Subject": "Hi", "TextBody": "Hi"}


@dataclass(frozen=True)
class Postmarker:
    """The client, and what it finds."""

    client: PostmarkClient
    seed: Seeded

    def template(self):
        """A new template."""
        return self.client.templates.create(self.seed.name("T"), "Hi {{name}}", TextBody="{{name}}")

    def templated(self):
        """The fields of a message that uses a new template."""
        model = {"name": "Ann"}
        template_id = self.template().TemplateId
        return {"TemplateId": template_id, "TemplateModel": model, "From": SENDER, "To": RECIPIENT}

    def domain(self):
        """A new domain."""
        return self.client.domains.create(f"{self.seed.name('d')}.example.org")

    def sender(self):
        """A new sender signature."""
        return self.client.senders.create(f"{self.seed.name('s')}@acme.example.org", "Ann")

    def rule(self):
        """A new inbound rule."""
        return self.client.triggers.inboundrules.create(f"{self.seed.name('r')}.example.org")


def messages(answers):
    """The text of each answer."""
    return [answer["Message"] for answer in answers]


def refusal(call, *arguments):
    """The code and text of the error that *call* raises."""
    with pytest.raises(ClientError) as caught:
        call(*arguments)
    return caught.value.error_code, str(caught.value)


def ids(templates):
    """Their IDs."""
    return {template.TemplateId for template in templates}


def total(answer):
    """The sum of the totals of a statistic."""
    return sum(value for name, value in answer.items() if name != "Days")


def edited(model, **fields):
    """What *model* holds after an edit."""
    model.edit(**fields)
    return {name: getattr(model, name) for name in fields}


NO_AT_SIGN = "Error parsing 'To': Illegal email address 'nobody'. It must contain the '@' symbol."
NO_ROUTE = (404, "[404] The requested resource was not found.")
RENEWED = (505, "[505] This DKIM is already being renewed.")
CALLS = {
    # emails
    "emails.send": Call(lambda p: p.client.emails.send(**MAIL)["Message"], "OK"),
    "emails.send_batch": Call(
        lambda p: messages(p.client.emails.send_batch(MAIL, MAIL | {"To": "nobody"})),
        ["OK", NO_AT_SIGN],
    ),
    "emails.send_with_template": Call(
        lambda p: p.client.emails.send_with_template(**p.templated())["Message"], "OK"
    ),
    "emails.send_template_batch": Call(
        lambda p: messages(
            p.client.emails.send_template_batch(
                p.templated(), p.templated() | {"TemplateId": 999_999}
            )
        ),
        ["OK", "The 'TemplateId' associated with this request is not valid or was not found."],
    ),
    "Email.send": Call(lambda p: p.client.emails.Email(**MAIL).send()["ErrorCode"], 0),
    "EmailTemplate.send": Call(
        lambda p: p.client.emails.EmailTemplate(**p.templated()).send()["ErrorCode"], 0
    ),
    "EmailBatch.send": Call(
        lambda p: messages(p.client.emails.EmailBatch(MAIL, MAIL).send()), ["OK", "OK"]
    ),
    "EmailTemplateBatch.send": Call(
        lambda p: messages(p.client.emails.EmailTemplateBatch(p.templated()).send()), ["OK"]
    ),
    # bounces
    "bounces.all": Call(
        lambda p: {bounce.Type for bounce in p.client.bounces.all(type="HardBounce")},
        {"HardBounce"},
    ),
    "bounces.get": Call(
        lambda p: p.client.bounces.get(p.seed.bounce_id).Name,
        "Hard bounce",
    ),
    "bounces.get_dump": Call(
        lambda p: BOUNCING in p.client.bounces.get_dump(p.seed.bounce_id), True
    ),
    "bounces.activate": Call(lambda p: p.client.bounces.activate(p.seed.bounce())["Message"], "OK"),
    "bounces.deliverystats": Call(
        lambda p: p.client.bounces.deliverystats["Bounces"][0]["Name"], "All"
    ),
    "bounces.tags": Call(lambda p: p.client.bounces.tags, []),
    "Bounce.dump": Call(lambda p: BOUNCING in p.client.bounces.get(p.seed.bounce_id).dump, True),
    "Bounce.message": Call(
        lambda p: p.client.bounces.get(p.seed.bounce_id).message.TextBody, "Hi Ann"
    ),
    "Bounce.activate": Call(lambda p: p.client.bounces.get(p.seed.bounce()).activate(), "OK"),
    # messages
    "messages.outbound.all": Call(
        lambda p: [m.Subject for m in p.client.messages.outbound.all(tag="welcome")],
        ["Your offer"],
    ),
    "messages.outbound.get": Call(
        lambda p: p.client.messages.outbound.get(p.seed.message_id).Status, "Sent"
    ),
    "messages.outbound.get_dump": Call(
        lambda p: "Your offer" in p.client.messages.outbound.get_dump(p.seed.message_id), True
    ),
    "OutboundMessage.get": Call(
        lambda p: p.client.messages.outbound.get(p.seed.message_id).get().TextBody, "Hi Ann"
    ),
    "OutboundMessage.get_dump": Call(
        lambda p: "Your offer" in p.client.messages.outbound.get(p.seed.message_id).get_dump(),
        True,
    ),
    "OutboundMessage.opens": Call(
        lambda p: p.client.messages.outbound.get(p.seed.message_id).opens()["TotalCount"], 1
    ),
    "messages.outbound.opens.all": Call(
        lambda p: [o.Recipient for o in p.client.messages.outbound.opens.all()], [RECIPIENT]
    ),
    "messages.outbound.opens.get": Call(
        lambda p: p.client.messages.outbound.opens.get(p.seed.message_id)["TotalCount"], 1
    ),
    "Open.message": Call(
        lambda p: p.client.messages.outbound.opens.all()[0].message.Subject, "Your offer"
    ),
    "messages.inbound.all": Call(
        lambda p: [message.Subject for message in p.client.messages.inbound.all()], ["A question"]
    ),
    "messages.inbound.get": Call(
        lambda p: p.client.messages.inbound.get(p.seed.inbound_id).TextBody, "Hi Acme"
    ),
    "messages.inbound.bypass": Call(
        lambda p: refusal(p.client.messages.inbound.bypass, p.seed.inbound_id),
        (701, "[701] This message was not found or cannot be bypassed."),
    ),
    "messages.inbound.retry": Call(
        lambda p: refusal(p.client.messages.inbound.retry, p.seed.inbound_id),
        (701, "[701] This message was not found or cannot be retried."),
    ),
    # templates
    "templates.create": Call(lambda p: p.template().Active, True),
    "templates.get": Call(
        lambda p: p.client.templates.get(p.template().TemplateId).Subject, "Hi {{name}}"
    ),
    "templates.edit": Call(
        lambda p: p.client.templates.edit(p.template().TemplateId, Name="New")["Name"], "New"
    ),
    "templates.all": Call(lambda p: p.template().TemplateId in ids(p.client.templates.all()), True),
    "templates.delete": Call(
        lambda p: p.client.templates.delete(p.template().TemplateId).endswith("removed."), True
    ),
    "templates.validate": Call(
        lambda p: p.client.templates.validate("Hi", TextBody="Hi {{name}}")["AllContentIsValid"],
        True,
    ),
    "Template.get": Call(lambda p: p.template().get().as_dict()["TextBody"], "{{name}}"),
    "Template.edit": Call(lambda p: p.template().edit(Name="Newer")["Name"], "Newer"),
    "Template.delete": Call(lambda p: p.template().delete().endswith("removed."), True),
    # server
    "server.get": Call(lambda p: p.client.server.get().DeliveryType, "Sandbox"),
    "server.edit": Call(lambda p: p.client.server.edit(Color="purple")["Color"].lower(), "purple"),
    "Server.edit": Call(
        lambda p: edited(p.client.server.get(), InboundSpamThreshold=5), {"InboundSpamThreshold": 5}
    ),
    # stats
    "stats.overview": Call(lambda p: p.client.stats.overview(tag="welcome")["UniqueOpens"], 1),
    "stats.sends": Call(lambda p: p.client.stats.sends(tag="welcome")["Sent"], 1),
    "stats.bounces": Call(lambda p: p.client.stats.bounces()["HardBounce"] >= 1, True),
    "stats.spam": Call(lambda p: p.client.stats.spam()["Days"], []),
    "stats.tracked": Call(lambda p: p.client.stats.tracked(tag="welcome")["Tracked"], 1),
    "stats.opens": Call(lambda p: p.client.stats.opens(tag="welcome")["Unique"], 1),
    "stats.opens_platforms": Call(
        lambda p: total(p.client.stats.opens_platforms(tag="welcome")), 1
    ),
    "stats.emailclients": Call(lambda p: total(p.client.stats.emailclients(tag="welcome")), 1),
    "stats.readtimes": Call(lambda p: "Days" in p.client.stats.readtimes(tag="welcome"), True),
    "stats.clicks": Call(lambda p: p.client.stats.clicks(tag="welcome")["Unique"], 1),
    "stats.browserfamilies": Call(
        lambda p: total(p.client.stats.browserfamilies(tag="welcome")), 1
    ),
    "stats.clicks_platforms": Call(
        lambda p: total(p.client.stats.clicks_platforms(tag="welcome")), 1
    ),
    "stats.location": Call(lambda p: total(p.client.stats.location(tag="welcome")), 1),
    # inbound rules
    "triggers.inboundrules.create": Call(lambda p: p.rule().Rule.endswith(".example.org"), True),
    "triggers.inboundrules.all": Call(
        lambda p: p.rule().ID in {rule.ID for rule in p.client.triggers.inboundrules.all()}, True
    ),
    "triggers.inboundrules.delete": Call(
        lambda p: p.client.triggers.inboundrules.delete(p.rule().ID).endswith("removed."), True
    ),
    "InboundRule.delete": Call(lambda p: p.rule().delete().endswith("removed."), True),
    # domains
    "domains.create": Call(lambda p: p.domain().DKIMUpdateStatus, "Pending"),
    "domains.get": Call(lambda p: p.client.domains.get(p.domain().ID).SPFVerified, False),
    "domains.all": Call(
        lambda p: p.domain().ID in {domain.ID for domain in p.client.domains.all()}, True
    ),
    "domains.edit": Call(
        lambda p: p.client.domains.edit(p.domain().ID, None)["ReturnPathDomain"], ""
    ),
    "domains.delete": Call(
        lambda p: p.client.domains.delete(p.domain().ID).endswith("removed."), True
    ),
    "domains.verifyspf": Call(
        lambda p: p.client.domains.verifyspf(p.domain().ID)["SPFVerified"], True
    ),
    "domains.verifydkim": Call(lambda p: "DKIMVerified" in p.domain().verifydkim(), True),
    "domains.verifyreturnpath": Call(
        lambda p: "ReturnPathDomainVerified" in p.domain().verifyreturnpath(), True
    ),
    "domains.rotatedkim": Call(
        lambda p: refusal(p.client.domains.rotatedkim, p.domain().ID), RENEWED
    ),
    "Domain.get": Call(lambda p: p.domain().get().as_dict()["WeakDKIM"], False),
    "Domain.edit": Call(
        lambda p: edited(p.domain(), ReturnPathDomain=""), {"ReturnPathDomain": ""}
    ),
    "Domain.delete": Call(lambda p: p.domain().delete().endswith("removed."), True),
    "Domain.verifyspf": Call(lambda p: p.domain().verifyspf()["SPFVerified"], True),
    "Domain.verifydkim": Call(lambda p: "DKIMHost" in p.domain().verifydkim(), True),
    "Domain.verifyreturnpath": Call(
        lambda p: "ReturnPathDomain" in p.domain().verifyreturnpath(), True
    ),
    "Domain.rotatedkim": Call(lambda p: refusal(p.domain().rotatedkim), RENEWED),
    # sender signatures
    "senders.create": Call(lambda p: p.sender().Confirmed, False),
    "senders.get": Call(lambda p: p.client.senders.get(p.sender().ID).Name, "Ann"),
    "senders.all": Call(
        lambda p: p.sender().ID in {sender.ID for sender in p.client.senders.all()}, True
    ),
    "senders.edit": Call(lambda p: p.client.senders.edit(p.sender().ID, "Bob")["Name"], "Bob"),
    "senders.delete": Call(
        lambda p: p.client.senders.delete(p.sender().ID).endswith("removed."), True
    ),
    "senders.resend": Call(
        lambda p: p.client.senders.resend(p.sender().ID).endswith("was re-sent."), True
    ),
    "senders.verifyspf": Call(
        lambda p: p.client.senders.verifyspf(p.sender().ID)["SPFVerified"], True
    ),
    "SenderSignature.get": Call(lambda p: p.sender().get().as_dict()["Name"], "Ann"),
    "SenderSignature.edit": Call(lambda p: edited(p.sender(), Name="Bob"), {"Name": "Bob"}),
    "SenderSignature.delete": Call(lambda p: p.sender().delete().endswith("removed."), True),
    "SenderSignature.resend": Call(lambda p: p.sender().resend().endswith("was re-sent."), True),
    "SenderSignature.verifyspf": Call(lambda p: p.sender().verifyspf()["SPFVerified"], True),
}
DEPRECATED = {
    "senders.requestnewdkim": lambda p: p.client.senders.requestnewdkim(p.sender().ID),
    "SenderSignature.requestnewdkim": lambda p: p.sender().requestnewdkim(),
}
REMOVED = {  # Postmark removed the endpoint
    "triggers.tags.all": lambda tags: tags.all(),
    "triggers.tags.create": lambda tags: tags.create("welcome"),
    "triggers.tags.get": lambda tags: tags.get(1),
    "triggers.tags.edit": lambda tags: tags.edit(1, "welcome"),
    "triggers.tags.delete": lambda tags: tags.delete(1),
}
NOT_OURS = {  # call → why the sandbox is not asked
    "client.spamcheck": "asks spamcheck.postmarkapp.com",
    "status": "asks status.postmarkapp.com",
    "Tag": "each call of it is one of triggers.tags",
    "InboundMessage": "each call of it is one of messages.inbound; the others read what it holds",
    "constructors": "emails.Email and others make an object, or read the JSON of a webhook",
}
