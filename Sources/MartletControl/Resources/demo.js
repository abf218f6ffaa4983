// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// The demo: a chat whose every tab is a user of its own. Rooms are channels, and what people say are publications;
// the connection itself is all in martlet.js.

import { Martlet } from "./martlet.js";

const rooms = ["lobby", "kitchen", "workshop"];
const names = ["Ada", "Bruno", "Carmen", "Dmitri", "Edith", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luca"];
const transportNames = { websocket: "WebSocket", events: "EventSource" };
const messagesMax = 300;
const logMax = 12;

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

/** Without a control port behind it (`settings.json` is missing), the page connects to where it was loaded from. */
const defaults = { development_mode: false, api_enabled: false, public_address: location.origin };
let settings = defaults;
let martlet;
const me = { name: "", session: "", token: null, transport: "websocket" };
let room = rooms.includes(query.get("room")) ? query.get("room") : rooms[0];
/** Whether this tab came back with a token that had been refused. */
let isInsisting = false;
/** When the server ended the session. */
let endedAt = 0;
/** What is known of each room: its messages, its people by name (each with its sessions), and what was not read. */
const known = new Map(rooms.map((name) => [name, { messages: [], people: new Map(), unread: 0 }]));

// The API --------------------------------------------------------------------------------------------------------

async function call(method, body) {
  const headers = { "Content-Type": "application/json" };
  if ($("key").value) headers["X-API-Key"] = $("key").value;
  const response = await fetch(`../api/${method}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.headers.get("Content-Type")?.startsWith("application/json")) {
    throw new Error((await response.text()).trim() || `the API answered ${response.status}`);
  }
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error.message);
  return answer.result;
}

/** In development mode the node signs tokens for the demo; elsewhere one must be given. */
async function fetchToken(fresh) {
  if (!settings.development_mode) return $("token").value.trim() || null;
  if (fresh || me.token === null) {
    me.token = (await call("demo_token", { user: me.name, session: me.session })).token;
  }
  return me.token;
}

// Joining --------------------------------------------------------------------------------------------------------

function join(name, transport) {
  me.name = name;
  me.transport = transport;
  $("entrance").hidden = true;
  $("chat").hidden = false;
  $("state").hidden = false;
  $("another-tab").hidden = false;
  $("another-tab").href = `?room=${room}`;
  signIn();
}

/** A new session with a token of its own, as after signing in. */
function signIn() {
  isInsisting = false;
  const { sub, sid } = settings.development_mode ? {} : claims($("token").value.trim());
  me.name = sub || me.name;
  me.session = sid || crypto.getRandomValues(new Uint32Array(2)).reduce((text, part) => text + part.toString(36), "");
  me.token = null;
  $("me").textContent = me.name;
  $("session").textContent = me.session.slice(0, 8);
  connect();
}

/** What a token says; nothing where it is none. Whether it is true is for the node to judge. */
function claims(token) {
  try {
    const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
  } catch {
    return {};
  }
}

function connect() {
  martlet?.removeEventListener("state", showState);
  martlet?.close();
  martlet = new Martlet({ address: publicAddress(), transport: me.transport, token: fetchToken });
  for (const name of rooms) martlet.subscribe(channel(name));
  martlet.addEventListener("state", showState);
  martlet.addEventListener("publication", ({ detail }) => receive(detail));
  martlet.addEventListener("gap", ({ detail }) => {
    note(`Some messages in ${detail.channel} may have been lost.`, "bad");
  });
  martlet.addEventListener("unsubscribed", ({ detail }) => {
    note(`${detail.channel}: ${detail.reason} (${detail.code})`, "bad");
  });
  martlet.connect();
}

/** `host:port` or a URL; an unspecified host is the one that this page came from. */
function publicAddress() {
  if (settings.public_address.includes("://")) return settings.public_address;
  const address = settings.public_address.replace(/^(0\.0\.0\.0|\[?::\]?)?(?=:\d+$)/, location.hostname);
  return `${location.protocol}//${address}`;
}

const channel = (name) => `chat:${name}`;

// Talking --------------------------------------------------------------------------------------------------------

/** Over WebSocket the connection itself publishes; beside an event stream the API does. */
async function say(kind, text, to = room) {
  const data = { kind, text, user: me.name, session: me.session, transport: me.transport, at: Date.now() };
  if (me.transport === "websocket") return martlet.publish(channel(to), data);
  return call("publish", { channel: channel(to), data });
}

function receive({ channel: from, data }) {
  const name = from.slice(from.indexOf(":") + 1);
  const place = known.get(name);
  if (!place || typeof data !== "object" || data === null) {
    return place && show(name, { kind: "message", user: "somebody", text: JSON.stringify(data), at: Date.now() });
  }
  const { kind = "message", user = "somebody", text = JSON.stringify(data), session = "", transport = "" } = data;
  if (session) meet(place, String(user), String(session), String(transport));
  // Who comes in is greeted by those who are there, so that everybody knows everybody.
  const isNew = kind === "joined" && session !== me.session;
  if (isNew) say("here", "", name).catch(() => {});
  if (kind === "revoked") forget(place, String(text));
  if (kind === "message" || kind === "revoked" || isNew) {
    show(name, { kind, user: String(user), text: String(text), transport, at: Date.now() });
  }
  if (name === room) drawPeople();
}

function meet(place, user, session, transport) {
  const sessions = place.people.get(user) ?? new Map();
  sessions.set(session, { transport, gone: sessions.get(session)?.gone ?? false });
  place.people.set(user, sessions);
}

function show(name, message) {
  const place = known.get(name);
  place.messages.push(message);
  if (place.messages.length > messagesMax) place.messages.shift();
  if (name !== room) {
    if (message.kind === "message") place.unread += 1;
    return drawRooms();
  }
  drawMessages();
}

// Revoking -------------------------------------------------------------------------------------------------------

/** @param {object} target `{user}` for all sessions of a user, or `{session}`. */
async function revoke(target) {
  try {
    await call("revoke", { ...target, reason: `revoked by ${me.name} in the demo` });
    for (const name of rooms) await say("revoked", target.user ?? target.session, name);
  } catch (error) {
    // Whoever revokes itself has nobody left to tell.
    if (martlet.state === "open") note(`Not revoked: ${error.message}`, "bad");
  }
}

function forget({ people }, userOrSession) {
  for (const [user, sessions] of people) {
    for (const [session, facts] of sessions) facts.gone ||= userOrSession === user || userOrSession === session;
  }
}

// Drawing --------------------------------------------------------------------------------------------------------

function showState({ detail: { state, code, reason, retryIn } }) {
  const over = transportNames[me.transport];
  const why = [code || "", reason || (code === 1006 ? "connection lost" : "")].join(" ").trim();
  const wait = retryIn === undefined ? "" : `, next try in ${(retryIn / 1000).toFixed(1)} s`;
  const texts = { connecting: "connecting", open: `open over ${over}`, waiting: "waiting", ended: "ended" };
  const tones = { connecting: "", open: "good", waiting: "warn", ended: "bad" };
  $("state").textContent = texts[state];
  $("state").dataset.tone = tones[state];
  if (state === "open") isInsisting = false;
  if (state === "open") note(`Open over ${over}`, "good");
  if (state === "waiting") note(`Ended${why ? `: ${why}` : ""}${wait || ", the browser comes back"}`);
  if (state === "ended") note(`Ended for good: ${why}`, "bad");
  $("ended").hidden = state !== "ended";
  if (state === "ended") showEnd(code, reason);
  $("text").disabled = state !== "open";
  $("send").disabled = state !== "open";
  $("text").placeholder = state === "open" ? `Say something in ${room}` : "Not connected";
  for (const input of document.getElementsByName("live-transport")) input.checked = input.value === me.transport;
  if (state === "open") announce();
}

function announce() {
  for (const [name, place] of known) {
    meet(place, me.name, me.session, me.transport);
    say("joined", "", name).catch((error) => note(error.message, "bad"));
  }
  drawPeople();
}

function showEnd(code, reason) {
  endedAt = Date.now();
  const isStatus = code >= 200 && code < 600;
  $("ended-title").textContent = isInsisting || isStatus
    ? "The server does not take this token any more" : "This session was ended by the server";
  $("ended-code").textContent = code;
  $("ended-reason").textContent = reason;
  $("ended-note").textContent = isStatus
    ? "An EventSource that is answered with this status stops by itself."
    : "Close codes 3500–3999 and 4500–4999 are final: a client that keeps to them does not come back by itself.";
  // 4501 ends all sessions of a user, any other code this one.
  for (const place of known.values()) forget(place, code === 4501 ? me.name : me.session);
  drawPeople();
}

function note(text, tone = "") {
  const item = element("li");
  const time = element("time", { textContent: new Date().toLocaleTimeString("en-GB") });
  item.append(time, element("span", { textContent: text }));
  item.lastChild.dataset.tone = tone;
  $("log").prepend(item);
  while ($("log").childElementCount > logMax) $("log").lastChild.remove();
}

function drawRooms() {
  const items = rooms.map((name) => {
    const { unread } = known.get(name);
    const button = element("button", { type: "button", textContent: `# ${name}` });
    button.setAttribute("aria-current", name === room);
    if (unread) button.append(element("span", { className: "count", textContent: unread, title: `${unread} unread` }));
    button.addEventListener("click", () => enter(name));
    return element("li", {}, button);
  });
  $("rooms").replaceChildren(...items);
}

function drawMessages() {
  const { messages } = known.get(room);
  let before;
  const items = messages.map((message) => {
    const isAgain = before?.kind === "message" && before.user === message.user && message.at - before.at < 60_000;
    before = message;
    return message.kind === "message" ? messageElement(message, isAgain) : eventElement(message);
  });
  if (items.length === 0) {
    items.push(element("li", { className: "none", textContent: "Nobody has said anything here yet." }));
  }
  $("messages").replaceChildren(...items);
  $("messages").scrollTop = $("messages").scrollHeight;
}

function messageElement({ user, text, at }, isAgain) {
  const time = element("time", { className: "small faint", textContent: clock(at) });
  const header = element("header", {}, element("b", { textContent: user }), " ", time);
  const body = element("div", {}, header, element("p", { textContent: text }));
  return element("li", { className: isAgain ? "message again" : "message" }, avatar(user), body);
}

function eventElement({ kind, user, text, transport }) {
  const over = transportNames[transport] ? ` over ${transportNames[transport]}` : "";
  const whom = kind === "revoked" && isSession(text) ? `session ${text.slice(0, 8)}` : text;
  const what = kind === "revoked" ? `${user} revoked ${whom}` : `${user} joined${over}`;
  return element("li", { className: "event", textContent: what });
}

function drawPeople() {
  const people = [...known.get(room).people].map(([user, sessions]) => personElement(user, sessions));
  if (people.length === 0) people.push(element("li", { className: "small faint person", textContent: "Nobody yet." }));
  $("people").replaceChildren(...people);
}

function personElement(user, sessions) {
  const isGone = [...sessions.values()].every(({ gone }) => gone);
  const who = element("span", { className: "who", textContent: user === me.name ? `${user} (you)` : user });
  const head = element("div", {}, avatar(user, "little"), who);
  if (isGone) head.append(element("span", { className: "small faint", textContent: "revoked" }));
  else if (settings.api_enabled) {
    const button = element("button", { className: "danger revoke", type: "button", textContent: "Revoke" });
    button.setAttribute("aria-label", `Revoke user ${user}`);
    button.addEventListener("click", () => revoke({ user }));
    head.append(button);
  }
  const shown = [...sessions].filter(([, { gone }]) => isGone || !gone);
  const rows = shown.map(([session, facts]) => sessionElement(user, session, facts, shown.length > 1));
  return element("li", { className: isGone ? "person gone" : "person" }, head, ...rows);
}

function sessionElement(user, session, { transport, gone }, isOneOfMany) {
  const label = `${session.slice(0, 8)} · ${transportNames[transport] ?? "?"}`;
  const row = element("div", { className: gone ? "session gone" : "session" }, element("code", { textContent: label }));
  if (isOneOfMany && !gone && settings.api_enabled) {
    const button = element("button", { type: "button", textContent: "end" });
    button.setAttribute("aria-label", `End session ${session.slice(0, 8)} of ${user}`);
    button.addEventListener("click", () => revoke({ session }));
    row.append(button);
  }
  return row;
}

function avatar(user, size = "") {
  const mark = element("span", { className: `avatar ${size}`, textContent: [...user][0]?.toUpperCase() ?? "?" });
  mark.setAttribute("aria-hidden", "true");
  mark.style.setProperty("--hue", [...user].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7));
  return mark;
}

function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

const isSession = (text) => [...known.get(room).people.values()].some((sessions) => sessions.has(text));
const clock = (at) => new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

function enter(name) {
  room = name;
  known.get(name).unread = 0;
  $("another-tab").href = `?room=${room}`;
  if (martlet?.state === "open") $("text").placeholder = `Say something in ${room}`;
  drawRooms();
  drawMessages();
  drawPeople();
}

// Listening to the page ------------------------------------------------------------------------------------------

$("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  join($("name").value.trim() || names[0], document.querySelector("input[name=transport]:checked").value);
});

