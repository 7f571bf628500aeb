// Where one writes: text, attachments, voice.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { Clip, Close, Doc, Mic, Photo, Pin, Send, Trash } from "./icons.js";
import { gist } from "./format.js";
import { attempt, chat, editing, open, person, quoted, say, send, thread } from "./state.js";
import { record } from "./audio.js";
import { Preview, sendFile, sendStaged, stage, staged, unstage } from "./attachment.js";

const drafts = new Map();
const coarse = matchMedia("(pointer: coarse)");

export function Composer() {
  const number = open.value;
  const area = useRef(null);
  const files = useRef(null);
  const [text, setText] = useState(drafts.get(number) ?? "");
  const [attach, setAttach] = useState(false);
  const [recording, setRecording] = useState(null);
  const waiting = staged.value?.number === number ? staged.value : null;
  useEffect(() => () => unstage(), [number]);
  useEffect(() => { if (waiting && !coarse.matches) area.current?.focus(); }, [waiting]);
  useEffect(() => { setText(drafts.get(number) ?? ""); if (!coarse.matches) area.current?.focus(); }, [number]);
  useEffect(() => { if (editing.value) setText(editing.value.body.text.body); }, [editing.value]);
  useLayoutEffect(() => {
    const box = area.current;
    if (!box) return;
    box.style.height = "0";
    box.style.height = `${Math.min(box.scrollHeight, 140)}px`;
  }, [text, recording]);
  const change = (value) => { setText(value); drafts.set(number, value); };
  const submit = () => {
    const body = text.trim();
    if (waiting) {
      if (waiting.kind !== "audio") change("");
      sendStaged(body);
      area.current?.focus();
      return;
    }
    if (!body) return;
    if (body.length > 4096) { say(`A message has 4,096 characters at most; this one has ${body.length}.`, "bad"); return; }
    change("");
    if (editing.value) {
      const original = editing.value;
      editing.value = null;
      send({ type: "edit", content: { original_message_id: original.wamid, message: { type: "text", text: { body } } } });
    } else send({ text: body });
    area.current?.focus();
  };
  const key = (event) => {
    // While an input method composes, Enter chooses a word (229 is what Safari says).
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) { event.preventDefault(); submit(); }
    if (event.key === "Escape" && waiting) { unstage(); return; }
    if (event.key === "Escape" && (quoted.value || editing.value)) { quoted.value = null; if (editing.value) { editing.value = null; change(""); } }
  };
  const startVoice = async () => { try { setRecording({ voice: await record(), since: Date.now() }); } catch (error) { say(error.name === "NotAllowedError" ? "The browser gives no access to a microphone." : `No recording: ${error.message}`, "bad"); } };
  const endVoice = async (keep) => {
    const { voice, since } = recording;
    setRecording(null);
    if (!keep) { voice.cancel(); return; }
    if (Date.now() - since < 500) { voice.cancel(); say("Too short: hold on a little longer."); return; }
    await attempt(async () => sendFile(await voice.stop(), "audio", true));
  };
  const pick = (accept, wanted) => () => { setAttach(false); files.current.accept = accept; files.current.dataset.kind = wanted ?? ""; files.current.click(); };
  const starters = (chat.value?.starters ?? []).filter(Boolean);
  const fresh = !thread.value.list.length && !thread.value.pending.length && starters.length > 0;
  if (recording) return html`<div class="composer recording"><button class="icon" aria-label="Throw away" onClick=${() => endVoice(false)}><${Trash} /></button><${Elapsed} since=${recording.since} /><button class="send" aria-label="Send voice note" onClick=${() => endVoice(true)}><${Send} /></button></div>`;
  return html`
    ${fresh && html`<div class="starters" role="group" aria-label="Suggestions">${starters.map((one) => html`<button dir="auto" onClick=${() => send({ text: one })}>${one}</button>`)}</div>`}
    ${(quoted.value || editing.value) && html`<div class="quoting"><div class=${`quote ${quoted.value?.direction === "in" ? "you" : ""}`}><b>${editing.value ? "Edit" : quoted.value.direction === "in" ? "You" : chat.value?.verified_name}</b><span dir="auto">${gist(editing.value ?? quoted.value)}</span></div><button class="icon" aria-label="Cancel" onClick=${() => { quoted.value = null; if (editing.value) { editing.value = null; change(""); } }}><${Close} /></button></div>`}
    ${waiting && html`<${Preview} />`}
    <form class="composer" onSubmit=${(event) => { event.preventDefault(); submit(); }}>
      <div class="field">
        <textarea ref=${area} rows="1" placeholder=${!waiting ? "Message" : waiting.kind === "audio" ? "Send it as it is" : "Add a caption"} aria-label=${`Message to ${chat.value?.verified_name ?? "shop"}`} dir="auto" value=${text} enterkeyhint="send"
          onInput=${(event) => change(event.currentTarget.value)} onKeyDown=${key} onPaste=${(event) => { const file = event.clipboardData?.files?.[0]; if (file) { event.preventDefault(); stage(file); } }}></textarea>
        <button type="button" class="icon" aria-label="Attach" aria-expanded=${attach} onClick=${() => setAttach(!attach)}><${Clip} /></button>
      </div>
      ${text.trim() || waiting ? html`<button class="send" aria-label="Send"><${Send} /></button>` : html`<button type="button" class="send" aria-label="Record a voice note" onClick=${startVoice}><${Mic} /></button>`}
      <input ref=${files} type="file" hidden onChange=${(event) => { const file = event.currentTarget.files[0]; const wanted = event.currentTarget.dataset.kind || undefined; event.currentTarget.value = ""; if (file) stage(file, wanted); }} />
      ${attach && html`<div class="attach" role="menu">
        <button type="button" role="menuitem" onClick=${pick("image/*", "image")}><${Photo} />Photo</button>
        <button type="button" role="menuitem" onClick=${pick("", "document")}><${Doc} />Document</button>
        <button type="button" role="menuitem" onClick=${pick("audio/ogg,.ogg,.opus", "audio")}><${Mic} />Voice note</button>
        <button type="button" role="menuitem" onClick=${() => { setAttach(false); send({ type: "location", content: { latitude: 19.076, longitude: 72.8777, name: `${person.value?.name ?? "Customer"}'s place` } }); }}><${Pin} />Location</button>
      </div>`}
    </form>`;
}

function Elapsed({ since }) {
  const [, tick] = useState(0);
  useEffect(() => { const timer = setInterval(() => tick((n) => n + 1), 250); return () => clearInterval(timer); }, []);
  const seconds = Math.floor((Date.now() - since) / 1000);
  return html`<span class="elapsed" role="timer"><i></i>${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}</span>`;
}
