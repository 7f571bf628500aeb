// The list of shops.
import { html } from "./html.js";
import { gist, languageOf, shortWhen } from "./format.js";
import { Panel, Ticks } from "./icons.js";
import { chats, go, link, now, panelOpen, person, typing } from "./state.js";

const HUES = [8, 32, 158, 205, 262, 330];

export function Avatar({ name }) {
  const letters = name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0]).join("").toUpperCase();
  const hue = HUES[[...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % HUES.length];
  return html`<span class="avatar" style=${`--hue: ${hue}`} aria-hidden="true">${letters}</span>`;
}

export function Chats() {
  const sorted = [...chats.value].sort((a, b) => (b.last?.seq ?? 0) - (a.last?.seq ?? 0));
  return html`<section class="chats" aria-label="Chats">
    <header class="bar"><img src="/page/icon.svg" alt="" width="30" height="30" /><div class="who"><h1>Munshi</h1><p>${link.value === "lost" ? "Waiting for the emulator…" : person.value ? `as ${person.value.name}` : ""}</p></div><button class="icon behind" aria-label="Behind the scenes" aria-expanded=${panelOpen.value} onClick=${() => { panelOpen.value = !panelOpen.value; }}><${Panel} /></button></header>
    <ul class="list">${sorted.map((one) => html`<li key=${one.phone_number_id}><button class="entry" onClick=${() => go(one.phone_number_id)}>
      <${Avatar} name=${one.verified_name} />
      <span class="mid"><b>${one.verified_name}</b><span class="last" dir="auto" lang=${languageOf(one.last ? gist(one.last) : "")}>${typing.value[one.phone_number_id] ? html`<em>typing…</em>` : one.last ? html`${one.last.direction === "in" && html`<${Ticks} status=${one.last.status} label=${one.last.status} /> `}${gist(one.last)}` : one.about || "Write the first message"}</span></span>
      <span class="end"><time>${one.last ? shortWhen(one.last.at, now()) : ""}</time>${one.unread > 0 && html`<i class="count" aria-label=${`${one.unread} unread`}>${one.unread}</i>`}</span>
    </button></li>`)}</ul>
    ${!sorted.length && html`<div class="empty"><img src="/page/icon.svg" alt="" width="72" height="72" /><h2>No shop yet</h2><p>Shops come from the tenants of the platform. Start it with <code>munshi up</code>, or register a phone number at <code>PUT /control/phone-numbers/…</code>.</p></div>`}
  </section>`;
}
