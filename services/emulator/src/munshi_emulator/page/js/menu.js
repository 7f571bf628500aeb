// What can be done with a message: long press, right click, or the Menu key.
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { html } from "./html.js";
import { whole } from "./format.js";
import { editing, inspect, quoted, say, send } from "./state.js";
import { keepFocus } from "./sheet.js";

const shown = signal(null);
const EMOJI = ["👍", "❤️", "😂", "😮", "🙏", "✅"];

/** `at`: a point, or nothing to open beside the bubble. */
export const openMenu = (message, bubble, at) => { shown.value = { message, bubble, at }; };
const close = () => { const bubble = shown.value?.bubble; shown.value = null; bubble?.focus(); };

export function Menu() {
  return shown.value && html`<${Opened} ...${shown.value} />`;
}

function Opened({ message, bubble, at }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const screen = bubble.closest(".screen").getBoundingClientRect();
    const beside = bubble.getBoundingClientRect();
    const own = box.current.getBoundingClientRect();
    const x = (at?.clientX || beside.left + 24) - screen.left;
    const y = (at?.clientY || beside.top + 16) - screen.top;
    box.current.style.left = `${Math.max(8, Math.min(x, screen.width - own.width - 8))}px`;
    box.current.style.top = `${Math.max(8, Math.min(y, screen.height - own.height - 8))}px`;
  }, []);
  useEffect(() => {
    box.current.querySelector("button").focus();
    const escape = (event) => { if (event.key === "Escape") close(); };
    addEventListener("keydown", escape);
    return () => removeEventListener("keydown", escape);
  }, []);
  const own = message.direction === "in";
  const kept = !String(message.wamid).startsWith("pending-");
  const act = (work) => () => { close(); work(); };
  const items = [
    ["Reply", () => { quoted.value = message; document.querySelector(".composer textarea")?.focus(); }],
    ["Copy", () => copy(whole(message))],
    own && kept && message.type === "text" && ["Edit", () => { editing.value = message; document.querySelector(".composer textarea")?.focus(); }],
    own && kept && !message.marks?.revoked && ["Delete for everyone", () => send({ type: "revoke", content: { original_message_id: message.wamid } })],
    kept && ["Show what is behind", () => inspect(message.wamid)],
  ].filter(Boolean);
  const current = message.marks?.in;
  const move = (event) => {
    keepFocus(event, box.current, close);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...box.current.querySelectorAll("button")];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  };
  return html`<div class="veil clear" onClick=${(event) => { if (event.target === event.currentTarget) close(); }} onContextMenu=${(event) => event.preventDefault()}>
    <div class="menu" role="menu" aria-label="Message" ref=${box} onKeyDown=${move}>
      ${kept && html`<div class="emoji">${EMOJI.map((one) => html`<button role="menuitem" aria-label=${`React ${one}`} class=${current === one ? "on" : ""} onClick=${act(() => send({ type: "reaction", content: { message_id: message.wamid, ...(current === one ? {} : { emoji: one }) } }))}>${one}</button>`)}</div>`}
      ${items.map(([label, work]) => html`<button role="menuitem" onClick=${act(work)}>${label}</button>`)}
    </div></div>`;
}

async function copy(text) {
  try { await navigator.clipboard.writeText(text); say("Copied"); } catch { say("The browser does not allow copying here", "bad"); }
}

/** Handlers that open the menu on a long press. */
export function longPress(message) {
  let timer = 0;
  let from = null;
  const stop = () => clearTimeout(timer);
  return {
    onTouchStart: (event) => {
      const bubble = event.currentTarget.querySelector(".bubble");
      from = event.touches[0];
      const point = { clientX: from.clientX, clientY: from.clientY };
      timer = setTimeout(() => { navigator.vibrate?.(10); openMenu(message, bubble, point); }, 450);
    },
    onTouchMove: (event) => { if (Math.hypot(event.touches[0].clientX - from.clientX, event.touches[0].clientY - from.clientY) > 10) stop(); },
    onTouchEnd: stop,
    onTouchCancel: stop,
  };
}
