// Behind the scenes: the inside of a message, faults to order, and who the customer is.
import { html } from "./html.js";
import { Close } from "./icons.js";
import { panelOpen, panelTab } from "./state.js";
import { Inside } from "./inside.js";
import { Faults } from "./faults.js";
import { PersonSettings } from "./person.js";

const TABS = [["message", "Messages", Inside], ["faults", "Faults", Faults], ["person", "Customer", PersonSettings]];

export function BehindTheScenes() {
  const current = TABS.find(([id]) => id === panelTab.value) ?? TABS[0];
  const turn = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = TABS[(TABS.indexOf(current) + step + TABS.length) % TABS.length];
    panelTab.value = next[0];
    requestAnimationFrame(() => document.getElementById(`tab-${next[0]}`)?.focus());
  };
  return html`<aside class="panel" aria-label="Behind the scenes">
    <header><h2>Behind the scenes</h2><button class="icon shut" aria-label="Close the panel" onClick=${() => { panelOpen.value = false; }}><${Close} /></button></header>
    <div class="tabs" role="tablist" onKeyDown=${turn}>${TABS.map(([id, label]) => html`<button role="tab" id=${`tab-${id}`} aria-selected=${id === current[0]} aria-controls="tab-body" tabindex=${id === current[0] ? 0 : -1} onClick=${() => { panelTab.value = id; }}>${label}</button>`)}</div>
    <div class="tab-body" id="tab-body" role="tabpanel" aria-labelledby=${`tab-${current[0]}`} tabindex="0"><${current[2]} /></div>
  </aside>`;
}
