// Drawn here, stroke icons on a 24 grid.
import { html } from "./html.js";

const draw = (paths) => (props) => html`<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" ...${props}>${paths.map((d) => html`<path d=${d} />`)}</svg>`;

export const Back = draw(["M15 5l-7 7 7 7"]);
export const Send = draw(["M5 12l15-7-5 15-3-6z", "M12 14l8-9"]);
export const Clip = draw(["M20 11.5l-8.2 8.2a5 5 0 0 1-7.1-7.1l8.6-8.6a3.4 3.4 0 0 1 4.8 4.8l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4l7.8-7.8"]);
export const Mic = draw(["M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3z", "M5.5 11.5a6.5 6.5 0 0 0 13 0", "M12 18v3"]);
export const Panel = draw(["M4 5h16v14H4z", "M14 5v14", "M16.7 9h.6M16.7 12h.6"]);
export const Close = draw(["M6 6l12 12", "M18 6L6 18"]);
export const Down = draw(["M6 9l6 6 6-6"]);
export const List = draw(["M9 6h11M9 12h11M9 18h11", "M4.5 6h.01M4.5 12h.01M4.5 18h.01"]);
export const Reply = draw(["M9 7L4 12l5 5", "M4 12h9a7 7 0 0 1 7 7"]);
export const Doc = draw(["M7 3h7l5 5v13H7z", "M14 3v5h5"]);
export const Photo = draw(["M4 5h16v14H4z", "M4 16l5-5 4 4 3-3 4 4", "M15.5 9.2h.01"]);
export const Pin = draw(["M12 21s7-6.3 7-11.5A7 7 0 0 0 5 9.5C5 14.7 12 21 12 21z", "M12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z"]);
export const Play = draw(["M8 5.500v13l10-6.500z"]);
export const Pause = draw(["M8 5.500v13", "M16 5.500v13"]);
export const Trash = draw(["M5 7h14", "M9 7V4.500h6V7", "M7 7l1 13h8l1-13"]);
export const Person = draw(["M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M4.5 20.500a7.5 7.5 0 0 1 15 0"]);
export const Link = draw(["M14 5h5v5", "M19 5l-8 8", "M17 14v5H5V7h5"]);
export const Check = draw(["M5 12.500l4.5 4.500L19 7.5"]);

const TICK = "M1 6.3l3.3 3.3L11 2.7";
const TICK2 = "M7.3 8.600l1 1L15 2.7";

/** Clock, one tick, two ticks, two blue ones, or a red mark. */
export function Ticks({ status, label, problem }) {
  if (status === "pending" || status === "accepted") return html`<svg class="ticks" role="img" aria-label=${label} viewBox="0 0 16 12"><circle cx="9" cy="6" r="4.6" /><path d="M9 3.500V6l1.8 1" /></svg>`;
  if (status === "unsent" || status === "failed") return html`<svg class="ticks bad" role="img" aria-label=${label} viewBox="0 0 16 12"><title>${problem ?? label}</title><circle cx="9" cy="6" r="4.8" /><path d="M9 3.300v3M9 8.500v.1" /></svg>`;
  const two = status !== "sent";
  return html`<svg class=${`ticks ${status === "read" || status === "played" ? "blue" : ""}`} role="img" aria-label=${label} viewBox="0 0 16 12"><path d=${TICK} transform=${two ? "" : "translate(3 0)"} />${two && html`<path d=${TICK2} />`}</svg>`;
}
