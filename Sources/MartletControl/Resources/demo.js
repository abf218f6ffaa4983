// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// The demo: a chat whose every tab is a person of its own. Rooms and private conversations are channels, what people
// say are publications, who is here is the channel's presence; the connection itself is all in martlet.js, and what is
// drawn in view.js.

import { Martlet } from "./martlet.js";
import { View } from "./view.js";

const rooms = ["lobby", "kitchen", "workshop"];
const names = ["Ada", "Bruno", "Carmen", "Dmitri", "Edith", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luca"];
const transportNames = { websocket: "WebSocket", events: "EventSource" };
const historyMax = 50;
const messagesMax = 300;
/** People whose private messages are listened for before anybody has written. */
const friendsMax = 60;
/** Over an event stream nobody tells who comes and goes. */
const presenceInterval = 3000;

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

/** Without a control port behind it (`settings.json` is missing), the page connects to where it was loaded from. */
const defaults = { development_mode: false, api_enabled: false, public_address: location.origin };
let settings = defaults;
let martlet;
const me = { name: "", session: "", token: null, transport: "websocket" };
/** Whether this tab came back with a token that had been refused. */
let isInsisting = false;
/** When the server ended the session, and when the connection was last open again. */
let endedAt = 0;
let backAt = 0;
let wasCut = false;

/** What is known of each room and conversation, by channel. */
const places = new Map();
for (const name of rooms) addPlace(`room:${name}`, { name });
let current = places.get(`room:${query.get("room")}`) ?? places.get(`room:${rooms[0]}`);

const view = new View({ enter, write, revoke, me, mayRevoke: () => settings.api_enabled });

function addPlace(channel, { name, isPrivate = false }) {
  const place = { channel, name, isPrivate, items: [], known: new Set(), people: new Map(), unread: 0, isListed: false };
  places.set(channel, place);
  return place;
}

/** The name of the channel says who may read it: these two. */
const privateChannel = (name) => `dm:chat#${[me.name, name].sort().join(",")}`;
const isName = (text) => /^[A-Za-z0-9._-]+$/.test(text);

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

/** Over WebSocket the connection itself asks and publishes; beside an event stream the API does. */
const overSocket = () => me.transport === "websocket";
const queryHistory = (channel, options) =>
  overSocket() ? martlet.history(channel, options) : call("history", { channel, ...options });
const queryPresence = async (channel) =>
  overSocket() ? martlet.presence(channel) : Object.values((await call("presence", { channel })).presence);

async function publish(place, data) {
  if (overSocket()) return martlet.publish(place.channel, { ...data, at: Date.now() });
  return call("publish", { channel: place.channel, data: { ...data, user: me.name, at: Date.now() } });
}

// Joining --------------------------------------------------------------------------------------------------------

function join(name, transport) {
  me.name = name;
  me.transport = transport;
  for (const id of ["entrance", "chat", "state", "another-tab"]) $(id).hidden = id === "entrance";
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
  enter(current);
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
  for (const place of places.values()) {
    if (overSocket() || !place.isPrivate || place.isListed) martlet.subscribe(place.channel, { joinLeave: true });
  }
  martlet.addEventListener("state", showState);
  const on = (type, handle) => martlet.addEventListener(type, ({ detail }) => {
    const place = places.get(detail.channel);
    if (place) handle(place, detail);
  });
  on("subscribed", subscribed);
  on("publication", received);
  on("join", (place, { info }) => came(place, info));
  on("leave", (place, { info }) => went(place, info));
  on("gap", async (place) => {
    divide(place, "Some messages from while you were away are lost");
    await loadHistory(place);
  });
  on("unsubscribed", (place, { code, reason }) => note(`${place.channel}: ${reason} (${code})`, "bad"));
  martlet.connect();
}

/** `host:port` or a URL; an unspecified host is the one that this page came from. */
function publicAddress() {
  if (settings.public_address.includes("://")) return settings.public_address;
  const address = settings.public_address.replace(/^(0\.0\.0\.0|\[?::\]?)?(?=:\d+$)/, location.hostname);
  return `${location.protocol}//${address}`;
}

// Rooms and conversations ----------------------------------------------------------------------------------------

async function subscribed(place) {
  await Promise.all([loadHistory(place), place.isPrivate || loadPeople(place)]);
}

/** What was said before one came, or what is left of it. */
async function loadHistory(place) {
  try {
    const { publications } = await queryHistory(place.channel, { limit: historyMax, reverse: true });
    const found = publications.reverse().map(itemOf).filter(({ offset }) => !place.known.has(offset));
    const newest = Math.max(...place.known);
    const isNews = place.known.size > 0;
    for (const { offset } of found) place.known.add(offset);
    // What is older than all that is shown goes before it, what came since behind.
    place.items.unshift(...found.filter(({ offset }) => offset < newest || !isNews));
    place.items.push(...found.filter(({ offset }) => offset > newest && isNews));
    if (place.isPrivate && found.length > 0 && !place.isListed) {
      place.isListed = true;
      place.unread = place === current ? 0 : found.filter(({ user }) => user !== me.name).length;
    }
    view.draw(places, current);
  } catch (error) {
    if (martlet.state === "open") note(`History of ${place.name}: ${error.message}`, "bad");
  }
}

async function loadPeople(place) {
  try {
    const people = await queryPresence(place.channel);
    place.people = new Map(people.map((info) => [info.client, info]));
    befriend(people);
    view.draw(places, current);
  } catch (error) {
    if (martlet.state === "open") note(`Who is in ${place.name}: ${error.message}`, "bad");
  }
}

function came(place, info) {
  const isNew = !isHere(place, info.user);
  place.people.set(info.client, info);
  befriend([info]);
  if (isNew && info.user !== me.name && !place.isPrivate) show(place, { kind: "event", text: `${info.user} came in` });
  view.draw(places, current);
}

function went(place, info) {
  place.people.delete(info.client);
  if (!isHere(place, info.user) && !place.isPrivate) show(place, { kind: "event", text: `${info.user} left` });
  view.draw(places, current);
}

const isHere = (place, user) => [...place.people.values()].some((info) => info.user === user);

/** Listens for what people whom one has seen may write in private. */
function befriend(people) {
  if (!overSocket()) return;
  for (const { user } of people) {
    if (user === me.name || !isName(user) || places.size >= friendsMax || places.has(privateChannel(user))) continue;
    martlet.subscribe(addPlace(privateChannel(user), { name: user, isPrivate: true }).channel);
  }
}

/** Opens the private conversation with somebody. */
function write(name) {
  if (!isName(name) || name === me.name) return;
  const channel = privateChannel(name);
  const place = places.get(channel) ?? addPlace(channel, { name, isPrivate: true });
  const isNew = !place.isListed;
  place.isListed = true;
  martlet.subscribe(channel);
  if (isNew && !overSocket()) loadHistory(place);
  enter(place);
  $("text").focus();
}

function enter(place) {
  current = place;
  place.unread = 0;
  if (!place.isPrivate) $("another-tab").href = `?room=${place.name}`;
  if (martlet?.state === "open") $("text").placeholder = `Write to ${place.isPrivate ? "" : "#"}${place.name}`;
  view.draw(places, current);
}

// Talking --------------------------------------------------------------------------------------------------------

function itemOf({ data, info, offset }) {
  const said = typeof data === "object" && data !== null ? data : { text: JSON.stringify(data) };
  const { kind = "message", text = JSON.stringify(data), user = "somebody", at = Date.now() } = said;
  // Who published over a connection is said by the server; only what came by the API says it itself.
  const from = String(info?.user || user);
  if (kind === "revoked") return { kind: "event", text: `${from} revoked ${text}`, at, offset };
  return { kind: "message", user: from, text: String(text), at, offset };
}

function received(place, publication) {
  const item = itemOf(publication);
  if (item.offset !== undefined) {
    if (place.known.has(item.offset)) return;
    place.known.add(item.offset);
  }
  // The browser's own EventSource does not tell which were missed; the time they were sent does.
  const isMissed = publication.missed || (wasCut && !overSocket() && item.at < backAt);
  if (isMissed && place.dividedAt !== backAt) {
    place.dividedAt = backAt;
    divide(place, "While you were away");
  }
  show(place, item);
}

function show(place, item) {
  place.items.push({ at: Date.now(), ...item });
  if (place.items.length > messagesMax) place.items.shift();
  if (item.kind === "message" && place.isPrivate) place.isListed = true;
  if (item.kind === "message" && place !== current && item.user !== me.name) place.unread += 1;
  view.draw(places, current);
}

function divide(place, text) {
  show(place, { kind: "divider", text });
}

/** @param {object} target `{user}` for all sessions of a user, or `{session}`. */
async function revoke(target) {
  try {
    await call("revoke", { ...target, reason: `revoked by ${me.name} in the demo` });
    const whom = target.user ?? `session ${target.session.slice(0, 8)}`;
    for (const name of rooms) await publish(places.get(`room:${name}`), { kind: "revoked", text: whom });
  } catch (error) {
    // Whoever revokes itself has nobody left to tell.
    if (martlet.state === "open") note(`Not revoked: ${error.message}`, "bad");
  }
}

// The connection -------------------------------------------------------------------------------------------------

function showState({ detail: { state, code, reason, retryIn } }) {
  const over = transportNames[me.transport];
  const why = [code || "", reason || (code === 1006 ? "connection lost" : "")].join(" ").trim();
  const wait = retryIn === undefined ? "" : `, next try in ${(retryIn / 1000).toFixed(1)} s`;
  const texts = { connecting: "connecting", open: `open over ${over}`, waiting: "waiting", ended: "ended" };
  const tones = { connecting: "", open: "good", waiting: "warn", ended: "bad" };
  $("state").textContent = texts[state];
  $("state").dataset.tone = tones[state];
  if (state === "open") opened(over);
  if (state === "waiting") {
    wasCut = true;
    note(`Ended${why ? `: ${why}` : ""}${wait || ", the browser comes back"}`);
  }
  if (state === "ended") note(`Ended for good: ${why}`, "bad");
  $("ended").hidden = state !== "ended";
  if (state === "ended") showEnd(code, reason);
  $("text").disabled = state !== "open";
  $("send").disabled = state !== "open";
  const where = `${current.isPrivate ? "" : "#"}${current.name}`;
  $("text").placeholder = state === "open" ? `Write to ${where}` : "Not connected";
  for (const input of document.getElementsByName("live-transport")) input.checked = input.value === me.transport;
}

function opened(over) {
  isInsisting = false;
  backAt = Date.now();
  note(`Open over ${over}`, "good");
  if (overSocket()) return;
  for (const place of places.values()) if (!place.isPrivate && place.known.size === 0) loadHistory(place);
  watchPeople();
}

let watch;

/** Who is here, asked again and again as long as the stream lasts. */
function watchPeople() {
  clearInterval(watch);
  const stream = martlet;
  const look = () => {
    if (stream !== martlet || stream.state === "ended") return clearInterval(watch);
    if (stream.state === "open" && !current.isPrivate) loadPeople(current);
  };
  look();
  watch = setInterval(look, presenceInterval);
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
  for (const place of places.values()) place.people = new Map();
  view.draw(places, current);
}

const note = (text, tone) => view.note(text, tone);

// Listening to the page ------------------------------------------------------------------------------------------

$("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  join($("name").value.trim() || names[0], document.querySelector("input[name=transport]:checked").value);
});

$("find-form").addEventListener("submit", (event) => {
  event.preventDefault();
  write($("find").value.trim());
  $("find").value = "";
});

$("send-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  try {
    await publish(current, { text });
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
// On a phone the list would hide the messages.
$("people-box").open = !matchMedia("(max-width: 60rem)").matches;
const asked = query.get("user");
if (asked && isName(asked)) join(asked, query.get("transport") === "events" ? "events" : "websocket");
else $("name").select();
