// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// A small client for Martlet: one connection with many channels, over WebSocket (JSON-RPC 2.0) or EventSource.
//
//   const martlet = new Martlet({ address: "http://localhost:8000", token: async () => fetchToken() });
//   martlet.addEventListener("publication", ({ detail }) => console.log(detail.channel, detail.data));
//   martlet.subscribe("news:today");
//   martlet.connect();
//
// Events and their `detail`:
//   state        {state, code, reason, retryIn}, where state is "connecting", "open", "waiting" (it comes back by
//                itself, in `retryIn` milliseconds where that is known) or "ended" (it does not come back)
//   publication  {channel, data, info, offset}
//   gap          {channel}: publications may have been lost here; reload what they would have changed
//   unsubscribed {channel, code, reason}: the server ended or refused this subscription

const backoffBase = 300;
const backoffCeiling = 20_000;
/** Answers to an EventSource that are meant to be final; any other is worth another try. */
const finalStatuses = [204, 400, 401, 403, 404, 406];
/** Errors of `connect` after which the same or a fresh token may be tried again. */
const temporaryErrors = [100, 109, 111];

export class Martlet extends EventTarget {
  #address;
  #transport;
  #token;
  #channels = new Set();
  #state = "idle";
  #attempt = 0;
  #timer;
  #socket;
  #source;
  #calls = new Map();
  #lastID = 0;
  #wantsFreshToken = false;

  /**
   * @param {object} options
   * @param {string} options.address Where Martlet listens, such as "https://edge.example.com".
   * @param {"websocket" | "events"} [options.transport]
   * @param {(fresh: boolean) => Promise<string | null>} [options.token] Gives the token to connect with; `fresh` says
   *   that the last one has expired.
   */
  constructor({ address, transport = "websocket", token = async () => null }) {
    super();
    this.#address = address;
    this.#transport = transport;
    this.#token = token;
  }

  get state() {
    return this.#state;
  }

