// A file that is about to be sent: looked at first, with a caption under it, as on a phone.
import { signal } from "@preact/signals";
import { html } from "./html.js";
import { Close, Doc, Mic } from "./icons.js";
import { bytes } from "./format.js";
import { api } from "./api.js";
import { attempt, open, say, send } from "./state.js";

const MB = 1048576;
const LIMITS = { image: [5 * MB, "a photo"], video: [16 * MB, "a video"], audio: [16 * MB, "a voice note"], document: [100 * MB, "a document"] };

/** `{file, kind, voice, url, number}` while one waits; null otherwise. */
export const staged = signal(null);

function kindOf(file, wanted) {
  if (wanted) return wanted;
  if (/^image\/(jpeg|png)$/.test(file.type)) return "image";
  if (/^video\/(mp4|3gpp)$/.test(file.type)) return "video";
  if (/^audio\/(ogg|mpeg|aac|amr|mp4)$/.test(file.type)) return "audio";
  return "document";
}

/** Shows a file before it is sent; says so when WhatsApp would not take it. `wanted` is the kind, where one was chosen. */
export function stage(file, wanted) {
  const kind = kindOf(file, wanted);
  const [most, what] = LIMITS[kind];
  if (file.size > most) { say(`${what[0].toUpperCase()}${what.slice(1)} may have ${bytes(most)} at most; “${file.name}” has ${bytes(file.size)}.`, "bad"); return; }
  if (!file.size) { say(`“${file.name}” is empty.`, "bad"); return; }
  unstage();
  staged.value = { file, kind, voice: wanted === "audio", url: URL.createObjectURL(file), number: open.value };
}

/** Takes the file away again. */
export function unstage() {
  if (staged.value) URL.revokeObjectURL(staged.value.url);
  staged.value = null;
}

/** Sends what is shown, with a caption where its kind can have one. */
export async function sendStaged(caption) {
  const { file, kind, voice } = staged.value;
  unstage();
  await sendFile(file, kind, voice, kind === "audio" ? "" : caption);
}

/** Uploads a file from the phone and sends it. */
export async function sendFile(file, kind, voice, caption) {
  const form = new FormData();
  form.append("phone_number_id", open.value);
  form.append("kind", kind);
  form.append("file", file);
  const kept = await attempt(() => api("POST", "/media", form));
  if (!kept) return;
  const content = { id: kept.id, mime_type: kept.mime_type, sha256: kept.sha256 };
  if (kind === "document") content.filename = file.name;
  if (kind === "audio") { content.voice = voice; if (voice) content.mime_type = "audio/ogg; codecs=opus"; }
  if (caption) content.caption = caption;
  await send({ type: kind, content });
}

export function Preview() {
  const { file, kind, url } = staged.value;
  return html`<div class="staged" role="group" aria-label="About to be sent">
    ${kind === "image" && html`<img src=${url} alt=${file.name} />`}
    ${kind === "video" && html`<video src=${url} controls preload="metadata"></video>`}
    ${kind === "audio" && html`<div class="file"><${Mic} /><audio src=${url} controls preload="metadata" aria-label=${file.name}></audio></div>`}
    ${kind === "document" && html`<div class="file"><${Doc} /></div>`}
    <p><span>${file.name}</span> <small>${bytes(file.size)}</small></p>
    <button type="button" class="icon" aria-label="Take it away" onClick=${unstage}><${Close} /></button>
  </div>`;
}
