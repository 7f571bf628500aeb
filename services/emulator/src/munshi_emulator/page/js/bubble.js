// One message.
import { html } from "./html.js";
import { bytes, formatted, gist, languageOf, time } from "./format.js";
import { Check, Doc, Link, List, Person, Pin, Reply, Ticks } from "./icons.js";
import { chat, inspect, person, resend, selected, send, thread } from "./state.js";
import { openSheet } from "./sheet.js";
import { AudioPlayer } from "./audio.js";
import { view } from "./viewer.js";

const OWN_TICKS = { pending: "On its way", sent: "Kept", delivered: "Delivered to the shop", read: "Read by the shop", unsent: "Not sent" };
const SHOP_TICKS = { accepted: "Accepted", sent: "Sent", delivered: "Delivered", read: "Read", played: "Played", failed: "Not delivered" };

/** What sort of file it is, as phones say it: the end of its name, else its MIME type. */
const sort = (part) => /\.([a-z0-9]{1,5})$/i.exec(part.filename ?? "")?.[1].toUpperCase() ?? part.mime_type;
const media = (part) => (part.id ? `/control/media/${part.id}` : part.link);

/** `first`: first of a group, which has the tail. */
export function Bubble({ message, first, focus, onMenu, onJump }) {
  const own = message.direction === "in";
  const failed = message.status === "failed";
  const text = gist(message);
  const classes = ["bubble", own ? "own" : "theirs", first && "first", failed && "ghost", `is-${message.type}`, selected.value === message.wamid && "selected"];
  const reaction = [message.marks?.in, message.marks?.out].filter(Boolean);
  if (message.type === "system") return html`<div class="note" id=${domId(message.wamid)} data-wamid=${message.wamid}>${message.body?.system?.body}</div>`;
  return html`
    <div class=${`row ${own ? "own" : ""} ${first ? "first" : ""}`} id=${domId(message.wamid)} data-wamid=${message.wamid}>
      <article class=${classes.filter(Boolean).join(" ")} tabindex=${focus ? 0 : -1} dir="auto" lang=${languageOf(text)}
        aria-label=${`${own ? "You" : chat.value?.verified_name ?? "Shop"}, ${time(message.at)}: ${text}`}
        onContextMenu=${(event) => { event.preventDefault(); onMenu(message, event.currentTarget, event); }}>
        <${Quote} message=${message} onJump=${onJump} />
        ${message.marks?.revoked ? html`<p class="text gone">This message was deleted</p>` : html`<${Content} message=${message} />`}
        <${Meta} message=${message} />
        ${reaction.length > 0 && html`<span class="reaction" aria-label=${`Reaction ${reaction.join(" ")}`}>${reaction.join("")}</span>`}
      </article>
      ${message.status === "unsent" && html`<button class="problem" onClick=${() => resend(message)}>Not sent: ${message.problem}. Try again</button>`}
      ${failed && html`<button class="problem" onClick=${() => inspect(message.wamid)}>Never arrived: ${message.error?.[0]?.title ?? "failed"} (${message.error?.[0]?.code ?? "?"})</button>`}
      <${Choices} message=${message} />
    </div>`;
}

export const domId = (wamid) => `m-${wamid}`;

function Meta({ message }) {
  const own = message.direction === "in";
  const label = (own ? OWN_TICKS : SHOP_TICKS)[message.status] ?? message.status;
  return html`<span class=${`meta ${own ? "" : "shop"}`}>${message.marks?.edited && "edited "}<time datetime=${new Date(message.at * 1000).toISOString()}>${time(message.at)}</time> <${Ticks} status=${message.status} label=${label} problem=${message.problem ?? message.error?.[0]?.title} /></span>`;
}

function Quote({ message, onJump }) {
  const id = message.body?.context?.id ?? message.body?.context?.message_id;
  if (!id) return message.body?.context?.forwarded ? html`<span class="forwarded">Forwarded</span>` : null;
  const original = thread.value.list.find((one) => one.wamid === id);
  const who = original ? (original.direction === "in" ? "You" : chat.value?.verified_name) : "Earlier message";
  return html`<button class=${`quote ${original?.direction === "in" ? "you" : ""}`} onClick=${() => onJump(id)} dir="auto">
    <b>${who}</b><span lang=${languageOf(original ? gist(original) : "")}>${original ? gist(original) : "Tap to look for it"}</span></button>`;
}

function Text({ text }) {
  const big = text && text.length <= 8 && /^[\p{Extended_Pictographic}\u200d\ufe0f\s]+$/u.test(text);
  return html`<p class=${`text ${big ? "big" : ""}`}>${formatted(text)}</p>`;
}

