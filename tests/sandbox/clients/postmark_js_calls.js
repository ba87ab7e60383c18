// Each call of postmark.js 5, once: prints {"calls": […], "results": {name: what the answer shows}} as JSON.
// The arguments: URL of the sandbox, server token, account token, and the IDs of its mail as JSON.

const postmark = require("postmark");

const [url, serverToken, accountToken, mailIds] = process.argv.slice(2);
const { message_id: messageId, bounce_id: bounceId, other_bounce_id: otherBounceId, inbound_id: inboundId } = JSON.parse(mailIds);
const where = { requestHost: url.replace("http://", ""), useHttps: false };
const server = new postmark.ServerClient(serverToken, where);
const account = new postmark.AccountClient(accountToken, where);

let number = 0;
const name = (start) => `${start}-${(number += 1)}`;
const welcome = { tag: "welcome" };
const message = () => new postmark.Message("hello@example.com", "Hi", "<p>Hi</p>", "Hi", "ann@example.com");
const refused = (promise) =>
    promise.then(() => "accepted", (error) => [error.name, error.statusCode, error.code, error.message]);
const total = (stats) =>
    Object.entries(stats).reduce((sum, [key, value]) => (key === "Days" ? sum : sum + value), 0);

const newTemplate = (fields = {}) => {
    const alias = name("welcome");
    return server.createTemplate({ Name: alias, Alias: alias, Subject: "Hi", TextBody: "{{name}}", ...fields });
};
const templated = async () => {
    const { TemplateId } = await newTemplate();
    return new postmark.TemplatedMessage("hello@example.com", TemplateId, { name: "Ann" }, "ann@example.com");
};
const newStream = () =>
    server.createMessageStream({ ID: name("news"), Name: "News", MessageStreamType: "Broadcasts" });
const oldStream = async () => {
    const stream = await newStream();
    const headers = { "Content-Type": "application/json" };
    await fetch(`${url}/_sandbox/advance`, { method: "POST", headers, body: '{"By": "3s"}' });
    return stream.ID;
};
const newWebhook = () => server.createWebhook({ Url: "http://127.0.0.1:9/hook" });
const newRule = () => server.createInboundRuleTrigger({ Rule: `${name("rule")}.example.org` });
const newServer = () => account.createServer({ Name: name("Server") });
const newDomain = () => account.createDomain({ Name: `${name("domain")}.example.org` });
const newSender = () =>
    account.createSenderSignature({ Name: "Ann", FromEmail: `${name("ann")}@acme.example.org` });
const newRemoval = () =>
    account.requestDataRemoval({
        RequestedBy: "me@example.com", RequestedFor: "ann@example.com", NotifyWhenCompleted: false,
    });

