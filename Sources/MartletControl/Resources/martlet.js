// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// A small client for Martlet, for those who want neither an SDK nor bare sockets: one connection with many channels,
// over WebSocket (JSON-RPC 2.0) or EventSource, without dependencies.
//
//   const martlet = new Martlet({ address: "https://edge.example.com", token: async () => fetchToken() });
//   martlet.addEventListener("publication", ({ detail }) => console.log(detail.channel, detail.data));
//   martlet.subscribe("news:today");
//   martlet.connect();
//
// It comes back by itself, after a random time that doubles with every failure, and no sooner than the server asks.
// Where a channel keeps history, a subscription goes on where it was: what was missed is given first, marked `missed`;
// where the history does not reach back that far, there is a `gap` instead.
//
// Events and their `detail`:
//   state        {state, code, reason, retryIn}, where state is "connecting", "open", "waiting" (it comes back by
//                itself, in `retryIn` milliseconds where that is known) or "ended" (it does not come back; `code` is
//                the server's reason, see Docs/Protocols.md, or the HTTP status that refused an event stream)
//   subscribed   {channel, recovered}: the subscription is active; `recovered` tells whether everything that was missed
//                follows, and is undefined where there was nothing to go on from
//   publication  {channel, data, info, tags, offset, epoch, missed}
//   join, leave  {channel, info}: who came or went, where `joinLeave` was asked for
//   gap          {channel}: publications may have been lost here; reload what they would have changed
//   unsubscribed {channel, code, reason}: the server ended or refused this subscription
//
// Over EventSource there is no way up and no `subscribed`, `join` or `leave`: `publish`, `history` and `presence` are
// of WebSocket alone. Missed publications come like any other, since it is the browser that goes on from where it was.

const backoffBase = 500;
const backoffCeiling = 20_000;
/** Answers to an EventSource that are meant to be final; any other is worth another try. */
const finalStatuses = [204, 400, 401, 403, 404, 406];
/** Errors after which the same, or a fresh token, may be tried again. */
const temporaryErrors = [100, 109, 111];
/** The server lost or doubts the subscription's place: subscribing again is what it asks for. */
const resubscribeFrom = 2500;

export class Martlet extends EventTarget {
  #address;
  #transport;
  #token;
  #subscriptionToken;
  /** By channel: its options, and the position up to which everything was given. */
  #subscriptions = new Map();
  #state = "idle";
  #attempt = 0;
  #timer;
  #refreshTimer;
  #socket;
  #source;
  #calls = new Map();
  #lastID = 0;
  #lastEventID = "";
  #wantsFreshToken = false;

  /**
   * @param {object} options
   * @param {string} options.address Where Martlet listens, such as "https://edge.example.com".
   * @param {"websocket" | "events"} [options.transport]
   * @param {(fresh: boolean) => Promise<string | null>} [options.token] Gives the token to connect with; `fresh` says
   *   that the last one has expired.
   * @param {(channel: string) => Promise<string | null>} [options.subscriptionToken] Gives a token for one channel,
   *   where a channel asks for one.
   */
  constructor({ address, transport = "websocket", token = async () => null, subscriptionToken = async () => null }) {
    super();
    this.#address = address;
    this.#transport = transport;
    this.#token = token;
    this.#subscriptionToken = subscriptionToken;
  }

  get state() {
    return this.#state;
  }