function Content({ message }) {
  const { type, body } = message;
  const part = body?.[type] ?? {};
  switch (type) {
    case "text": return html`<${Text} text=${message.marks?.edited?.text?.body ?? part.body} />`;
    case "image": return html`<button class="media" aria-label=${`Open ${part.caption ?? "photo"}`} onClick=${(event) => view({ src: media(part), alt: part.caption ?? "Photo", from: event.currentTarget })}><img src=${media(part)} alt=${part.caption ?? "Photo"} loading="lazy" /></button>${part.caption && html`<${Text} text=${part.caption} />`}`;
    case "sticker": return html`<img class="sticker" src=${media(part)} alt="Sticker" />`;
    case "video": return html`<video class="media" src=${media(part)} controls preload="metadata"></video>${part.caption && html`<${Text} text=${part.caption} />`}`;
    case "audio": return html`<${AudioPlayer} src=${media(part)} wamid=${message.wamid} own=${message.direction === "in"} />`;
    case "document": return html`<a class="file" href=${media(part)} target="_blank" rel="noopener" download=${part.filename}><${Doc} /><span><b>${part.filename ?? "Document"}</b><small>${[sort(part), part.file_size && bytes(part.file_size)].filter(Boolean).join(" · ") || "Open"}</small></span></a>${part.caption && html`<${Text} text=${part.caption} />`}`;
    case "location": return html`<a class="file" href=${`https://www.openstreetmap.org/?mlat=${part.latitude}&mlon=${part.longitude}#map=15/${part.latitude}/${part.longitude}`} target="_blank" rel="noopener noreferrer"><${Pin} /><span><b>${part.name ?? "Location"}</b><small>${part.address ?? `${part.latitude}, ${part.longitude}`}</small></span></a>`;
    case "contacts": return [].concat(body.contacts).map((one) => html`<div class="file"><${Person} /><span><b>${one.name?.formatted_name}</b><small>${one.phones?.[0]?.phone}</small></span></div>`);
    case "interactive": return html`<${Interactive} part=${part} />`;
    case "template": return html`<${Text} text=${message.marks?.text ?? `Template “${part.name}” (${part.language?.code})`} />`;
    case "button": return html`<${Text} text=${part.text} />`;
    case "unsupported": return html`<p class="text gone">A kind of message that businesses cannot get</p>`;
    default: return html`<p class="text gone">${type}</p>`;
  }
}

function Interactive({ part }) {
  const chosen = part.button_reply ?? part.list_reply;
  if (chosen) return html`<${Text} text=${chosen.title} />${chosen.description && html`<p class="faint">${chosen.description}</p>`}`;
  const header = part.header;
  return html`
    ${header?.type === "text" && html`<p class="head">${header.text}</p>`}
    ${header?.type === "image" && html`<img class="media" src=${media(header.image)} alt="" />`}
    ${header?.type === "document" && html`<a class="file" href=${media(header.document)}><${Doc} /><span><b>${header.document.filename ?? "Document"}</b></span></a>`}
    <${Text} text=${part.body?.text ?? ""} />
    ${part.footer && html`<p class="faint">${part.footer.text}</p>`}`;
}

/** What can be pressed under a message of a shop. Once pressed, a second tap does nothing. */
function Choices({ message }) {
  const part = message.type === "interactive" && message.direction === "out" && message.status !== "failed" ? message.body.interactive : null;
  if (!part) return null;
  const pending = thread.value.pending.find((own) => own.type === "interactive" && own.body.context?.id === message.wamid);
  const answered = pending?.body.interactive.button_reply?.id ?? pending?.body.interactive.list_reply?.id ?? message.marks?.pressed ?? null;
  const press = (kind, reply) => {
    if (answered !== null || !claim(message.wamid)) return;
    send({ type: "interactive", content: { type: kind, [kind]: reply }, reply_to: message.wamid });
    // The pressed button goes; what is typed next belongs into the message. A phone would open its keyboard.
    if (!matchMedia("(pointer: coarse)").matches) document.querySelector(".composer textarea")?.focus();
  };
  const { action } = part;
  if (part.type === "button") return html`<div class="choices" role="group" aria-label="Answers">${action.buttons.map(({ reply }) => html`
    <button class=${`choice ${answered === reply.id ? "taken" : ""}`} disabled=${answered !== null} dir="auto" lang=${languageOf(reply.title)} onClick=${() => press("button_reply", { id: reply.id, title: reply.title })}>${answered === reply.id ? html`<${Check} />` : html`<${Reply} />`}<span>${reply.title}</span></button>`)}</div>`;
  if (part.type === "list") return html`<div class="choices"><button class="choice" disabled=${answered !== null} aria-haspopup="dialog" onClick=${(event) => openSheet({ title: action.button, sections: action.sections, from: event.currentTarget, onSend: (row) => press("list_reply", { id: row.id, title: row.title, ...(row.description ? { description: row.description } : {}) }) })}><${List} /><span>${action.button}</span></button></div>`;
  if (part.type === "cta_url") return html`<div class="choices"><a class="choice" href=${action.parameters.url} target="_blank" rel="noopener noreferrer"><${Link} /><span>${action.parameters.display_text}</span></a></div>`;
  if (part.type === "location_request_message") return html`<div class="choices"><button class="choice" onClick=${() => send({ type: "location", content: { latitude: 19.076, longitude: 72.8777, name: `${person.value?.name ?? "Customer"}'s place` }, reply_to: message.wamid })}><${Pin} /><span>Send location</span></button></div>`;
  return null;
}

const claimed = new Set();
/** True for the first press of a message only, also within one frame. */
function claim(wamid) {
  if (claimed.has(wamid)) return false;
  claimed.add(wamid);
  return true;
}
