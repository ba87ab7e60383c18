// The script of the inbox: it swaps pages without a reload, keeps the list current, listens to keys
// and sends changes. The server makes all HTML, and each page is complete without this script.

const POLL_MS = 1000;
const HIDDEN_POLL_MS = 15000;
const MOST_HEIGHT_PX = 12000;
const KEYS_OFF = "mailframe.keys-off";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- pages ---------------------------------------------------------------------------------------

// The pages allow HTML only from this policy, and this policy only gets what our server sent.
const html = window.trustedTypes?.createPolicy("inbox", { createHTML: text => text })
  ?? { createHTML: text => text };
let loading = null;

async function fetched(address, signal = null) {
  const answer = await fetch(address, { signal, headers: { Accept: "text/html" } });
  if (!answer.headers.get("Content-Type")?.startsWith("text/html")) throw new NotAPage();
  return new DOMParser().parseFromString(html.createHTML(await answer.text()), "text/html");
}

class NotAPage extends Error {}

async function go(address, { isBack = false, focus = "" } = {}) {
  const left = $("article.message")?.dataset.id;
  if (!isBack) history.replaceState({ top: scrollY }, "");
  loading?.abort();
  loading = new AbortController();
  let page;
  try {
    page = await fetched(address, loading.signal);
  } catch (error) {
    if (error instanceof NotAPage) location.assign(address);
    else if (error.name !== "AbortError") lost();
    return;
  }
  const isSame = new URL(address, location.href).href === location.href;
  if (!isBack && !isSame) history.pushState({}, "", address);
  show(page);
  if (!isLost) hideToast();
  const opened = $("article.message")?.dataset.id;
  if (!opened || opened !== left) scrollTo(0, isBack ? history.state?.top ?? 0 : 0);
  const row = left && !opened && `.list [data-id="${CSS.escape(left)}"] a`;
  const target = (focus && $(focus)) || (row && $(row));
  (target || $("#subject") || $("#main"))?.focus({ preventScroll: isBack || !target });
}

function show(page) {
  const [list, next] = [$(".list"), $(".list", page)];
  document.title = page.title;
  document.body.dataset.revision = page.body.dataset.revision;
  $("body > header nav").replaceWith($("body > header nav", page));
  const servers = [$(".servers"), $(".servers", page)];
  if (servers[0] && servers[1]) servers[0].replaceWith(servers[1]);
  if (document.activeElement?.id !== "search") $("#search").value = $("#search", page).value;
  const [article, opened] = [$("article.message"), $("article.message", page)];
  const top = list && next && article && opened ? list.scrollTop : 0;
  const depth = article && article.dataset.id === opened?.dataset.id ? article.scrollTop : 0;
  $("#main").replaceWith($("#main", page));
  if ($(".list")) $(".list").scrollTop = top;
  if (opened) opened.scrollTop = depth;
  prepare();
}

function isOurs(link) {
  return link.origin === location.origin && !link.target && !link.hasAttribute("download")
    && (link.pathname === "/" || link.pathname.startsWith("/inbox/")) && !link.hash;
}

document.addEventListener("click", event => {
  const link = event.target.closest("a[href]");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (!link || !isPlain || event.altKey || event.defaultPrevented || !isOurs(link)) return;
  event.preventDefault();
  const inParts = link.closest(".tabs, .views, .group");
  const place = inParts && [...inParts.querySelectorAll("a")].indexOf(link);
  const parent = inParts && `.${inParts.classList[0]}`;
  go(link.href, { focus: inParts ? `${parent} [aria-current]` : "" })
    .then(() => inParts && $$(`${parent} a`)[place]?.focus({ preventScroll: true }));
});
addEventListener("popstate", () => go(location.href, { isBack: true }));
$("[role=search]").addEventListener("submit", event => {
  event.preventDefault();
  const values = new URLSearchParams(new FormData(event.target));
  if (!values.get("q")) values.delete("q");
  values.delete("server");  // of the page that was loaded first
  if (server()) values.set("server", server());
  go(values.size ? `/?${values}` : "/", { focus: ".list li a" });
});

// --- what a new page needs -----------------------------------------------------------------------