  connect() {
    clearTimeout(this.#timer);
    this.#discard();
    this.#enter("connecting");
    this.#open().catch((error) => this.#comeBack({ reason: error.message }));
  }

  close() {
    clearTimeout(this.#timer);
    this.#discard();
    this.#enter("ended", { code: 1000, reason: "closed here" });
  }

  subscribe(channel) {
    if (this.#channels.has(channel)) return;
    this.#channels.add(channel);
    this.#channelsChanged("subscribe", channel);
  }

  unsubscribe(channel) {
    if (this.#channels.delete(channel)) this.#channelsChanged("unsubscribe", channel);
  }

  /** Publishes as this client: over WebSocket only, as an event stream has no way up. */
  async publish(channel, data) {
    if (this.#socket === undefined || this.#state !== "open") throw new Error("not connected over WebSocket");
    await this.#call("publish", { channel, data });
  }

  // Connecting and coming back -----------------------------------------------------------------------------------

  async #open() {
    const token = await this.#token(this.#wantsFreshToken);
    this.#wantsFreshToken = false;
    if (this.#state !== "connecting") return;
    if (this.#transport === "websocket") this.#openSocket(token);
    else this.#openEvents(token);
  }

  #opened() {
    this.#attempt = 0;
    this.#enter("open");
  }

  /** Waits twice as long each time, and each client a little differently, so that they do not all come at once. */
  #comeBack(cause, atLeast = 0) {
    this.#discard();
    const full = Math.min(backoffCeiling, backoffBase * 2 ** this.#attempt++);
    const retryIn = Math.max(atLeast, full * (0.5 + Math.random() / 2));
    this.#enter("waiting", { ...cause, retryIn });
    this.#timer = setTimeout(() => this.connect(), retryIn);
  }

  /** The server said goodbye: its code tells whether to come back. */
  #dismissed({ code, reason, reconnect = mayReconnect(code) }) {
    this.#discard();
    // 3005: the token has expired; 3014: what it says is out of date.
    if (code === 3005 || code === 3014) this.#wantsFreshToken = true;
    if (reconnect) this.#comeBack({ code, reason });
    else this.#enter("ended", { code, reason });
  }

  #enter(state, detail = {}) {
    this.#state = state;
    this.#emit("state", { state, ...detail });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #discard() {
    const [socket, source] = [this.#socket, this.#source];
    this.#socket = undefined;
    this.#source = undefined;
    socket?.close();
    source?.close();
    for (const { reject } of this.#calls.values()) reject(new Error("the connection ended"));
    this.#calls.clear();
  }

  #channelsChanged(method, channel) {
    // The channels of an event stream are in its URL.
    if (this.#transport === "events" && ["open", "connecting"].includes(this.#state)) this.connect();
    if (this.#socket === undefined || this.#state !== "open") return;
    if (method === "subscribe") this.#subscribeNow(channel);
    else this.#call(method, { channel }).catch(() => {});
  }

  // WebSocket, JSON-RPC 2.0 --------------------------------------------------------------------------------------

  #openSocket(token) {
    const url = new URL("/ws", this.#address);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => this.#introduce(socket, token);
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      for (const message of [JSON.parse(data)].flat()) {
        if (message.method) this.#emit(message.method, message.params);
        else this.#settle(message);
      }
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.#socket) this.#dismissed({ code, reason });
    };
  }

  async #introduce(socket, token) {
    try {
      const { ttl } = await this.#call("connect", token ? { token } : {});
      if (socket !== this.#socket) return;
      // Asked for before anybody is told, so that what is published in answer to "open" comes back here too.
      for (const channel of this.#channels) this.#subscribeNow(channel);
      this.#opened();
      if (ttl) this.#refreshLater(socket, ttl);
    } catch (error) {
      // The close that follows says more than the error, so the error counts only where none comes.
      setTimeout(() => {
        if (socket !== this.#socket) return;
        const { code = 0, message: reason } = error;
        if (code === 109) this.#wantsFreshToken = true;
        this.#dismissed({ code, reason, reconnect: temporaryErrors.includes(code) });
      }, 1000);
    }
  }

  #refreshLater(socket, ttl) {
    const early = Math.max(1000, ttl * 1000 - 5000);
    setTimeout(async () => {
      if (socket !== this.#socket) return;
      const token = await this.#token(true);
      const { ttl: next } = await this.#call("refresh", { token });
      if (next) this.#refreshLater(socket, next);
    }, Math.min(early, 2 ** 31 - 1));
  }

  #subscribeNow(channel) {
    this.#call("subscribe", { channel }).catch(({ code, message: reason }) => {
      if (code !== undefined) this.#emit("unsubscribed", { channel, code, reason });
    });
  }

  #call(method, params) {
    const id = ++this.#lastID;
    return new Promise((resolve, reject) => {
      // Closing, before anybody was told: what is sent now would be dropped.
      if (this.#socket.readyState !== WebSocket.OPEN) return reject(new Error("the connection is ending"));
      this.#calls.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  #settle({ id, result, error }) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error) call?.reject(Object.assign(new Error(error.message), { code: error.code }));
    else call?.resolve(result);
  }

  // Event stream -------------------------------------------------------------------------------------------------

  #openEvents(token) {
    if (this.#channels.size === 0) return;
    const url = new URL("/events", this.#address);
    for (const channel of this.#channels) url.searchParams.append("channel", channel);
    if (token) url.searchParams.set("access_token", token);
    const source = new EventSource(url);
    this.#source = source;
    source.onopen = () => this.#opened();
    source.onmessage = ({ data }) => this.#emit("publication", JSON.parse(data));
    source.addEventListener("gap", ({ data }) => this.#emit("gap", JSON.parse(data)));
    source.addEventListener("disconnect", ({ data }) => this.#dismissed(JSON.parse(data)));
    source.onerror = () => {
      if (source !== this.#source) return;
      // Unless the stream was refused, the browser comes back by itself, after the time the server named.
      if (source.readyState !== EventSource.CLOSED) this.#enter("waiting", { reason: "the stream ended" });
      else this.#refused(url, source);
    };
  }

  /** An EventSource takes every status but 200 as final and does not tell which: ask, and try again where it pays. */
  async #refused(url, source) {
    const request = new AbortController();
    const headers = { Accept: "text/event-stream" };
    const status = await fetch(url, { headers, signal: request.signal }).then((answer) => answer.status, () => 0);
    request.abort();
    if (source !== this.#source) return;
    if (finalStatuses.includes(status)) this.#dismissed({ code: status, reason: "refused", reconnect: false });
    else this.#comeBack({ code: status, reason: "not now" });
  }
}

/** The rule that close codes follow; 1009 says that a message was too big, and would be again. */
export function mayReconnect(code) {
  if (code < 3000) return code !== 1009;
  return !((code >= 3500 && code < 4000) || (code >= 4500 && code < 5000));
}
