// The open chat.
import { html } from "./html.js";
import { dayKey, dayName, gist, time } from "./format.js";
import { Back, Down, Panel } from "./icons.js";
import { Bubble, domId } from "./bubble.js";
import { useState } from "preact/hooks";
import { stage } from "./attachment.js";
import { Composer } from "./composer.js";
import { Menu, longPress, openMenu } from "./menu.js";
import { Sheet } from "./sheet.js";
import { Viewer } from "./viewer.js";
import { chat, go, link, now, open, panelOpen, say, typing } from "./state.js";
import { useWindow } from "./window.js";
import { Avatar } from "./chats.js";

export function Thread() {
  const number = open.value;
  const [over, setOver] = useState(false);
  const drag = (event) => { event.preventDefault(); if (event.dataTransfer?.types.includes("Files")) setOver(true); };
  const leave = (event) => { if (!event.currentTarget.contains(event.relatedTarget)) setOver(false); };
  const dropped = (event) => { event.preventDefault(); setOver(false); const file = event.dataTransfer?.files?.[0]; if (file) stage(file); };
  return html`<section class=${`chat ${over ? "over" : ""}`} aria-label=${chat.value?.verified_name ?? "Chat"} onDragOver=${drag} onDragLeave=${leave} onDrop=${dropped}>
    <${Header} />
    <${Messages} key=${number} number=${number} />
    <${Composer} key=${`c-${number}`} />
    <${Menu} /><${Sheet} /><${Viewer} />
    ${over && html`<p class="drop-here" aria-hidden="true">Drop it here: a picture, a PDF or a sound</p>`}
  </section>`;
}

function Header() {
  const one = chat.value;
  const busy = Boolean(typing.value[open.value]);
  const under = link.value === "lost" ? "Waiting for the emulator…" : busy ? "typing…" : one?.about || one?.display_phone_number;
  return html`<header class="bar"><button class="icon back" aria-label="All chats" onClick=${() => go(null)}><${Back} /></button><${Avatar} name=${one?.verified_name ?? "?"} /><div class="who"><h1>${one?.verified_name ?? "Shop"}</h1><p>${under}</p></div><button class="icon behind" aria-label="Behind the scenes" aria-expanded=${panelOpen.value} onClick=${() => { panelOpen.value = !panelOpen.value; }}><${Panel} /></button></header>`;
}

function Messages({ number }) {
  const { box, all, shown, newest, atBeginning, away, unseen, onScroll, toEnd, reveal } = useWindow(number);

  const jump = async (wamid) => {
    if (!(await reveal(wamid))) { say("That message is not here any more."); return; }
    requestAnimationFrame(() => requestAnimationFrame(() => flash(wamid)));
  };

  const keys = (event) => {
    const row = event.target.closest?.("[data-wamid]");
    if ((event.key === "ContextMenu" || (event.shiftKey && event.key === "F10")) && row) {
      event.preventDefault();
      const message = all.find((one) => one.wamid === row.dataset.wamid);
      openMenu(message, row.querySelector(".bubble"), null);
    }
    if (event.target.closest("button, input, a, audio, video") || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const rows = [...box.current.querySelectorAll(".bubble")];
    const at = row ? rows.indexOf(row.querySelector(".bubble")) : rows.length;
    const next = rows[at + (event.key === "ArrowUp" ? -1 : 1)];
    if (next) { event.preventDefault(); next.focus({ preventScroll: true }); next.scrollIntoView({ block: "nearest" }); }
  };

  const spoken = newest && newest.direction === "out" ? `${chat.value?.verified_name}: ${gist(newest)}` : "";
  return html`
    <div class="messages" ref=${box} onScroll=${onScroll} onKeyDown=${keys}>
      <div class="log" role="log" aria-live="off" aria-label="Messages" tabindex="0">
        ${atBeginning && html`<p class="note start">This is the beginning. Nothing here leaves your machine.</p>`}
        ${!atBeginning && html`<p class="note earlier">Earlier messages…</p>`}
        ${days(shown).map(([key, messages]) => html`<div class="day" key=${key}><div class="pill"><span>${dayName(messages[0].at, now())}</span></div>
          ${messages.map((message, index) => html`<div key=${message.key ?? message.wamid} ...${longPress(message)}><${Bubble} message=${message} first=${isFirst(messages[index - 1], message)} focus=${message === newest} onMenu=${openMenu} onJump=${jump} /></div>`)}</div>`)}
        <${Dots} number=${number} />
      </div>
    </div>
    <div class="live" role="status" aria-live="polite">${spoken}</div>
    ${(away || unseen > 0) && html`<button class="to-end" onClick=${toEnd} aria-label=${unseen ? `${unseen} new messages, go to the end` : "Go to the end"}>${unseen > 0 && html`<b>${unseen} new</b>`}<${Down} /></button>`}`;
}

function days(messages) {
  const groups = [];
  for (const message of messages) {
    const key = dayKey(message.at);
    if (!groups.length || groups[groups.length - 1][0] !== key) groups.push([key, []]);
    groups[groups.length - 1][1].push(message);
  }
  return groups;
}

const isFirst = (before, message) => !before || before.direction !== message.direction || before.type === "system" || message.at - before.at > 300;

function Dots({ number }) {
  return typing.value[number] ? html`<div class="row first"><div class="bubble theirs first dots" role="img" aria-label=${`typing, since ${time(now())}`}><i></i><i></i><i></i></div></div>` : null;
}

function flash(wamid) {
  const row = document.getElementById(domId(wamid));
  if (!row) return;
  row.scrollIntoView({ block: "center" });
  row.classList.remove("flash");
  void row.offsetWidth; // restarts the animation
  row.classList.add("flash");
  setTimeout(() => row.classList.remove("flash"), 1600);
}
