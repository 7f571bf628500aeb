// A picture at its full size, over the phone: Escape, a click or the button closes it.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { html } from "./html.js";
import { Close } from "./icons.js";

const shown = signal(null);

/** `{src, alt, from}`; `from` gets the focus back. */
export const view = (picture) => { shown.value = picture; };

export function Viewer() {
  return shown.value && html`<${Opened} picture=${shown.value} />`;
}

function Opened({ picture }) {
  const box = useRef(null);
  useEffect(() => { box.current.showModal(); }, []);
  const close = () => { shown.value = null; picture.from?.focus(); };
  return html`<dialog class="viewer" ref=${box} aria-label=${picture.alt} onClose=${close} onClick=${() => box.current.close()}>
    <img src=${picture.src} alt=${picture.alt} />
    <button class="icon" aria-label="Close"><${Close} /></button>
  </dialog>`;
}