function prepare(root = document) {
  for (const time of $$("time", root)) localize(time);
  const head = $("body > header").offsetHeight;
  document.documentElement.style.setProperty("--head", `${head}px`);
  $(".list [aria-current]")?.scrollIntoView({ block: "nearest" });
  const tab = $(".tabs [aria-current]");
  if (tab) reveal(tab, $(".tabs"));
  measure();
}

// To scroll a tab into view would also move the page up or down.
function reveal(tab, tabs) {
  const [inner, outer] = [tab.getBoundingClientRect(), tabs.getBoundingClientRect()];
  if (inner.left >= outer.left && inner.right <= outer.right) return;
  tabs.scrollLeft += (inner.left + inner.right - outer.left - outer.right) / 2;
}

function localize(time) {
  const date = new Date(time.dateTime);
  if (Number.isNaN(date.getTime())) return;
  const isToday = date.toDateString() === new Date().toDateString();
  const [day, clock] = [{ dateStyle: "medium" }, { timeStyle: "medium" }];
  time.title = date.toLocaleString(undefined, { ...day, timeStyle: "long" });
  const isWhole = "long" in time.dataset || ("clock" in time.dataset && !isToday);
  if (isWhole) time.textContent = date.toLocaleString(undefined, { ...day, ...clock });
  else if (isToday) time.textContent = date.toLocaleTimeString(undefined, clock);
  else time.textContent = date.toLocaleDateString(undefined, day);
}

// The mail stands in a frame without rights, which cannot tell its height. An invisible copy of it
// can be read from here, and is removed at once: no script runs in it, nothing in it can be pressed,
// and it loads nothing. A mail can give its elements the names of a document's properties, so these
// are read by the browser's own getters.
const ROOT = Object.getOwnPropertyDescriptor(Document.prototype, "documentElement").get;
const BODY = Object.getOwnPropertyDescriptor(Document.prototype, "body").get;
const DEEP = Object.getOwnPropertyDescriptor(Element.prototype, "scrollHeight").get;
let measuredWidth = 0;

function measure() {
  const frame = $("iframe.mail");
  $$("iframe.measured").forEach(old => old.remove());
  if (!frame) return;
  measuredWidth = frame.clientWidth;
  const copy = document.createElement("iframe");
  copy.className = "measured";
  copy.setAttribute("sandbox", "allow-same-origin");
  copy.setAttribute("aria-hidden", "true");
  copy.tabIndex = -1;
  copy.title = "Measures the message";
  copy.style.width = `${measuredWidth}px`;
  copy.addEventListener("load", () => {
    const mail = copy.contentDocument;
    const elements = mail ? [ROOT.call(mail), BODY.call(mail)].filter(Boolean) : [];
    const height = Math.max(0, ...elements.map(element => DEEP.call(element)));
    if (height) {
      const around = 2 + 28 * Boolean(frame.closest(".dark"));
      frame.style.height = `${Math.min(Math.max(height + around, 60), MOST_HEIGHT_PX)}px`;
    }
    copy.remove();
  });
  copy.src = frame.dataset.measure;
  document.body.append(copy);
}

let resizing;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => {
    if ($("iframe.mail")?.clientWidth !== measuredWidth) measure();
    const head = $("body > header").offsetHeight;
    document.documentElement.style.setProperty("--head", `${head}px`);
  }, 200);
});

// --- live ----------------------------------------------------------------------------------------

let polling;
let isLost = false;

async function poll() {
  let wait = document.hidden ? HIDDEN_POLL_MS : POLL_MS;
  try {
    const answer = await fetch("/_sandbox/changes", { signal: AbortSignal.timeout(20000) });
    const changes = await answer.json();
    if (isLost) tell("The sandbox answers again.");
    isLost = false;
    if (changes.Revision !== document.body.dataset.revision && !document.hidden) {
      const start = performance.now();
      await refresh(changes);
      wait = Math.max(wait, 4 * (performance.now() - start));
    }
  } catch {
    if (!isLost) lost();
    wait = 3 * POLL_MS;
  }
  clearTimeout(polling);
  polling = setTimeout(poll, wait);
}

function lost() {
  isLost = true;
  tell("The sandbox does not answer. The page goes on when it is started again.", { stays: true });
}