  get channels() {
    return [...this.#subscriptions.keys()];
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

  /**
   * Subscribes now and after every reconnect.
   * @param {string} channel
   * @param {object} [options]
   * @param {boolean} [options.joinLeave] Whether to be told who comes and goes.
   * @param {{offset: number, epoch: string}} [options.since] Where to go on from, such as the position of a page that
   *   the server rendered.
   */
  subscribe(channel, { joinLeave = false, since } = {}) {
    if (this.#subscriptions.has(channel)) return;
    this.#subscriptions.set(channel, { joinLeave, position: since, attempt: 0 });
    if (this.#transport === "events") return this.#reopenEvents();
    if (this.#state === "open") this.#subscribeNow(channel);
  }

  unsubscribe(channel) {
    const subscription = this.#subscriptions.get(channel);
    if (!subscription) return;
    clearTimeout(subscription.timer);
    this.#subscriptions.delete(channel);
    if (this.#transport === "events") return this.#reopenEvents();
    if (this.#state === "open") this.#call("unsubscribe", { channel }).catch(() => {});
  }

  /** Publishes as this client; gives the position it got where the channel keeps history. */
  async publish(channel, data) {
    return (await this.#ask("publish", { channel, data })).position;
  }

  /**
   * What was published in a channel.
   * @param {object} [query]
   * @param {number} [query.limit]
   * @param {{offset: number, epoch: string}} [query.since] Only what came after (in reverse: before) it.
   * @param {boolean} [query.reverse] Newest first.
   * @returns {Promise<{position: object, publications: object[]}>}
   */
  async history(channel, query = {}) {
    return this.#ask("history", { channel, ...query });
  }

  /** @returns {Promise<{user: string, client: string, conn_info: any}[]>} Who is in a channel. */
  async presence(channel) {
    return (await this.#ask("presence", { channel })).clients;
  }

  /** @returns {Promise<{clients: number, users: number}>} */
  async presenceStats(channel) {
    return this.#ask("presence_stats", { channel });
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

  /** Each client waits a time of its own, drawn from the whole range, so that they do not all come at once. */
  #comeBack(cause, atLeast = 0) {
    this.#discard();
    const retryIn = atLeast + jitter(this.#attempt++);
    this.#enter("waiting", { ...cause, retryIn });
    this.#timer = setTimeout(() => this.connect(), retryIn);
  }

  /** The server said goodbye: its code tells whether to come back. */
  #dismissed({ code, reason, reconnect = mayReconnect(code) }) {
    this.#discard();
    // 3005: the token has expired; 3014: what it says is out of date.
    if (code === 3005 || code === 3014) this.#wantsFreshToken = true;
    if (reconnect) this.#comeBack({ code, reason }, advisedWait(reason));
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
    clearTimeout(this.#refreshTimer);
    for (const { timer } of this.#subscriptions.values()) clearTimeout(timer);
    socket?.close();
    source?.close();
    for (const { reject } of this.#calls.values()) reject(new Error("the connection ended"));
    this.#calls.clear();
  }

  // WebSocket, JSON-RPC 2.0 --------------------------------------------------------------------------------------

  #openSocket(token) {
    const url = new URL("/ws", this.#address);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => this.#introduce(socket, token);
    socket.onmessage = ({ data }) => {
      for (const message of [JSON.parse(data)].flat()) {
        if (socket !== this.#socket) return;
        if (message.method) this.#notified(message.method, message.params);
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
      for (const channel of this.channels) this.#subscribeNow(channel);
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
    this.#refreshTimer = setTimeout(async () => {
      try {
        const token = await this.#token(true);
        if (socket !== this.#socket) return;
        const { ttl: next } = await this.#call("refresh", { token });
        if (next && socket === this.#socket) this.#refreshLater(socket, next);
      } catch {
        // Once more while the server's grace lasts; after that it ends the connection, and says why.
        if (socket === this.#socket) this.#refreshLater(socket, 6);
      }
    }, Math.min(early, 2 ** 31 - 1));
  }

  async #subscribeNow(channel) {
    const subscription = this.#subscriptions.get(channel);
    const { joinLeave, position: since } = subscription;
    try {
      const token = await this.#subscriptionToken(channel);
      if (this.#subscriptions.get(channel) !== subscription) return;
      const params = { channel, recover: true };
      if (joinLeave) params.join_leave = true;
      if (since) params.since = since;
      if (token) params.token = token;
      const result = await this.#call("subscribe", params);
      subscription.attempt = 0;
      this.#subscribed(channel, subscription, result);
    } catch ({ code, message: reason }) {
      // The connection has ended, and comes back with all its subscriptions.
      if (code === undefined || this.#subscriptions.get(channel) !== subscription) return;
      if (temporaryErrors.includes(code)) {
        subscription.timer = setTimeout(() => this.#subscribeNow(channel), jitter(subscription.attempt++));
      } else {
        this.#subscriptions.delete(channel);
        this.#emit("unsubscribed", { channel, code, reason });
      }
    }
  }

  #subscribed(channel, subscription, { position, recovered, publications = [] }) {
    this.#emit("subscribed", { channel, recovered });
    if (recovered === false) this.#emit("gap", { channel });
    for (const publication of publications) this.#emit("publication", { channel, ...publication, missed: true });
    subscription.position = position;
  }

  #notified(method, params) {
    const subscription = this.#subscriptions.get(params.channel);
    if (method === "publication" && subscription && params.epoch) {
      subscription.position = { offset: params.offset, epoch: params.epoch };
    }
    if (method === "unsubscribed" && subscription) {
      if (params.code >= resubscribeFrom) {
        // Spread, as the many others that lost their place at the same moment do it.
        subscription.timer = setTimeout(() => this.#subscribeNow(params.channel), jitter(0));
        return;
      }
      this.#subscriptions.delete(params.channel);
    }
    this.#emit(method, params);
  }

  async #ask(method, params) {
    if (this.#socket === undefined || this.#state !== "open") throw new Error("not connected over WebSocket");
    return this.#call(method, params);
  }

  #call(method, params) {
    const id = ++this.#lastID;
    return new Promise((resolve, reject) => {
      // Closing, before anybody was told: what is sent now would be dropped.
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject(new Error("the connection is ending"));
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

  /** The channels of an event stream are in its URL. */
  #reopenEvents() {
    if (["open", "connecting", "waiting"].includes(this.#state)) this.connect();
  }

  #openEvents(token) {
    if (this.#subscriptions.size === 0) return;
    const url = new URL("/events", this.#address);
    for (const channel of this.channels) url.searchParams.append("channel", channel);
    if (token) url.searchParams.set("access_token", token);
    // A new EventSource would forget it. Of other channels' positions the server tells a gap, which is the truth.
    if (this.#lastEventID) url.searchParams.set("lastEventId", this.#lastEventID);
    const source = new EventSource(url);
    this.#source = source;
    const listen = (type, receive) => source.addEventListener(type, ({ data, lastEventId }) => {
      if (source !== this.#source) return;
      this.#lastEventID = lastEventId;
      receive(JSON.parse(data));
    });
    source.onopen = () => this.#opened();
    listen("message", (detail) => this.#emit("publication", detail));
    listen("gap", (detail) => this.#emit("gap", detail));
    listen("disconnect", (notice) => this.#dismissed(notice));
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
    const options = { headers: { Accept: "text/event-stream" }, signal: request.signal };
    const [status, wait] = await fetch(url, options).then(
      (answer) => [answer.status, Number(answer.headers.get("Retry-After")) * 1000 || 0], () => [0, 0]);
    request.abort();
    if (source !== this.#source) return;
    if (finalStatuses.includes(status)) this.#dismissed({ code: status, reason: "refused", reconnect: false });
    else this.#comeBack({ code: status, reason: "not now" }, wait);
  }
}

/** The rule that close codes follow; 1009 says that a message was too big, and would be again. */
export function mayReconnect(code) {
  if (code < 3000) return code !== 1009;
  return !((code >= 3500 && code < 4000) || (code >= 4500 && code < 5000));
}

/** Milliseconds to wait that a close's reason tells, as that of 1012 does. */
function advisedWait(reason) {
  return Number(/retry after (\d+) ms/.exec(reason)?.[1] ?? 0);
}

function jitter(attempt) {
  return Math.random() * Math.min(backoffCeiling, backoffBase * 2 ** attempt);
}
