// The bottom sheet of a list message: a modal dialog inside the phone, focus kept inside, Escape closes.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { Close } from "./icons.js";
import { languageOf } from "./format.js";

const shown = signal(null);

/** `{title, sections, from, onSend(row)}`; `from` gets the focus back. */
export const openSheet = (sheet) => { shown.value = sheet; };

export function closeSheet() {
  const from = shown.value?.from;
  shown.value = null;
  from?.focus();
}

export function keepFocus(event, box, onClose) {
  if (event.key === "Escape") { event.stopPropagation(); event.preventDefault(); onClose(); return; }
  if (event.key !== "Tab") return;
  const stops = [...box.querySelectorAll("button:not([disabled]), input:not([disabled]), [href], [tabindex='0']")].filter((one) => one.type !== "radio" || one.checked || !box.querySelector(`input[name="${one.name}"]:checked`));
  const radios = stops.filter((one) => one.type === "radio");
  const order = stops.filter((one) => one.type !== "radio" || one === radios[0]);
  const first = order[0];
  const last = order[order.length - 1];
  if (event.shiftKey && document.activeElement === first) { event.preventDefault(); last.focus(); }
  else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
}

export function Sheet() {
  const sheet = shown.value;
  return sheet && html`<${Opened} key=${sheet.title} sheet=${sheet} />`;
}

function Opened({ sheet }) {
  const box = useRef(null);
  const [row, setRow] = useState(null);
  useEffect(() => {
    box.current.querySelector("input")?.focus();
    // The rest of the page stays usable beside the phone, so Escape must work from there too.
    const escape = (event) => { if (event.key === "Escape") closeSheet(); };
    addEventListener("keydown", escape);
    return () => removeEventListener("keydown", escape);
  }, []);
  const send = () => { if (!row) return; closeSheet(); sheet.onSend(row); };
  return html`<div class="veil" onClick=${(event) => { if (event.target === event.currentTarget) closeSheet(); }}>
    <div class="sheet" role="dialog" aria-modal="true" aria-label=${sheet.title} ref=${box} onKeyDown=${(event) => { keepFocus(event, box.current, closeSheet); if (event.key === "Enter" && event.target.type === "radio") send(); }}>
      <header><button class="icon" aria-label="Close" onClick=${closeSheet}><${Close} /></button><h2>${sheet.title}</h2></header>
      <div class="rows">
        ${sheet.sections.map((section) => html`<fieldset>${section.title && html`<legend>${section.title}</legend>`}
          ${section.rows.map((one) => html`<label class="pick" lang=${languageOf(one.title)}><span dir="auto"><b>${one.title}</b>${one.description && html`<small>${one.description}</small>`}</span><input type="radio" name="row" checked=${row?.id === one.id} onChange=${() => setRow(one)} /></label>`)}</fieldset>`)}
      </div>
      <button class="wide" disabled=${!row} onClick=${send}>Send</button>
    </div></div>`;
}