async function refresh(changes) {
  const at = location.href;
  const isThere = $("article.message") && !$("article.gone");
  const own = isThere ? again(at) : $(".list, .calls") ? at : "";
  const last = document.body.dataset.revision;
  if (!own) {
    document.body.dataset.revision = changes.Revision;
    return;
  }
  const page = await fetched(own);
  if (location.href !== at || document.body.dataset.revision !== last) return;
  document.body.dataset.revision = page.body.dataset.revision;
  if (!$("article")) document.title = page.title;
  const next = $(".list", page) ?? ($(".list") && $(".list", await fetched(listAddress())));
  if (location.href !== at) return;
  if ($(".list") && next) replaceList($(".list"), next);
  if (isThere) refreshMessage($("article.message", page));
  if ($(".calls") && $(".calls", page)) keepingFocus($(".calls"), $(".calls", page));
}

function again(at) {
  const url = new URL(at);
  url.searchParams.set("again", "");
  return url.pathname + url.search;
}

function refreshMessage(next) {
  const article = $("article.message");
  if (!next) {
    if (!article.classList.contains("gone")) tell("This message was removed.", { stays: true });
    article.classList.add("gone");
    return;
  }
  for (const selector of [".status", ".tabs a"]) {
    const values = $$(selector, next);
    $$(selector, article).forEach((element, place) => {
      element.textContent = values[place].textContent;
      element.className = values[place].className;
    });
  }
  const events = $(".part.events", next);
  if (!events || !$(".part.events")) return;
  $(".part.events").replaceWith(events);
  for (const time of $$("time", events)) localize(time);
}

function listAddress() {
  const kept = new URLSearchParams(location.search);
  for (const name of [...kept.keys()]) {
    if (!["q", "before", "after", "server"].includes(name)) kept.delete(name);
  }
  return kept.size ? `/?${kept}` : "/";
}

function replaceList(list, next) {
  const before = new Set($$("li", list).map(row => row.dataset.id));
  const arrived = $$("li", next).filter(row => !before.has(row.dataset.id));
  keepingFocus(list, next);
  const isFirst = !new URLSearchParams(location.search).has("before");
  if (arrived.length && isFirst && before.size) {
    const subject = $(".subject", arrived[0]).textContent.trim();
    say(arrived.length === 1 ? `New message: ${subject}` : `${arrived.length} new messages`);
  }
}

function keepingFocus(old, next) {
  const id = old.contains(document.activeElement)
    && document.activeElement.closest("[data-id]")?.dataset.id;
  const top = old.scrollTop;
  old.replaceWith(next);
  next.scrollTop = top;
  for (const time of $$("time", next)) localize(time);
  if (id) $$("[data-id]", next).find(row => row.dataset.id === id)?.querySelector("a")
    ?.focus({ preventScroll: true });
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) poll();
});

// --- telling a person ----------------------------------------------------------------------------

let telling;

function say(text) {
  $("#status").textContent = text;
}

function tell(text, { stays = false } = {}) {
  const toast = $("#toast");
  toast.textContent = text;
  toast.hidden = false;
  say(text);
  clearTimeout(telling);
  if (!stays) telling = setTimeout(hideToast, 6000);
}

function hideToast() {
  $("#toast").hidden = true;
}

