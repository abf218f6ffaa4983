// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// The console: asks the node once a second what it does, and draws it.

const historySeconds = 120;
const $ = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

const state = {
  settings: {}, key: sessionStorage.getItem("martlet.key") ?? "", previous: null, failedSince: null, turn: 0,
};
const history = { open: [], publications: [], deliveries: [], connects: [], revoked: [] };

// Asking ---------------------------------------------------------------------------------------------------------

async function ask(path, body) {
  const headers = state.key ? { "X-API-Key": state.key } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const method = body === undefined ? "GET" : "POST";
  const signal = AbortSignal.timeout(5000);
  const response = await fetch(path, { method, headers, signal, body: body && JSON.stringify(body) });
  if (response.status === 401) throw Object.assign(new Error("an API key is missing or wrong"), { needsKey: true });
  if (!response.ok && response.headers.get("Content-Type") !== "application/json") {
    throw new Error(`${response.status}: ${(await response.text()).trim() || response.statusText}`);
  }
  return response.json();
}

async function call(method, body) {
  const answer = await ask(`api/${method}`, body);
  if (answer.error) throw new Error(`${answer.error.message} (${answer.error.code})`);
  return answer.result;
}

async function poll() {
  try {
    const overview = await ask("api/overview");
    state.failedSince = null;
    showKeyCard(false);
    show(overview);
    // Nodes tell of themselves every two seconds.
    state.turn += 1;
    if (overview.bus !== "memory" && state.turn % 2 === 1) showNodes((await ask("api/nodes")).result);
  } catch (error) {
    // Asking goes on when a key has been given.
    if (error.needsKey) return showKeyCard(true);
    state.failedSince ??= new Date();
    showLost();
  }
  setTimeout(poll, state.failedSince ? 2000 : 1000);
}

// Showing --------------------------------------------------------------------------------------------------------

function show(overview) {
  $("dashboard").hidden = false;
  document.body.classList.remove("stale");
  showNode(overview);
  showNotices(overview.readiness);
  showTransports(overview);
  showChannels(overview);
  record(overview);
  showFigures(overview);
}

function showNode(overview) {
  const { state: name } = overview.readiness;
  const tone = name === "ready" ? (overview.readiness.degraded.length ? "warn" : "good") : "warn";
  setPill(tone === "warn" && name === "ready" ? "ready, degraded" : name, tone);
  $("facts").hidden = false;
  $("node").textContent = overview.name;
  $("uptime").textContent = duration(overview.uptime);
  $("bus").textContent = overview.bus;
  $("version").textContent = overview.version;
  document.title = `${whole.format(total(overview.connections))} open · ${overview.name} · Martlet`;
}

function showNotices({ state: name, reasons, degraded }) {
  const notices = [];
  if (name !== "ready") notices.push([`The node is ${name}.`, reasons.join("; "), "warn"]);
  for (const what of degraded) notices.push(["Degraded.", what, "warn"]);
  $("notices").replaceChildren(...notices.map((notice) => noticeElement(...notice)));
}

function showLost() {
  const since = state.failedSince.toLocaleTimeString();
  setPill("no answer", "bad");
  document.body.classList.add("stale");
  $("notices").replaceChildren(
    noticeElement("The node does not answer.", `Nothing heard since ${since}; asking again every 2 seconds.`, "bad"));
}

function showKeyCard(needed) {
  if (!needed) {
    $("key-card").hidden = true;
    return;
  }
  setPill("key needed", "warn");
  $("dashboard").hidden = true;
  $("notices").replaceChildren();
  const hadKey = state.key !== "";
  if ($("key-card").hidden) {
    $("key-card").hidden = false;
    $("key").focus();
  }
  if (hadKey) $("key-wrong").hidden = false;
  state.key = "";
  sessionStorage.removeItem("martlet.key");
}

function showTransports({ connections }) {
  const names = {
    websocket: "WebSocket", event_stream: "Event stream",
    jsonrpc: "JSON-RPC", centrifuge_json: "Centrifuge JSON", events: "Plain events",
  };
  const all = total(connections);
  const busy = connections.filter(({ open }) => open > 0).sort((one, other) => other.open - one.open);
  const rows = busy.map(({ transport, protocol, open }) => {
    const [first, second] = [transport, protocol].map((name) => cell(names[name] ?? name));
    return row(first, second, bar(open, all), cell(whole.format(open), "number"));
  });
  $("transports").replaceChildren(...rows);
  $("transports-empty").hidden = all > 0;
}

