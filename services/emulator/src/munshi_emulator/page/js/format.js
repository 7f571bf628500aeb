// Pure: texts and times as they are shown. No DOM, no state.
import { html } from "./html.js";

const LINK = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}]/g;
const MARKS = { "*": "strong", "_": "em", "~": "s" };
// A mark counts only at the edge of a word, and its inside neither starts nor ends with a space.
const EDGE_BEFORE = /[\s([{"'.,;:!?*_~-]/;

function inline(text) {
  const out = [];
  let plain = "";
  const flush = () => { if (plain) { out.push(...links(plain)); plain = ""; } };
  for (let i = 0; i < text.length; i++) {
    const mark = text[i];
    if (mark === "`") {
      const end = text.indexOf("`", i + 1);
      if (end > i + 1) { flush(); out.push(html`<code>${text.slice(i + 1, end)}</code>`); i = end; continue; }
    }
    const tag = MARKS[mark];
    if (tag && (i === 0 || EDGE_BEFORE.test(text[i - 1])) && text[i + 1] && !/\s/.test(text[i + 1])) {
      let end = text.indexOf(mark, i + 2);
      while (end > 0 && (/\s/.test(text[end - 1]) || /[\p{L}\p{N}]/u.test(text[end + 1] ?? ""))) end = text.indexOf(mark, end + 1);
      if (end > 0 && !text.slice(i, end).includes("\n")) {
        flush();
        out.push(html`<${tag}>${inline(text.slice(i + 1, end))}<//>`);
        i = end;
        continue;
      }
    }
    plain += mark;
  }
  flush();
  return out;
}

function links(text) {
  const out = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    out.push(text.slice(at, match.index), html`<a href=${match[0]} target="_blank" rel="noopener noreferrer">${match[0]}</a>`);
    at = match.index + match[0].length;
  }
  out.push(text.slice(at));
  return out;
}

/** Text with the marks that chat apps know; never raw HTML. */
export function formatted(text) {
  const parts = String(text ?? "").split("```");
  return parts.map((part, index) => (index % 2 && index < parts.length - 1 ? html`<pre>${part}</pre>` : inline(index % 2 ? "```" + part : part)));
}

const SCRIPTS = [[/[\u0900-\u097F]/, "hi"], [/[\u0B80-\u0BFF]/, "ta"], [/[\u0D80-\u0DFF]/, "si"], [/[\u0600-\u06FF]/, "ar"]];

/** Language of a text by its script, so that the right font shapes and the right voice reads it. */
export function languageOf(text) {
  return SCRIPTS.find(([script]) => script.test(text ?? ""))?.[1];
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

/** 14:05, in the viewer's zone. */
export const time = (seconds) => clock.format(new Date(seconds * 1000));

/** Key of a calendar day in the viewer's zone. */
export const dayKey = (seconds) => new Date(seconds * 1000).toDateString();

/** Today, Yesterday, a weekday within the year, else a date. `now` in seconds. */
export function dayName(seconds, now) {
  const key = dayKey(seconds);
  if (key === dayKey(now)) return "Today";
  if (key === dayKey(now - 86400)) return "Yesterday";
  return Math.abs(now - seconds) < 300 * 86400 ? day.format(new Date(seconds * 1000)) : date.format(new Date(seconds * 1000));
}

/** In a list: the time today, else the day. */
export const shortWhen = (seconds, now) => (dayKey(seconds) === dayKey(now) ? time(seconds) : dayName(seconds, now));

/** 12 ms, 1.3 s, 5 min, 3 h 20 min. */
export function span(seconds) {
  if (seconds == null) return "–";
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** 1.2 MB. */
export const bytes = (n) => (n >= 1048576 ? `${(n / 1048576).toFixed(1)} MB` : n >= 1024 ? `${Math.round(n / 1024)} KB` : `${n} B`);

/** One line that says what a message is, for lists and quotes, without the marks of formatting. */
export function gist(message) {
  return whole(message).replace(/(^|[\s([{"'.,])([*_~])(?=\S)([^\n]*?\S)\2(?=$|[\s)\]}"'.,;:!?])/g, "$1$3");
}

/** The same as it was written. */
export function whole(message) {
  const { type, body, marks } = message;
  if (marks?.revoked) return "Deleted message";
  if (!body) return "";
  const part = body[type] ?? {};
  switch (type) {
    case "text": return marks?.edited?.text?.body ?? part.body ?? "";
    case "image": return `Photo${part.caption ? `: ${part.caption}` : ""}`;
    case "video": return `Video${part.caption ? `: ${part.caption}` : ""}`;
    case "audio": return part.voice ? "Voice note" : "Audio";
    case "document": return part.filename || "Document";
    case "sticker": return "Sticker";
    case "location": return part.name || "Location";
    case "contacts": return "Contact";
    case "reaction": return part.emoji ? `Reacted ${part.emoji}` : "Took a reaction back";
    case "button": return part.text ?? "";
    case "template": return marks?.text ?? `Template ${part.name}`;
    case "interactive": return part.button_reply?.title ?? part.list_reply?.title ?? part.body?.text ?? "Interactive message";
    case "system": return part.body ?? "System message";
    case "edit": return "Edited a message";
    case "revoke": return "Deleted a message";
    default: return type;
  }
}