const calls = {
    sendEmail: async () => (await server.sendEmail(message())).Message,
    sendEmailBatch: async () =>
        (await server.sendEmailBatch([message(), { ...message(), To: "nobody" }])).map((sent) => sent.ErrorCode),
    sendEmailWithTemplate: async () => (await server.sendEmailWithTemplate(await templated())).Message,
    sendEmailBatchWithTemplates: async () =>
        (await server.sendEmailBatchWithTemplates([await templated()])).map((sent) => sent.Message),
    "sendEmail to an inactive address": async () =>
        server.sendEmail({ ...message(), To: "hardbounce@bounce-testing.postmarkapp.com" })
            .catch((error) => [error.name, error.recipients]),
    "sendEmail with a wrong token": async () =>
        refused(new postmark.ServerClient("wrong", where).sendEmail(message())),
    sendBulkEmail: async () => (await bulk()).Status,
    getBulkEmailStatus: async () => (await server.getBulkEmailStatus((await bulk()).Id)).TotalMessages,

    getDeliveryStatistics: async () => (await server.getDeliveryStatistics()).Bounces[0].Name,
    getBounces: async () => (await server.getBounces({ type: "HardBounce" })).Bounces[0].TypeCode,
    getBounce: async () => (await server.getBounce(bounceId)).Type,
    getBounceDump: async () => (await server.getBounceDump(bounceId)).Body.includes("hardbounce@bounce-testing"),
    activateBounce: async () => (await server.activateBounce(otherBounceId)).Message,

    createTemplate: async () => (await newTemplate()).TemplateType,
    getTemplates: async () => (await newTemplate()) && (await server.getTemplates()).TotalCount > 0,
    getTemplate: async () => (await server.getTemplate((await newTemplate()).Alias)).TextBody,
    editTemplate: async () => (await server.editTemplate((await newTemplate()).TemplateId, { Name: "New" })).Name,
    deleteTemplate: async () => (await server.deleteTemplate((await newTemplate()).TemplateId)).ErrorCode,
    validateTemplate: async () =>
        (await server.validateTemplate({ Subject: "Hi {{name}}", TextBody: "Hi", TestRenderModel: { name: "Ann" } }))
            .Subject.RenderedContent,

    getServer: async () => (await server.getServer()).DeliveryType,
    editServer: async () => (await server.editServer({ Color: "purple" })).Color,

    getOutboundMessages: async () => (await server.getOutboundMessages(welcome)).Messages[0].MessageID === messageId,
    getOutboundMessageDetails: async () => (await server.getOutboundMessageDetails(messageId)).TextBody,
    getOutboundMessageDump: async () =>
        (await server.getOutboundMessageDump(messageId)).Body.includes("Subject: Your offer"),
    getMessageOpens: async () => (await server.getMessageOpens(welcome)).Opens[0].Recipient,
    getMessageOpensForSingleMessage: async () => (await server.getMessageOpensForSingleMessage(messageId)).TotalCount,
    getMessageClicks: async () => (await server.getMessageClicks(welcome)).Clicks[0].OriginalLink,
    getMessageClicksForSingleMessage: async () => (await server.getMessageClicksForSingleMessage(messageId)).TotalCount,
    getInboundMessages: async () => (await server.getInboundMessages()).InboundMessages[0].Subject,
    getInboundMessageDetails: async () => (await server.getInboundMessageDetails(inboundId)).TextBody,
    bypassBlockedInboundMessage: async () => refused(server.bypassBlockedInboundMessage(inboundId)),
    retryInboundHookForMessage: async () => refused(server.retryInboundHookForMessage(inboundId)),

    getOutboundOverview: async () => (await server.getOutboundOverview(welcome)).UniqueOpens,
    getSentCounts: async () => (await server.getSentCounts(welcome)).Sent,
    getBounceCounts: async () => (await server.getBounceCounts()).HardBounce >= 1,
    getSpamComplaintsCounts: async () => (await server.getSpamComplaintsCounts()).Days,
    getTrackedEmailCounts: async () => (await server.getTrackedEmailCounts(welcome)).Tracked,
    getEmailOpenCounts: async () => (await server.getEmailOpenCounts(welcome)).Unique,
    getEmailOpenPlatformUsage: async () => total(await server.getEmailOpenPlatformUsage(welcome)),
    getEmailOpenClientUsage: async () => total(await server.getEmailOpenClientUsage(welcome)),
    getEmailOpenReadTimes: async () => Array.isArray((await server.getEmailOpenReadTimes(welcome)).Days),
    getClickCounts: async () => (await server.getClickCounts(welcome)).Unique,
    getClickBrowserUsage: async () => total(await server.getClickBrowserUsage(welcome)),
    getClickPlatformUsage: async () => total(await server.getClickPlatformUsage(welcome)),
    getClickLocation: async () => total(await server.getClickLocation(welcome)),

    createInboundRuleTrigger: async () => (await newRule()).Rule.endsWith(".example.org"),
    getInboundRuleTriggers: async () => (await newRule()) && (await server.getInboundRuleTriggers()).TotalCount > 0,
    deleteInboundRuleTrigger: async () => (await server.deleteInboundRuleTrigger((await newRule()).ID)).ErrorCode,

    createWebhook: async () => (await newWebhook()).MessageStream,
    getWebhooks: async () => (await newWebhook()) && (await server.getWebhooks()).Webhooks.length > 0,
    getWebhook: async () => (await server.getWebhook((await newWebhook()).ID)).Url,
    editWebhook: async () =>
        (await server.editWebhook((await newWebhook()).ID, { Triggers: { Click: { Enabled: true } } }))
            .Triggers.Click.Enabled,
    deleteWebhook: async () => (await server.deleteWebhook((await newWebhook()).ID)).ErrorCode,

    createMessageStream: async () => (await newStream()).MessageStreamType,
    getMessageStreams: async () => (await server.getMessageStreams()).TotalCount >= 3,
    getMessageStream: async () => (await server.getMessageStream("outbound")).MessageStreamType,
    editMessageStream: async () =>
        (await server.editMessageStream((await newStream()).ID, { Description: "Weekly" })).Description,
    archiveMessageStream: async () => "ExpectedPurgeDate" in (await server.archiveMessageStream(await oldStream())),
    unarchiveMessageStream: async () => {
        const { ID } = await server.archiveMessageStream(await oldStream());
        return (await server.unarchiveMessageStream(ID)).ArchivedAt;
    },

    createSuppressions: async () =>
        (await server.createSuppressions("broadcast", { Suppressions: [{ EmailAddress: "a@example.com" }] }))
            .Suppressions[0].Status,
    getSuppressions: async () =>
        (await server.getSuppressions("outbound", { emailAddress: "hardbounce@bounce-testing.postmarkapp.com" }))
            .Suppressions[0].SuppressionReason,
    deleteSuppressions: async () =>
        (await server.deleteSuppressions("broadcast", { Suppressions: [{ EmailAddress: "b@example.com" }] }))
            .Suppressions[0].Status,

    "account.createServer": async () => (await newServer()).ApiTokens.length,
    "account.getServers": async () => (await newServer()) && (await account.getServers()).TotalCount > 1,
    "account.getServer": async () => (await account.getServer((await newServer()).ID)).Name.startsWith("Server"),
    "account.editServer": async () => (await account.editServer((await newServer()).ID, { Color: "red" })).Color,
    "account.deleteServer": async () => (await account.deleteServer((await newServer()).ID)).ErrorCode,
    "account.createDomain": async () => (await newDomain()).DKIMUpdateStatus,
    "account.getDomains": async () => (await newDomain()) && (await account.getDomains()).TotalCount > 0,
    "account.getDomain": async () => (await account.getDomain((await newDomain()).ID)).DKIMVerified,
    "account.editDomain": async () =>
        (await account.editDomain((await newDomain()).ID, { ReturnPathDomain: "" })).ReturnPathDomain,
    "account.deleteDomain": async () => (await account.deleteDomain((await newDomain()).ID)).ErrorCode,
    "account.verifyDomainDKIM": async () => (await account.verifyDomainDKIM((await newDomain()).ID)).WeakDKIM,
    "account.verifyDomainReturnPath": async () =>
        (await account.verifyDomainReturnPath((await newDomain()).ID)).WeakDKIM,
    "account.verifyDomainSPF": async () => (await account.verifyDomainSPF((await newDomain()).ID)).SPFVerified,
    "account.rotateDomainDKIM": async () => refused(account.rotateDomainDKIM((await newDomain()).ID)),
    "account.createSenderSignature": async () => (await newSender()).Confirmed,
    "account.getSenderSignatures": async () =>
        (await newSender()) && (await account.getSenderSignatures()).TotalCount > 0,
    "account.getSenderSignature": async () => (await account.getSenderSignature((await newSender()).ID)).Name,
    "account.editSenderSignature": async () =>
        (await account.editSenderSignature((await newSender()).ID, { Name: "Bob" })).Name,
    "account.deleteSenderSignature": async () => (await account.deleteSenderSignature((await newSender()).ID)).ErrorCode,
    "account.resendSenderSignatureConfirmation": async () =>
        (await account.resendSenderSignatureConfirmation((await newSender()).ID)).ErrorCode,
    "account.verifySenderSignatureSPF": async () =>
        (await account.verifySenderSignatureSPF((await newSender()).ID)).SPFVerified,
    "account.requestNewDKIMForSenderSignature": async () =>
        refused(account.requestNewDKIMForSenderSignature((await newSender()).ID)),
    "account.pushTemplates": async () =>
        refused(account.pushTemplates({ SourceServerID: 0, DestinationServerID: 1, PerformChanges: false })),
    "account.requestDataRemoval": async () => (await newRemoval()).Status,
    "account.getDataRemovalStatus": async () => (await account.getDataRemovalStatus((await newRemoval()).ID)).Status,
};

const bulk = () =>
    server.sendBulkEmail({
        From: "hello@example.com", Subject: "Hi", TextBody: "Hi {{name}}", MessageStream: "broadcast",
        Messages: [{ To: "ann@example.com", TemplateModel: { name: "Ann" } }],
    });
const methods = (client, prefix) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(client))
        .filter((method) => /^(send|get|create|edit|delete|activate|validate|bypass|retry|archive|unarchive|verify|rotate|resend|request|push)/.test(method))
        .map((method) => prefix + method);

(async () => {
    const results = {};
    await Promise.all(
        Object.entries(calls).map(async ([call, ask]) => {
            results[call] = await ask().catch((error) => `${error.name} ${error.code}: ${error.message}`);
        }),
    );
    const found = [...methods(server, ""), ...methods(account, "account.")];
    process.stdout.write(JSON.stringify({ calls: found, results }));
})();