function showChannels({ channels, subscriptions, top_channels: busiest }) {
  const most = busiest[0]?.subscribers ?? 0;
  const rows = busiest.map(({ name, subscribers }) => {
    return row(cell(name, "mono"), bar(subscribers, most), cell(whole.format(subscribers), "number"));
  });
  $("channels").replaceChildren(...rows);
  $("channels-empty").hidden = channels > 0;
  const counts = `${plural(channels, "channel")}, ${plural(subscriptions, "subscription")}`;
  $("channels-note").textContent = channels > 0 ? counts : "";
  const options = busiest.map(({ name }) => Object.assign(document.createElement("option"), { value: name }));
  $("channel-names").replaceChildren(...options);
}

function showNodes({ nodes, node: own, connections, lost, desired_nodes: desired }) {
  const rows = nodes.map((node) => {
    const name = cell(node.id === own ? `${node.name} (this one)` : node.name);
    const full = `${tenths.format(node.utilization * 100)} %`;
    const numbers = [whole.format(node.connections), full, duration(node.uptime)].map((text) => cell(text, "number"));
    const share = Object.assign(bar(node.connections, connections), { className: "bar" });
    return row(name, cell(node.state), share, ...numbers);
  });
  $("nodes").replaceChildren(...rows);
  $("nodes-card").hidden = false;
  const missing = lost > 0 ? `, ${lost} fell silent` : "";
  $("nodes-note").textContent = `${plural(nodes.length, "node")}${missing}; advice: ${desired}`;
}

// Rates are differences between two answers; a counter that went back means that the node was restarted.
function record(overview) {
  const now = { uptime: overview.uptime, ...overview.counters };
  const before = state.previous;
  state.previous = now;
  push("open", total(overview.connections));
  if (!before || now.uptime <= before.uptime) return;
  const perSecond = (name) => Math.max(0, now[name] - before[name]) / (now.uptime - before.uptime);
  push("publications", perSecond("publications"));
  push("deliveries", perSecond("deliveries"));
  push("connects", perSecond("opened"));
  push("revoked", perSecond("revoked_connections"));
}

function push(name, value) {
  history[name].push(value);
  if (history[name].length > historySeconds) history[name].shift();
}

function showFigures({ capacity, connections, counters, revocations, revocation_lag: lag }) {
  const open = total(connections);
  const used = capacity > 0 ? (open / capacity) * 100 : 0;
  $("open").textContent = whole.format(open);
  $("open-note").textContent = `${used.toFixed(used < 10 ? 1 : 0)} % of ${whole.format(capacity)}`;
  $("capacity").firstElementChild.style.width = `${Math.min(100, used)}%`;
  $("capacity").dataset.tone = used > 85 ? "warn" : "";
  $("capacity").setAttribute("aria-valuenow", used.toFixed(0));
  for (const name of ["publications", "deliveries", "connects", "revoked"]) {
    const latest = history[name].at(-1);
    $(name).textContent = latest === undefined ? "–" : rate(latest);
  }
  $("publications-note").textContent = `${whole.format(counters.publications)} in all`;
  $("deliveries-note").textContent = `${whole.format(counters.deliveries)} in all`;
  $("connects-note").textContent = `${whole.format(counters.closed)} closed, ${whole.format(counters.refused)} refused`;
  const delay = lag.p99 == null ? "" : `, closed in ${seconds(lag.p99)} (p99)`;
  $("revoked-note").textContent = `${whole.format(revocations)} remembered${delay}`;
  for (const name of Object.keys(history)) spark($(`${name}-chart`), history[name]);
}

function spark(svg, values) {
  if (values.length < 2) return;
  const top = Math.max(...values, 1e-9) * 1.15;
  const points = values.map((value, index) => {
    const x = 100 - ((values.length - 1 - index) * 100) / (historySeconds - 1);
    return `${x.toFixed(2)},${(39 - (value / top) * 38).toFixed(2)}`;
  });
  const first = points[0].split(",")[0];
  svg.setAttribute("viewBox", "0 0 100 40");
  svg.replaceChildren(
    shape("polygon", "area", `${first},40 ${points.join(" ")} 100,40`), shape("polyline", "line", points.join(" ")));
}

