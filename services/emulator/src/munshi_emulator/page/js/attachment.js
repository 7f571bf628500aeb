// A file that is about to be sent: looked at first, with a caption under it, as on a phone.
import { signal } from "@preact/signals";
import { html } from "./html.js";
import { Close, Doc, Mic } from "./icons.js";
import { bytes } from "./format.js";
import { api } from "./api.js";
import { attempt, open, say, send } from "./state.js";

const MB = 1048576;
const LIMITS = { image: [5 * MB, "a photo"], video: [16 * MB, "a video"], audio: [16 * MB, "a voice note"], document: [100 * MB, "a document"] };

const SIDES = [4096, 2560, 1600];
const QUALITY = 0.85;

/** `{file, kind, voice, url, number, before}` while one waits, `before` being the size of a photo that was made smaller; null otherwise. */
export const staged = signal(null);

function kindOf(file, wanted) {
  if (wanted) return wanted;
  if (/^image\/(?!svg)/.test(file.type)) return "image";
  if (/^video\/(mp4|3gpp)$/.test(file.type)) return "video";
  if (/^audio\/(ogg|mpeg|aac|amr|mp4)$/.test(file.type)) return "audio";
  return "document";
}

/** The picture as WhatsApp's own app sends photos: a JPEG, upright, small enough. Null where the browser cannot open it. */
async function asPhoto(file, most) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!picture) return null;
  for (const side of SIDES) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale)));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const made = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    if (made.size <= most) return new File([made], `${file.name.replace(/\.\w+$/, "")}.jpg`, { type: made.type });
  }
  return null;
}

/** Shows a file before it is sent; says so when WhatsApp would not take it. `wanted` is the kind, where one was chosen. */
export async function stage(file, wanted) {
  let kind = kindOf(file, wanted);
  if (!file.size) { say(`“${file.name}” is empty.`, "bad"); return; }
  const number = open.value;
  const sent = kind === "image" && (file.size > LIMITS.image[0] || !/^image\/(jpeg|png)$/.test(file.type)) ? await asPhoto(file, LIMITS.image[0]) : file;
  if (open.value !== number) return;
  if (!sent && !/^image\/(jpeg|png)$/.test(file.type)) kind = "document"; // what the browser cannot open goes as it is
  const [most, what] = LIMITS[kind];
  const taken = sent ?? file;
  if (taken.size > most) { say(`${what[0].toUpperCase()}${what.slice(1)} may have ${bytes(most)} at most; “${file.name}” has ${bytes(file.size)}.`, "bad"); return; }
  unstage();
  staged.value = { file: taken, kind, voice: wanted === "audio", url: URL.createObjectURL(taken), number, before: taken.size < file.size ? file.size : 0 };
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
  const { file, kind, url, before } = staged.value;
  return html`<div class="staged" role="group" aria-label="About to be sent">
    ${kind === "image" && html`<img src=${url} alt=${file.name} />`}
    ${kind === "video" && html`<video src=${url} controls preload="metadata"></video>`}
    ${kind === "audio" && html`<div class="file"><${Mic} /><audio src=${url} controls preload="metadata" aria-label=${file.name}></audio></div>`}
    ${kind === "document" && html`<div class="file"><${Doc} /></div>`}
    <p><span>${file.name}</span> <small>${before ? `${bytes(before)}, made smaller: ` : ""}${bytes(file.size)}</small></p>
    <button type="button" class="icon" aria-label="Take it away" onClick=${unstage}><${Close} /></button>
  </div>`;
}
