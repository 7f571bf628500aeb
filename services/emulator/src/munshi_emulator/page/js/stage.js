// Beside the phone on a wide screen: what this is, and who one is.
import { html } from "./html.js";
import { chats, choosePerson, go, open, panelOpen, panelTab, person, persons, reload } from "./state.js";
import { Avatar } from "./chats.js";

export function switchTo(id) {
  choosePerson(id);
  reload();
}

export function Stage() {
  const one = person.value;
  const shop = chats.value.find((chat) => chat.phone_number_id === open.value) ?? chats.value[0];
  return html`<aside class="stage" aria-label="About">
    <div class="brand"><img src="/page/icon.svg" alt="" width="44" height="44" /><div><b>Munshi</b><span>the emulator</span></div></div>
    <p class="lead">A phone in your browser. What you write goes through the same doors as on the real network: signed webhooks in, the Graph API out.</p>
    <h2>You are</h2>
    <div class="people">${persons.value.slice(0, 8).map((other) => html`<button class=${`pick-person ${other.person_id === one?.person_id ? "on" : ""}`} aria-pressed=${other.person_id === one?.person_id} onClick=${() => other.person_id !== one?.person_id && switchTo(other.person_id)}><${Avatar} name=${other.name} /><span><b>${other.name}</b><small>${other.phone_hidden ? "number hidden" : `+${other.phone}`}</small></span></button>`)}</div>
    <button class="link" onClick=${() => { panelTab.value = "person"; panelOpen.value = true; }}>Change or add a customer</button>
    ${shop?.starters?.length > 0 && html`<h2>Try, at ${shop.verified_name}</h2><ol class="tries">${shop.starters.map((text) => html`<li dir="auto">${text}</li>`)}</ol>
    ${open.value !== shop.phone_number_id && html`<button class="link" onClick=${() => go(shop.phone_number_id)}>Open the chat</button>`}`}
  </aside>`;
}