$("send-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  try {
    await say("message", text);
    $("under").textContent = "";
  } catch (error) {
    $("text").value = text;
    $("under").textContent = `Not sent: ${error.message}`;
  }
});

$("switch").addEventListener("change", (event) => {
  me.transport = event.target.value;
  connect();
});

$("same-token").addEventListener("click", () => {
  isInsisting = true;
  martlet.connect();
});
$("fresh-token").addEventListener("click", () => {
  // A token that was given is not the page's to renew: somebody must give another.
  if (!settings.development_mode) return location.assign("./");
  // Tokens count whole seconds: one that was issued in the second of the revocation is revoked as well.
  setTimeout(signIn, Math.max(0, endedAt + 1000 - Date.now()));
});

// Start ----------------------------------------------------------------------------------------------------------

try {
  const response = await fetch("../settings.json");
  if (response.ok) settings = { ...defaults, ...(await response.json()) };
} catch {
  // Served by the public listener alone: the defaults are right.
}
for (const field of document.querySelectorAll(".outside")) field.hidden = settings.development_mode;
$("console-link").hidden = !settings.api_enabled;
$("name").value = names[Math.floor(Math.random() * names.length)];
enter(room);
if (query.get("user")) join(query.get("user"), query.get("transport") === "events" ? "events" : "websocket");
else $("name").select();