function confirmed(question, action) {
  const dialog = $("#confirm");
  $("#confirm-text").textContent = question;
  $("[value=yes]", dialog).textContent = action;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise(resolve => dialog.addEventListener(
    "close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

// --- changes -------------------------------------------------------------------------------------

async function change(method, path, value = {}) {
  const answer = await fetch(path, {
    method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value),
  }).catch(() => { throw new Error("Nothing was changed: the sandbox does not answer."); });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.Message ?? `HTTP ${answer.status}`);
  return result;
}

const message = () => $("article.message")?.dataset.id
  ?? document.activeElement?.closest?.(".list li")?.dataset.id;
const server = () => new URLSearchParams(location.search).get("server");

async function removed() {
  const id = message();
  const row = $$(".list li").find(one => one.dataset.id === id);
  if (!id || !await confirmed("Delete this message?", "Delete")) return;
  const next = $("a", row?.nextElementSibling ?? row?.previousElementSibling ?? document.body);
  const address = $("article.message") && next?.closest(".list") ? next.href : listAddress();
  const nextId = next?.closest("[data-id]")?.dataset.id;
  const focus = $("article.message") || !nextId ? "" : `[data-id="${nextId}"] a`;
  await change("DELETE", `/_sandbox/messages/${id}`);
  await go(address, { focus });
  tell("Message deleted.");
}

const ACTIONS = {
  help: () => $("#help").showModal(),
  delete: removed,
  unread: async () => {
    await change("PUT", `/_sandbox/messages/${message()}`, { Read: false });
    await go(listAddress());
    tell("Marked as unread.");
  },
  "read-all": async () => {
    await change("PUT", "/_sandbox/messages", { Read: true });
    await go(location.href, { isBack: true });
    tell("All messages are marked as read.");
  },
  clear: async () => {
    const question = "Delete all messages and requests of this sandbox?";
    if (!await confirmed(question, "Delete all")) return;
    await change("POST", "/_sandbox/clear");
    await go("/");
    tell("All messages are deleted.");
  },
  reset: async () => {
    if (!await confirmed("Reset the sandbox to the state that it started with?", "Reset")) return;
    await change("POST", "/_sandbox/reset");
    await go("/inbox/tools");
    tell("The sandbox was reset.");
  },
  "remove-fault": async button => {
    await change("DELETE", `/_sandbox/faults/${button.dataset.id}`);
    await go(location.href, { isBack: true });
    tell("Fault removed.");
  },
  copy: async button => {
    if (!navigator.clipboard) throw new Error("Browsers copy only from https and localhost.");
    const text = $("pre", button.closest(".code, section")).textContent;
    await navigator.clipboard.writeText(text);
    tell("Copied.");
  },
};

async function act(name, element) {
  try {
    await ACTIONS[name](element);
  } catch (error) {
    tell(error.message);
  }
}

document.addEventListener("click", event => {
  const button = event.target.closest("button[data-action]");
  if (button) act(button.dataset.action, button);
});
document.addEventListener("submit", async event => {
  const form = event.target;
  if (!form.dataset.post) return;
  event.preventDefault();
  const isForServer = server() && "server" in form.dataset;
  const value = isForServer ? { ServerID: Number(server()) } : {};
  for (const field of $$("input, select", form)) {
    const isNumber = field.type === "number";
    if (field.value === "" && !isNumber) continue;
    if (!isNumber) value[field.name] = field.value;
    else if (field.value === "") value[field.name] = null;
    else value[field.name] = Number(field.value) / ("percent" in field.dataset ? 100 : 1);
  }
  try {
    const result = await change("POST", form.dataset.post, value);
    await go(location.href, { isBack: true });
    tell(result.Message);
  } catch (error) {
    tell(error.message);
  }
});
document.addEventListener("change", event => {
  if (event.target.matches("[name=Name]")) {
    $("#fault-about").textContent = event.target.selectedOptions[0].dataset.about;
  }
});

// --- keys ----------------------------------------------------------------------------------------

const keysOn = $("#keys-on");
try {
  keysOn.checked = localStorage.getItem(KEYS_OFF) === null;
} catch { /* a browser that keeps nothing for pages */ }
keysOn.addEventListener("change", () => {
  try {
    if (keysOn.checked) localStorage.removeItem(KEYS_OFF);
    else localStorage.setItem(KEYS_OFF, "yes");
  } catch { /* as above */ }
});

function step(by) {
  const link = $(`[data-key=${by > 0 ? "j" : "k"}]`);
  if (link) link.click();
  if ($("article.message, .call")) return;
  const rows = $$(".list li a, .calls tbody a");
  const at = rows.indexOf(document.activeElement);
  const next = rows[at < 0 ? (by > 0 ? 0 : -1) : at + by];
  if (next) next.focus();
  else if (at >= 0) {
    const page = $(`.pages [rel=${by > 0 ? "next" : "prev"}]`);
    const end = by > 0 ? "first" : "last";
    if (page) go(page.href, { focus: `:is(.list li, .calls tbody tr):${end}-child a` });
  }
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  o: () => document.activeElement?.closest(".list a")?.click(),
  u: () => $("[data-key=u]")?.click(),
  U: () => message() && act("unread"),
  "#": () => message() && act("delete"),
  "/": () => $("#search").select(),
  "?": () => act("help"),
};

document.addEventListener("keydown", event => {
  const isText = event.target.closest("input:not([type=checkbox]), textarea, select, dialog");
  if (event.key === "Escape" && event.target.id === "search") event.target.blur();
  if (isText || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (!keysOn.checked || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

document.documentElement.classList.add("has-script");
prepare();
poll();
