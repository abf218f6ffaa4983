// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// What the demo's page shows of its rooms, conversations and people.

const logMax = 12;
/** What one person says within this time stands under one name. */
const togetherMax = 60_000;

const $ = (id) => document.getElementById(id);
const clock = (at) => new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

export class View {
  #actions;
  #isDue = false;
  #places;
  #current;

  /**
   * @param {object} actions What is done when people press things: `enter(place)`, `write(name)`, `revoke(target)`; and
   *   what is known of the page: `me`, `mayRevoke()`.
   */
  constructor(actions) {
    this.#actions = actions;
  }

  /** Draws everything anew, but once for all that happens at the same time. */
  draw(places, current) {
    this.#places = places;
    this.#current = current;
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#drawPlaces();
      this.#drawMessages();
      this.#drawPeople();
    });
  }

  note(text, tone = "") {
    const time = element("time", { textContent: new Date().toLocaleTimeString("en-GB") });
    const item = element("li", {}, time, element("span", { textContent: text }));
    item.lastChild.dataset.tone = tone;
    $("log").prepend(item);
    while ($("log").childElementCount > logMax) $("log").lastChild.remove();
  }

  // Rooms and conversations --------------------------------------------------------------------------------------

  #drawPlaces() {
    const all = [...this.#places.values()];
    $("rooms").replaceChildren(...all.filter((place) => !place.isPrivate).map((place) => this.#placeElement(place)));
    const talks = all.filter((place) => place.isPrivate && (place.isListed || place === this.#current));
    $("talks").replaceChildren(...talks.map((place) => this.#placeElement(place)));
    const seen = new Set(all.filter((place) => place.isPrivate).map(({ name }) => name));
    $("known-names").replaceChildren(...[...seen].map((name) => element("option", { value: name })));
  }

  #placeElement(place) {
    const mark = place.isPrivate ? avatar(place.name, "little") : element("span", { className: "hash", textContent: "#" });
    const name = element("span", { className: "place-name", textContent: place.name });
    const button = element("button", { type: "button" }, mark, " ", name);
    button.setAttribute("aria-current", place === this.#current);
    if (place.unread) {
      const { unread } = place;
      button.append(element("span", { className: "count", textContent: unread, title: `${unread} unread` }));
    }
    button.addEventListener("click", () => this.#actions.enter(place));
    return element("li", {}, button);
  }

  // Messages -----------------------------------------------------------------------------------------------------

  #drawMessages() {
    const { name, isPrivate, items } = this.#current;
    $("talk-name").textContent = isPrivate ? name : `# ${name}`;
    $("talk-note").textContent = isPrivate
      ? `Only ${name} and you can read this: the channel's name says so.`
      : "Everybody can read this. Pick a name to write in private.";
    let before;
    const drawn = items.map((item) => {
      const isAgain = before?.kind === "message" && before.user === item.user && item.at - before.at < togetherMax;
      before = item;
      return item.kind === "message" ? this.#messageElement(item, isAgain) : lineElement(item);
    });
    if (drawn.length === 0) {
      drawn.push(element("li", { className: "none", textContent: "Nobody has said anything here yet." }));
    }
    $("messages").replaceChildren(...drawn);
    $("messages").scrollTop = $("messages").scrollHeight;
  }

  #messageElement({ user, text, at }, isAgain) {
    const time = element("time", { className: "small faint", textContent: clock(at) });
    const header = element("header", {}, element("b", { textContent: user }), " ", time);
    const body = element("div", {}, header, element("p", { textContent: text }));
    return element("li", { className: isAgain ? "message again" : "message" }, avatar(user), body);
  }

  // People -------------------------------------------------------------------------------------------------------

  #drawPeople() {
    const byUser = new Map();
    for (const info of this.#peopleHere()) byUser.set(info.user, [...(byUser.get(info.user) ?? []), info]);
    const users = [...byUser.keys()].sort((one, other) => one.localeCompare(other));
    const people = users.map((user) => this.#personElement(user, byUser.get(user)));
    if (people.length === 0) people.push(element("li", { className: "small faint person", textContent: "Nobody." }));
    $("people").replaceChildren(...people);
    $("people-count").textContent = `Who is here (${users.length})`;
  }

  /** In a private conversation those of its two who are in any room. */
  #peopleHere() {
    const { isPrivate, people, name } = this.#current;
    if (!isPrivate) return [...people.values()];
    const all = new Map([...this.#places.values()].flatMap((place) => [...place.people]));
    return [...all.values()].filter(({ user }) => user === name || user === this.#actions.me.name);
  }

  #personElement(user, sessions) {
    const isMe = user === this.#actions.me.name;
    const who = element(isMe ? "span" : "button", { className: "who", textContent: isMe ? `${user} (you)` : user });
    if (!isMe) {
      who.type = "button";
      who.title = `Write to ${user} in private`;
      who.addEventListener("click", () => this.#actions.write(user));
    }
    const head = element("div", {}, avatar(user, "little"), who);
    if (this.#actions.mayRevoke()) {
      const button = element("button", { className: "danger revoke", type: "button", textContent: "Revoke" });
      button.setAttribute("aria-label", `Revoke user ${user}`);
      button.addEventListener("click", () => this.#actions.revoke({ user }));
      head.append(button);
    }
    const rows = sessions.length > 1 ? sessions.map((info) => this.#sessionElement(info)) : [];
    return element("li", { className: "person" }, head, ...rows);
  }

  #sessionElement({ user, client, conn_info: info }) {
    const session = info?.session ?? "";
    const label = session ? `session ${session.slice(0, 8)}` : `connection ${client.slice(0, 8)}`;
    const row = element("div", { className: "session" }, element("code", { textContent: label }));
    if (session && this.#actions.mayRevoke()) {
      const button = element("button", { type: "button", textContent: "end" });
      button.setAttribute("aria-label", `End session ${session.slice(0, 8)} of ${user}`);
      button.addEventListener("click", () => this.#actions.revoke({ session }));
      row.append(button);
    }
    return row;
  }
}

function lineElement({ kind, text, at }) {
  if (kind === "divider") return element("li", { className: "divider" }, element("span", { textContent: text }));
  const time = element("time", { textContent: clock(at) });
  return element("li", { className: "event" }, text, " ", time);
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