// Forms ----------------------------------------------------------------------------------------------------------

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  state.key = $("key").value.trim();
  sessionStorage.setItem("martlet.key", state.key);
  $("key").value = "";
  $("key-wrong").hidden = true;
  poll();
});

$("publish-form").addEventListener("submit", (event) => {
  event.preventDefault();
  let data;
  try {
    data = JSON.parse($("publish-data").value);
  } catch (error) {
    return report("publish-result", `This is not JSON: ${error.message}`, "bad");
  }
  const channel = $("publish-channel").value;
  submit(event.target, "publish-result", async () => {
    const { offset } = (await call("publish", { channel, data })) ?? {};
    return `Published to ${channel}${offset ? ` at offset ${offset}` : ""}.`;
  });
});

$("revoke-kind").addEventListener("change", describeRevocation);

$("revoke-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = { [$("revoke-kind").value]: $("revoke-value").value };
  if ($("revoke-reason").value) body.reason = $("revoke-reason").value;
  submit(event.target, "revoke-result", async () => {
    const { id, durable, topic, partition, offset } = await call("revoke", body);
    const position = topic === undefined ? "" : ` at ${topic}/${partition}@${offset}`;
    return `Revoked${position}, event ${id}${durable ? "." : ", kept in memory only."}`;
  });
});

function describeRevocation() {
  const notes = {
    session: "Closes the session's connections on every node; its tokens are refused from now on.",
    user: "Closes all of the user's connections; tokens issued until now are refused, later ones are not.",
    token: "Closes the connections made with this token; it is refused from now on.",
  };
  const kind = $("revoke-kind").value;
  $("revoke-value-label").textContent = kind[0].toUpperCase() + kind.slice(1);
  $("revoke-note").textContent = notes[kind];
}

async function submit(form, output, act) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    report(output, await act(), "good");
  } catch (error) {
    report(output, `Not done: ${error.message}.`, "bad");
  } finally {
    button.disabled = false;
  }
}

function report(output, text, tone) {
  $(output).textContent = text;
  $(output).dataset.tone = tone;
}

// Small things ---------------------------------------------------------------------------------------------------

const total = (connections) => connections.reduce((sum, { open }) => sum + open, 0);
const rate = (value) => (value < 10 ? tenths : value < 1e6 ? whole : compact).format(value);
const plural = (count, noun) => `${whole.format(count)} ${noun}${count === 1 ? "" : "s"}`;

function seconds(value) {
  return value < 1 ? `${short.format(value * 1000)} ms` : `${short.format(value)} s`;
}

function duration(value) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => value >= size);
  if (first < 0) return "0 s";
  const [size, name] = units[first];
  const next = units[first + 1];
  const rest = next ? Math.floor((value % size) / next[0]) : 0;
  return `${Math.floor(value / size)} ${name}${rest ? ` ${rest} ${next[1]}` : ""}`;
}

function setPill(text, tone) {
  if ($("state").textContent !== text) $("state").textContent = text;
  $("state").dataset.tone = tone;
}

function noticeElement(title, text, tone) {
  const notice = Object.assign(document.createElement("p"), { className: "notice" });
  notice.dataset.tone = tone;
  notice.append(Object.assign(document.createElement("strong"), { textContent: title }), ` ${text}`);
  return notice;
}

function cell(text, className = "") {
  return Object.assign(document.createElement("td"), { textContent: text, className });
}

function row(...cells) {
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}

function bar(part, of) {
  const share = Object.assign(document.createElement("span"), { className: "share" });
  share.append(document.createElement("span"));
  share.firstChild.style.width = `${of > 0 ? (part / of) * 100 : 0}%`;
  const holder = cell("");
  holder.append(share);
  return holder;
}

function shape(kind, className, points) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
  element.setAttribute("class", className);
  element.setAttribute("points", points);
  return element;
}

// Start ----------------------------------------------------------------------------------------------------------

try {
  state.settings = await (await fetch("settings.json")).json();
} catch {
  // The first poll says that nobody answers.
}
$("demo-link").hidden = !state.settings.demo_enabled;
$("public-address").textContent = state.settings.public_address ?? "the public listener";
describeRevocation();
poll();
